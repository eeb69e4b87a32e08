"""A whole mix by the paper preset, from files to files: today's against an older commit's.

    OMP_NUM_THREADS=1 python benchmarks/paper_mix.py [--against COMMIT] [--precision fp32] [--write]

Both commits mix in turn (7 tracks of 11.9 s unless said otherwise), and the ratio is that of their CPU seconds. Without
--weights-dir random weights of the published size are written to a temporary folder first (655 MB), which is not part
of what is measured. --precision is for today's only: older commits know none. `growth.py` measures other sizes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import timing

sys.path.insert(0, str(timing.ROOT / "scripts"))
TRACKS, SECONDS = 7, 11.9  # the authors' block


def song_of(folder: Path, tracks: int, seconds: float) -> Path:
    """A folder of dry tracks of noise bursts."""
    from time_paper import write_song

    folder.mkdir()
    write_song(folder, tracks, seconds)
    return folder


def mix_command(song: Path, out: Path, weights: Path, steps: int | None, precision: str | None) -> list[str]:
    command = [sys.executable, "-m", "megami.cli", "mix", str(song), "--out", str(out), "--num-mixes", "1"]
    command += ["--weights", "paper", "--weights-dir", str(weights), "--device", "cpu"]
    command += [] if steps is None else ["--steps", str(steps)]
    return command + ([] if precision is None else ["--precision", precision])


def compare(song: Path, folder: Path, weights: Path, arguments: Any) -> dict[str, timing.Runs]:
    """Both commits in turn, each in a process of its own."""
    packages = {"today": timing.ROOT}
    if arguments.against:
        packages = {"before": timing.files_of_commit(arguments.against, folder / "before"), **packages}
    commands = {
        name: mix_command(
            song,
            folder / f"mixes of {name}",
            weights,
            arguments.steps,
            arguments.precision if name == "today" else None,
        )
        for name in packages
    }
    variables = {name: {"PYTHONPATH": str(package)} for name, package in packages.items()}
    return timing.time_commands(commands, arguments.repetitions, arguments.warm_up, variables, packages)


def main() -> None:
    parser = timing.options(__doc__, repetitions=2)
    parser.add_argument("--tracks", type=int, default=TRACKS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--steps", type=int, help="sampling steps  [default: the preset's]")
    parser.add_argument("--precision", help="auto, fp32 or bf16, of what is checked out")
    parser.add_argument("--against", metavar="COMMIT", help="an older commit to measure beside what is checked out")
    parser.add_argument("--weights-dir", type=Path, help="published or random files that are there already")
    parser.add_argument("--warm-up", type=int, default=0, help="rounds that do not count (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="keep the result in results/benchmarks.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, weights = Path(name), arguments.weights_dir
        if weights is None:
            from write_random_paper_weights import write_random_weights

            weights = write_random_weights(folder / "weights")
        result: dict[str, Any] = {"tracks": arguments.tracks, "seconds": arguments.seconds, "steps": arguments.steps}
        song = song_of(folder / "song", arguments.tracks, arguments.seconds)
        runs = compare(song, folder, weights, arguments)
        timing.print_runs(runs)
        result |= {"before": arguments.against, **timing.summary_of(runs)}
        if arguments.write:
            timing.write_result("paper_mix", result)


if __name__ == "__main__":
    main()
