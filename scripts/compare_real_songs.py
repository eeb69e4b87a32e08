"""Mix real stems and hold the mixes against the raw sum and the range of the engineers' mixes of studio songs.

    python scripts/compare_real_songs.py results/results.json STEMS_FOLDER... [--out results/real_songs.json]
                                         [--figure real_songs.png] [--mixes 5] [--seed 0] [--weights small]

Prints tables in Markdown, what each stem is taken for, and names every track that is inaudible or dominates, and every
vocal that is buried. The chapter draws its figure from `results/real_songs.json`; --figure draws the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib
import numpy as np

import megami
from megami.audio import SAMPLE_RATE, resample
from megami.errors import UserError
from megami.evaluation.real_songs import BURIED_LU, RealSong, check_mix, raw_sum_of, read_real_songs, write_real_songs
from megami.evaluation.results import Row, read_results
from megami.evaluation.run import origin
from megami.notebook.real_song_plot import MEASURES, plot_real_songs

matplotlib.use("Agg")


def checked_song(folder: Path, mixer: megami.Mixer, mixes: int, seed: int) -> RealSong:
    """The raw sum and the mixes of one folder."""
    song = megami.read_multitrack(folder, SAMPLE_RATE)
    dry = resample(song.mono(), song.sample_rate, SAMPLE_RATE)
    taken_for: tuple[str, ...] = ()
    found = [check_mix("raw sum", dry, raw_sum_of(song), SAMPLE_RATE)]
    for number, mix in enumerate(mixer.mix(song, num_mixes=mixes, seed=seed), start=1):
        found.append(check_mix(f"mix {number}", dry, mix.tracks, mix.sample_rate))
        taken_for = tuple("" if taken is None else str(taken) for taken in mix.taken_for)
    return RealSong(tuple(song.names), tuple(found), taken_for)


def print_ear(song: RealSong) -> None:
    """What every stem was taken for, and how loud it is against all the others over the mixes; flags buried vocals."""
    print("\n| track | taken for | over the rest, LU: mean (lowest to highest) | raw sum |\n|---|---|---|---|")
    levels = np.array([one.over_rest_lu for one in song.mixes])
    for index, name in enumerate(song.tracks):
        taken = song.taken_for[index] if song.taken_for else ""
        raw, own = levels[0, index], levels[1:, index]
        print(f"| {name} | {taken} | {own.mean():.1f} ({own.min():.1f} to {own.max():.1f}) | {raw:.1f} |")
        if index in song.vocals and own.min() < BURIED_LU:
            count = int((own < BURIED_LU).sum())
            print(
                f"FLAG the vocal {name} lies more than {-BURIED_LU:g} LU under the rest in {count} of {len(own)} mixes"
            )


def print_song(title: str, song: RealSong, ranges: dict[str, Row]) -> None:
    """A line per mix, a column per measure, then the level of every track."""
    words = [title.replace("\n", " ") for title in MEASURES.values()]
    print(f"\n## {title}\n\n| | " + " | ".join([*words, *song.tracks]) + " |")
    print("|---" * (1 + len(MEASURES) + len(song.tracks)) + "|")
    for one in song.mixes:
        values = [one.mix[name] for name in MEASURES] + list(one.track_level_db)
        print(f"| {one.title} | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    limits = [f"{row.low:.1f} to {row.high:.1f}" for row in (ranges[f"mix_{name}"] for name in MEASURES)]
    print("| engineers, studio songs | " + " | ".join(limits + [""] * len(song.tracks)) + " |")
    for one in song.mixes[1:]:
        for word, tracks in (("inaudible", one.inaudible), ("dominating", one.dominating)):
            for track in tracks:
                print(f"FLAG {title}, {one.title}: {song.tracks[track]} is {word} ({one.track_level_db[track]:.1f} dB)")


def parse() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results/results.json of megami evaluate")
    parser.add_argument("songs", type=Path, nargs="+", help="folders of stems")
    parser.add_argument("--out", type=Path, help="JSON to write")
    parser.add_argument("--figure", type=Path, help="PNG to write")
    parser.add_argument("--mixes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="small")
    return parser.parse_args()


def main() -> None:
    """Mix, print, and write what was asked for."""
    chosen = parse()
    if chosen.out and chosen.out.exists():
        try:
            read_real_songs(chosen.out)
        except (UserError, AttributeError):  # of whatever form it is
            raise UserError(f"{chosen.out} is not of this script: move it away, or choose another --out") from None
    results, _ = read_results(chosen.results)
    ranges = {row.metric: row for row in results if row.system == "engineers" and row.kind == "range"}
    mixer = megami.Mixer.from_pretrained(chosen.weights, device="cpu")
    songs = {}
    for folder in chosen.songs:
        songs[folder.name] = checked_song(folder, mixer, chosen.mixes, chosen.seed)
        print_song(folder.name, songs[folder.name], ranges)
        print_ear(songs[folder.name])
    if chosen.out:
        options = f"--mixes {chosen.mixes} --seed {chosen.seed} --weights {chosen.weights}"
        command = f"scripts/compare_real_songs.py results/results.json {' '.join(songs)} {options}"
        write_real_songs(chosen.out, songs, {**origin(chosen.weights, False, chosen.seed), "command": command})
    if chosen.figure:
        alt = "Mixes of real songs beside their raw sums and the range of the engineers."
        plot_real_songs(songs, results, alt=alt).figure.savefig(chosen.figure, dpi=110, facecolor="white")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
