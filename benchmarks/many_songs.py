"""Songs per minute: one process that mixes many songs, and one process for each song.

    OMP_NUM_THREADS=1 python benchmarks/many_songs.py [--songs 4] [--tracks 4] [--seconds 10] [--write]

A `Mixer` keeps its networks, and the package its filters by sample rate, so a second song costs what mixing costs and
no more: the CPU seconds of every song in the one process are printed too, in the order in which they were mixed.
Minutes are those of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import timing
from small_mix import write_song


def mix_songs(songs: list[Path], takes: int) -> dict[str, Any]:
    """Mix songs one after the other with one mixer: CPU seconds before the first, and of each."""
    import megami

    mixer = megami.Mixer.from_pretrained("small", device="cpu")
    ready, each = time.process_time(), []
    for song in songs:
        began = time.process_time()
        with tempfile.TemporaryDirectory() as out:
            for number, mix in enumerate(mixer.iterate_mixes(megami.read_multitrack(song), takes)):
                mix.save(Path(out) / f"mix_{number + 1}.wav")
        each.append(round(time.process_time() - began, 3))
    return {"ready_s": round(ready, 3), "songs_s": each}


def in_processes(groups: list[list[Path]], takes: int) -> tuple[float, list[dict[str, Any]]]:
    """Mix groups of songs, each in a process of its own: CPU seconds in all, and what each process said."""
    used, said = 0.0, []
    for songs in groups:
        command = [sys.executable, __file__, "--takes", str(takes), "--mix", *map(str, songs)]
        with tempfile.TemporaryFile("w+") as printed:
            process = subprocess.Popen(command, cwd=timing.ROOT, stdout=printed)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            printed.seek(0)
            said.append(json.loads(printed.read().splitlines()[-1]))
        used += usage.ru_utime + usage.ru_stime
    return used, said


def main() -> None:
    parser = timing.options(__doc__, repetitions=3)
    parser.add_argument("--songs", type=int, default=4)
    parser.add_argument("--tracks", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="keep the result in results/benchmarks.json")
    parser.add_argument("--mix", nargs="+", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.mix:
        print(json.dumps(mix_songs(arguments.mix, arguments.takes)))
        return
    with tempfile.TemporaryDirectory() as folder:
        songs = [
            write_song(Path(folder) / f"song_{number}", arguments.tracks, arguments.seconds)
            for number in range(arguments.songs)
        ]
        groups = {"one process": [songs], "one process per song": [[song] for song in songs]}
        seconds: dict[str, list[float]] = {name: [] for name in groups}
        each: list[list[float]] = []
        for number in range(arguments.repetitions):
            for name in timing.in_turn(groups, number):
                used, said = in_processes(groups[name], arguments.takes)
                seconds[name].append(used)
                if name == "one process":
                    each.append(said[0]["songs_s"])
    per_minute = {name: timing.spread([60 * arguments.songs / s for s in some], 1) for name, some in seconds.items()}
    ratio = timing.spread([b / a for a, b in zip(*seconds.values(), strict=True)], 2)
    per_song = [round(statistics.median(some), 3) for some in zip(*each, strict=True)]
    for name, some in per_minute.items():
        print(f"{name:22}{some['median']:8.1f} songs per minute of one core ({some['least']}-{some['greatest']})")
    print(f"CPU seconds of each song in the one process: {per_song}")
    print(f"one process per song takes {ratio['median']} times as long ({ratio['least']}-{ratio['greatest']})")
    if arguments.write:
        sizes = {name: getattr(arguments, name) for name in ("songs", "tracks", "seconds", "takes", "repetitions")}
        found = {"songs_per_minute": per_minute, "ratio": ratio, "songs_cpu_s": per_song}
        timing.write_result("many_songs", sizes | found)


if __name__ == "__main__":
    main()
