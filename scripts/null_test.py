"""How far exported sessions are from the mixes they came from: residual of the null test, per track.

    python scripts/null_test.py [--songs paper_boats night_bus] [--weights small] [--seed 0]

Each song of data_samples is mixed once and written as a REAPER project, which is read back by `megami.session`: every
dry track is played through its devices, fader and pan, and the rendered track taken from it. What is left stands in dB
over the rendered track. What the plug-ins of another program make of the same numbers is not measured.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from tqdm import tqdm

import megami
from megami.session import read_session

SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"


def main() -> None:
    """Print a line for each track, and the median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())
    parser.add_argument("--songs", nargs="+", choices=every, default=every)
    parser.add_argument("--weights", default="small")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    mixer = megami.Mixer.from_pretrained(options.weights)
    residuals: list[float] = []
    for name in tqdm(options.songs, desc="null test", disable=None):
        mix = mixer.mix(megami.read_multitrack(SAMPLES / name), seed=options.seed)[0]
        settings = mix.settings()
        with tempfile.TemporaryDirectory() as folder:
            found = read_session(mix.export(Path(folder) / f"{name}.rpp")).null_test()
        for track, residual in found.items():
            if settings[track].source == "silent":
                continue
            residuals.append(residual)
            equaliser = settings[track].equaliser
            error = f"{equaliser.median_error_db:.2f} dB" if equaliser else "none"
            tqdm.write(f"{name:14} {track:20} residual {residual:6.1f} dB   error of the equaliser's bands: {error}")
    print(f"{len(residuals)} tracks: median {statistics.median(residuals):.1f} dB, worst {max(residuals):.1f} dB")


if __name__ == "__main__":
    main()
