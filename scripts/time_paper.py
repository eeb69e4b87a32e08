"""Time and peak memory of `megami mix --weights paper` at full size, with random weights and a song of noise bursts.

    python scripts/time_paper.py [--tracks 7] [--seconds 180] [--weights-dir FOLDER] [--compat ours] [--device auto]

With two CPU cores expect about twice the song's length for each track. Without --weights-dir random weights are written
to a temporary folder first (655 MB), which is not part of what is measured.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from write_random_paper_weights import write_random_weights

RATE = 44100


def write_song(folder: Path, tracks: int, seconds: float) -> None:
    """Dry tracks of decaying noise bursts, each at its own rate."""
    moments = np.arange(round(seconds * RATE)) / RATE
    for number in range(tracks):
        rng = np.random.default_rng(number)
        bursts = 0.2 * rng.standard_normal(len(moments)) * np.exp(-(moments % (0.3 + 0.1 * number)) / 0.1)
        soundfile.write(folder / f"track_{number + 1:02d}.flac", bursts, RATE)


def time_mix(song: Path, weights: Path, options: list[str]) -> tuple[float, float]:
    """Mix once in a process of its own; seconds by the clock and peak memory in GB."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "megami.cli", "mix", str(song), "--out", out, "--num-mixes", "1"]
        command += ["--weights", "paper", "--weights-dir", str(weights), *options]
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tracks", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--weights-dir", type=Path)
    parser.add_argument("--compat", default="ours")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song"
        song.mkdir()
        write_song(song, arguments.tracks, arguments.seconds)
        weights = arguments.weights_dir or write_random_weights(Path(folder) / "weights")
        options = ["--compat", arguments.compat, "--device", arguments.device]
        seconds, peak_gb = time_mix(song, weights, options)
    print(f"{arguments.tracks} tracks of {arguments.seconds:g} s: {seconds:.0f} s, peak memory {peak_gb:.2f} GB")


if __name__ == "__main__":
    main()
