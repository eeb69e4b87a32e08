"""Mix real stems and hold the mixes against the raw sum and the range of the engineers' mixes of studio songs.

    python scripts/compare_real_songs.py results.json figure.png STEMS_FOLDER... [--mixes 5] [--seed 0]

Prints tables in Markdown, and names every track that is inaudible or dominates; the figure shows the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np

import megami
from megami.evaluation.real_songs import Checked, check_mix, raw_sum_of
from megami.evaluation.rows import Row, read_results

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend is chosen)

MEASURES = {
    "centroid_octaves": "brightness (octaves over 1 kHz)",
    "band_1_db": "below 88 Hz (dB)",
    "width_mid_db": "width (dB)",
    "punch_db": "punch: peak over RMS (dB)",
    "range_db": "range of levels (dB)",
}


def checked_song(folder: Path, mixer: megami.Mixer, mixes: int, seed: int) -> tuple[tuple[str, ...], list[Checked]]:
    """Names of the tracks, and the raw sum and the mixes of one folder."""
    song = megami.read_multitrack(folder)
    dry = song.mono()
    found = [check_mix("raw sum", dry, raw_sum_of(song), song.sample_rate)]
    for number, mix in enumerate(mixer.mix(song, num_mixes=mixes, seed=seed), start=1):
        found.append(check_mix(f"mix {number}", dry, mix.tracks, song.sample_rate))
    return song.names, found


def print_song(title: str, names: tuple[str, ...], found: list[Checked], ranges: dict[str, Row]) -> None:
    """A line per mix, a column per measure, then the level of every track."""
    print(f"\n## {title}\n\n| | " + " | ".join([*MEASURES.values(), *names]) + " |")
    print("|---" * (1 + len(MEASURES) + len(names)) + "|")
    for one in found:
        values = [f"{one.mix[name]:.1f}" for name in MEASURES] + [f"{level:.1f}" for level in one.track_level_db]
        print(f"| {one.title} | " + " | ".join(values) + " |")
    limits = [f"{ranges[name].low:.1f} to {ranges[name].high:.1f}" for name in MEASURES]
    print("| engineers, studio songs | " + " | ".join(limits + [""] * len(names)) + " |")
    for one in found[1:]:
        for word, tracks in (("inaudible", one.inaudible), ("dominating", one.dominating)):
            for track in tracks:
                print(f"FLAG {title}, {one.title}: {names[track]} is {word} ({one.track_level_db[track]:.1f} dB)")


def draw(songs: dict[str, list[Checked]], ranges: dict[str, Row], path: Path) -> None:
    """One panel per measure: raw sums as crosses, mixes as dots, the engineers' range as a band."""
    figure, axes = plt.subplots(1, len(MEASURES) + 1, figsize=(16, 3.6), layout="constrained")
    for axis, (name, title) in zip(axes, MEASURES.items()):
        axis.axhspan(ranges[name].low, ranges[name].high, color="#e2dfd8")
        for column, found in enumerate(songs.values()):
            axis.plot(column, found[0].mix[name], "x", color="#1d2126")
            values = [one.mix[name] for one in found[1:]]
            axis.plot([column] * len(values), values, "o", color="#d55e00", alpha=0.6)
        axis.set_title(title, fontsize=9)
        axis.set_xticks(range(len(songs)), list(songs), fontsize=8)
    level = ranges["level"]
    axes[-1].axhspan(level.low, level.high, color="#e2dfd8")
    for column, found in enumerate(songs.values()):
        values = np.stack([one.track_level_db for one in found[1:]])
        axes[-1].plot(np.full(values.size, column), values.ravel(), "o", color="#d55e00", alpha=0.35, markersize=4)
    axes[-1].axhline(-30, color="#5f6670", linestyle=":")
    axes[-1].set_title("level of tracks in the mix (dB)", fontsize=9)
    axes[-1].set_xticks(range(len(songs)), list(songs), fontsize=8)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results.json of megami evaluate")
    parser.add_argument("figure", type=Path, help="PNG to write")
    parser.add_argument("songs", type=Path, nargs="+", help="folders of stems")
    parser.add_argument("--mixes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="small")
    arguments = parser.parse_args()
    rows = {row.metric: row for row in read_results(arguments.results)[0] if row.system == "engineers"}
    ranges = {name: rows[f"mix_{name}"] for name in MEASURES} | {"level": rows["track_level_db"]}
    mixer = megami.Mixer.from_pretrained(arguments.weights, device="cpu")
    songs = {}
    for folder in arguments.songs:
        names, found = checked_song(folder, mixer, arguments.mixes, arguments.seed)
        print_song(folder.name, names, found, ranges)
        songs[folder.name] = found
    draw(songs, ranges, arguments.figure)


if __name__ == "__main__":
    main()
