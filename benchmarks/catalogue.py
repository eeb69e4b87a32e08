"""Time a catalogue in one process, whose networks are loaded once, against one process for each song.

    python benchmarks/catalogue.py [--songs 6] [--mixes 1] [--repetitions 3] [--write]

Every way mixes the sample songs into a folder of its own, which is removed again. `--jobs 2` costs the same work twice
the loading: look at its seconds by the clock, on two idle cores.
"""

from __future__ import annotations

import shlex
import sys

from timing import ROOT, Runs, options, print_runs, ratios, summary_of, time_commands, write_result

KEY = "catalogue"


def commands(songs: list[str], mixes: int) -> dict[str, list[str]]:
    """The ways, each a shell command that leaves nothing behind."""
    mix = [sys.executable, "-m", "megami.cli", "mix"]
    options_of_all = ["--num-mixes", str(mixes), "--device", "cpu"]
    alone = " && ".join(
        f"{shlex.join([*mix, song, *options_of_all])} --out $out/{number}" for number, song in enumerate(songs)
    )
    together = f"{shlex.join([*mix, *songs, *options_of_all])} --out $out"
    ways = {"a process per song": alone, "one process": together, "two processes": f"{together} --jobs 2"}
    return {name: ["sh", "-c", f"out=$(mktemp -d) && trap 'rm -rf $out' EXIT && {way}"] for name, way in ways.items()}


def per_minute(runs: Runs, songs: int) -> dict[str, float]:
    """Songs in a minute of one core, and of the clock: medians."""
    said = runs.summary()
    return {kind: round(60 * songs / said[f"{kind}_s"]["median"], 2) for kind in ("cpu", "wall")}


def main() -> None:
    parser = options(__doc__, 3)
    parser.add_argument("--songs", type=int, default=6, help="of the sample songs (default: %(default)s)")
    parser.add_argument("--mixes", type=int, default=1, help="takes of each song (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=1, help="rounds that do not count (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="keep the result in results/benchmarks.json")
    arguments = parser.parse_args()
    folders = sorted(path for path in (ROOT / "data_samples").iterdir() if path.is_dir())
    songs = [str(path.relative_to(ROOT)) for path in folders][: arguments.songs]
    runs = time_commands(commands(songs, arguments.mixes), arguments.repetitions, arguments.warm_up)
    print_runs(runs)
    rates = {name: per_minute(one, len(songs)) for name, one in runs.items()}
    for name, rate in rates.items():
        print(f"{name}: {rate['cpu']:.1f} songs in a minute of one core, {rate['wall']:.1f} by the clock")
    if arguments.write:
        gains = {f"one process / {name}": ratios(runs["one process"], one) for name, one in runs.items()}
        write_result(KEY, {"songs": len(songs), **summary_of(runs), "songs_per_minute": rates, "ratios_to_one": gains})


if __name__ == "__main__":
    main()
