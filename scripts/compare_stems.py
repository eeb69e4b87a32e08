"""Compare dry stems of the studio and the sample songs with real ones. Prints a table, draws a figure.

    python scripts/compare_stems.py STEMS_FOLDER OUT.png [--songs 30]

STEMS_FOLDER holds audio files or folders of them (real stems); only statistics of them are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import soundfile
from scipy import signal

from megami.studio import compose_song

matplotlib.use("Agg")
from matplotlib import pyplot as plt

MEASURES: tuple[tuple[str, str], ...] = (
    ("peak", "peak, dBFS"),
    ("crest", "crest factor, dB"),
    ("centroid", "spectral centroid, Hz"),
    ("edge", "95 % energy below, Hz"),
    ("floor", "quietest 2 % of 100 ms frames, dBFS"),
    ("active", "share of frames above -50 dBFS"),
)


def measure(audio: np.ndarray, rate: int) -> dict[str, float]:
    """Statistics of one mono stem [n]."""
    frame = rate // 10
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    levels = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    peak_db = 20.0 * np.log10(np.abs(audio).max() + 1e-9)
    hz, power = signal.welch(audio, rate, nperseg=8192)
    share = np.cumsum(power) / power.sum()
    return {
        "peak": peak_db,
        "crest": peak_db - 10.0 * np.log10(np.mean(audio**2) + 1e-12),
        "centroid": float(np.sum(hz * power) / power.sum()),
        "edge": float(hz[np.searchsorted(share, 0.95)]),
        "floor": float(np.percentile(levels, 2)),
        "active": float(np.mean(levels > -50.0)),
    }


def measured_stems(folder: Path) -> list[dict[str, float]]:
    """Statistics of all audio files under `folder`."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".wav", ".flac", ".aif", ".aiff")]
    measured = []
    for path in files:
        audio, rate = soundfile.read(path, always_2d=True)
        measured.append(measure(audio.mean(axis=1), rate))
    return measured


def studio_stems(num_songs: int) -> list[dict[str, float]]:
    """Statistics of the stems of the first songs of the studio."""
    measured = []
    for seed in range(num_songs):
        song = compose_song(seed)
        measured.extend(measure(track.numpy().astype(np.float64), 44100) for track in song.multitrack.audio[:, 0])
    return measured


def print_table(groups: dict[str, list[dict[str, float]]]) -> None:
    """Smallest, quartiles and largest value of each measure for each group, as a Markdown table."""
    print("| measure | stems | smallest | 25 % | median | 75 % | largest |\n|---|---|---|---|---|---|---|")
    for key, title in MEASURES:
        for name, stems in groups.items():
            values = np.percentile([stem[key] for stem in stems], [0, 25, 50, 75, 100])
            digits = 2 if key == "active" else (0 if key in ("centroid", "edge") else 1)
            print(f"| {title} | {name} ({len(stems)}) | " + " | ".join(f"{v:.{digits}f}" for v in values) + " |")


def draw(groups: dict[str, list[dict[str, float]]], path: Path) -> None:
    """One panel a measure, one column of dots a group."""
    figure, axes = plt.subplots(1, len(MEASURES), figsize=(13, 3.6), constrained_layout=True)
    rng = np.random.default_rng(0)
    for axis, (key, title) in zip(axes, MEASURES, strict=True):
        for column, stems in enumerate(groups.values()):
            values = [stem[key] for stem in stems]
            axis.boxplot([values], positions=[column], widths=0.6, showfliers=False, medianprops={"color": "black"})
            axis.plot(column + rng.uniform(-0.2, 0.2, len(values)), values, ".", alpha=0.5, markersize=4)
        axis.set_xticks(range(len(groups)), list(groups))
        axis.set_title(title, fontsize=8)
        axis.tick_params(labelsize=8)
        if key in ("centroid", "edge"):
            axis.set_yscale("log")
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stems", type=Path, help="folder of real stems")
    parser.add_argument("figure", type=Path, help="PNG to write")
    parser.add_argument("--songs", type=int, default=30, help="number of studio songs to compare with")
    arguments = parser.parse_args()
    samples = Path(__file__).resolve().parent.parent / "data_samples"
    groups = {
        "real": measured_stems(arguments.stems),
        "studio": studio_stems(arguments.songs),
        "samples": measured_stems(samples),
    }
    print_table(groups)
    draw(groups, arguments.figure)


if __name__ == "__main__":
    main()
