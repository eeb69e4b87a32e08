"""A whole mix, from files to files, by its number of tracks and its length: time and peak memory.

    OMP_NUM_THREADS=1 python benchmarks/growth.py [--tracks 4 8 16 40] [--seconds 12 60 180] [--takes 1] [--write]
    OMP_NUM_THREADS=1 python benchmarks/growth.py --weights paper [--weights-dir FOLDER] [--steps 10] [--write]
    OMP_NUM_THREADS=1 python benchmarks/growth.py --weights paper --sizes 4x12 8x12 16x12 40x12 4x60 4x180 --write

Every size is a process of its own, whose memory is that of Python, PyTorch and the networks, too. Large arrays lie in
temporary files: what the system keeps of them in memory counts, though it takes the room back when it needs it, so look
at `scripts/measure_memory.py` for how little memory is enough. For paper without
--weights-dir, random weights of the published size are written to a temporary folder first (655 MB), which is not part
of what is measured; at one thread on an ordinary core expect an hour for 40 tracks of 60 s. Besides the table the cost
is told as a line: seconds for each song, and seconds for each second of each track.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import timing
from small_mix import mix_words, write_song

sys.path.insert(0, str(timing.ROOT / "scripts"))


def weights_words(folder: Path, asked: Namespace) -> list[str]:
    """The options of the command that say which networks mix, and how; random weights are written where none are."""
    if asked.weights != "paper":
        return []
    published = asked.weights_dir
    if published is None:
        from write_random_paper_weights import write_random_weights

        published = write_random_weights(folder / "weights")
    return ["--weights-dir", str(published), *([] if asked.steps is None else ["--steps", str(asked.steps)])]


def measure(folder: Path, asked: Namespace) -> list[dict[str, Any]]:
    """A row for every size that is asked for."""
    more = weights_words(folder, asked)
    rows = []
    for tracks, seconds in asked.sizes or product(asked.tracks, asked.seconds):
        song = write_song(folder / f"{tracks} tracks of {seconds:g} s", tracks, seconds)
        words = mix_words(song, folder / f"mixes of {song.name}", asked.weights, asked.takes)
        command = [sys.executable, "-m", "megami.cli", *words, *more]
        runs = timing.time_commands({"mix": command}, asked.repetitions, asked.warm_up)
        found = runs["mix"].summary()
        rows.append({"tracks": tracks, "seconds": seconds, **found})
        peak = f"peak {found['peak_mb']['median']:.0f} MB" if found["peak_mb"] else ""
        times = f"{found['cpu_s']['median']:8.2f} CPU s {found['wall_s']['median']:8.2f} s"
        print(f"{tracks:3d} tracks of {seconds:5g} s {times}   {peak}", flush=True)
    return rows


def size(word: str) -> tuple[int, float]:
    """Tracks and seconds of a word such as 8x12."""
    tracks, seconds = word.split("x")
    return int(tracks), float(seconds)


def as_line(rows: list[dict[str, Any]]) -> dict[str, float]:
    """CPU seconds of a song of no length, and of each second of each track: the straight line nearest to all sizes.

    Nearest by relative error, so that the largest song does not decide alone.
    """
    cpu_s = np.array([row["cpu_s"]["median"] for row in rows])
    amounts = np.array([[1.0, row["tracks"] * row["seconds"]] for row in rows])
    (song, each), *_ = np.linalg.lstsq(amounts / cpu_s[:, None], np.ones(len(rows)), rcond=None)
    off = np.abs(amounts @ np.array([song, each]) / cpu_s - 1)
    return {"song_s": round(song, 3), "track_second_s": round(each, 5), "worst_relative_error": round(off.max(), 3)}


def main() -> None:
    parser = timing.options(__doc__, repetitions=1)
    parser.add_argument("--weights", choices=("small", "paper"), default="small")
    parser.add_argument("--tracks", type=int, nargs="+", default=[4, 8, 16, 40])
    parser.add_argument("--seconds", type=float, nargs="+", default=[12.0, 60.0, 180.0])
    parser.add_argument(
        "--sizes", type=size, nargs="+", help="TRACKSxSECONDS, in place of all combinations of these two"
    )
    parser.add_argument("--takes", type=int, default=1, help="mixes of each song (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="sampling steps, of paper  [default: the preset's]")
    parser.add_argument("--weights-dir", type=Path, help="published or random files of paper that are there already")
    parser.add_argument("--warm-up", type=int, default=0, help="rounds that do not count (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="keep the result in results/benchmarks.json")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), asked)
    result: dict[str, Any] = {"takes": asked.takes, "sizes": rows}
    if len(rows) > 2:
        result["line"] = as_line(rows)
        line = result["line"]
        print(
            f"{line['song_s']:.2f} s for a song, and {line['track_second_s']:.4f} s for each second of each track "
            f"(at most {line['worst_relative_error']:.0%} off)"
        )
    if asked.write:
        timing.write_result(f"growth_{asked.weights}", result)


if __name__ == "__main__":
    main()
