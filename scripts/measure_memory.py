"""How much memory a mix takes: long stems are made from the sample songs, mixed from the command line, and watched.

    python scripts/measure_memory.py 7 3 --mixes 3
    python scripts/measure_memory.py 40 10 --stems --stereo
    python scripts/measure_memory.py 40 10 --limit-gb 4

With a limit, the system refuses the process more memory of its own (RLIMIT_DATA; also room that is reserved and never
used counts), so that a mix which needs more fails.

Prints the peak of what the process holds for itself (anonymous memory), of all that is resident (with files that are
mapped, which the system takes back when it needs the room), and the seconds. Linux only.
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

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"


def make_stems(folder: Path, tracks: int, minutes: float, stereo: bool, sample_rate: int) -> None:
    """Long stems: those of the sample songs, repeated, each beginning elsewhere."""
    sources = sorted(SAMPLES.glob("*/*.flac"))
    for number in range(tracks):
        audio, own_rate = soundfile.read(sources[number % len(sources)], dtype="float32", always_2d=True)
        audio = audio.mean(axis=1)
        samples = round(minutes * 60 * sample_rate)
        track = np.roll(np.resize(audio, samples), number * own_rate)
        if stereo:
            track = np.stack([track, np.roll(track, 20)], axis=1)
        soundfile.write(folder / f"track_{number + 1:02d}.wav", track, sample_rate, subtype="PCM_16")


def watch(command: list[str], limit_gb: float | None = None) -> tuple[float, float, float, int]:
    """Run a command: peak of its own memory and of all that was resident, in GB; seconds; exit code."""
    begin, own, resident = time.monotonic(), 0.0, 0.0

    def set_limit() -> None:
        if limit_gb is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (round(limit_gb * 1e9),) * 2)

    process = subprocess.Popen(command, preexec_fn=set_limit)
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            break
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss", "VmRSS"))}
        own = max(own, kilobytes.get("RssAnon", 0) / 1e6)
        resident = max(resident, kilobytes.get("VmRSS", 0) / 1e6)
        time.sleep(0.05)
    return own, resident, time.monotonic() - begin, process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tracks", type=int)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--mixes", type=int, default=1)
    parser.add_argument("--stereo", action="store_true", help="stems with left and right apart")
    parser.add_argument("--rate", type=int, default=44100, help="sample rate of the stems in Hz")
    parser.add_argument("--stems", action="store_true", help="write the wet tracks too")
    parser.add_argument("--page", action="store_true", help="write the listening page too")
    parser.add_argument("--limit-gb", type=float, help="let the mix fail if it needs more memory of its own")
    parser.add_argument("--work", type=Path, help="where stems and mixes are kept while this runs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        stems = Path(folder) / "stems"
        stems.mkdir()
        make_stems(stems, args.tracks, args.minutes, args.stereo, args.rate)
        command = [sys.executable, "-m", "megami.cli", "mix", str(stems), "--out", f"{folder}/mixes"]
        command += ["--num-mixes", str(args.mixes)]
        command += [flag for flag in ("--stems", "--page") if getattr(args, flag[2:])]
        own, resident, seconds, code = watch(command, args.limit_gb)
    print(
        f"{args.tracks} tracks of {args.minutes:g} min: {own:.2f} GB own, {resident:.2f} GB resident, {seconds:.0f} s"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
