"""Time two or more ways of doing the same in one run: interleaved, by the processor's seconds, as ratios with spread.

    python benchmarks/timing.py "COMMAND" "OTHER COMMAND" [--repetitions 5] [--write KEY]

Seconds by the clock say little on a machine that does something else as well; the seconds that the processor spent on a
process, each way in its turn and again, say which way is cheaper by how much. The other scripts of this folder use what
is here. Nothing of it is a test: what is measured depends on the machine, which is written beside it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "benchmarks.json"
TELLING_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile", "asimd", "bf16")
"""What a processor can do that changes which arithmetic is fast on it."""


@dataclass
class Runs:
    """What the repetitions of one way took; peak memory in bytes of the whole process, None where it is not known."""

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    peak_bytes: list[int | None] = field(default_factory=list)

    def add(self, cpu_s: float, wall_s: float, peak_bytes: int | None) -> None:
        self.cpu_s.append(cpu_s)
        self.wall_s.append(wall_s)
        self.peak_bytes.append(peak_bytes)

    def summary(self) -> dict[str, Any]:
        """Medians and ranges, as numbers that JSON holds."""
        peaks = [peak for peak in self.peak_bytes if peak is not None]
        return {
            "cpu_s": spread(self.cpu_s),
            "wall_s": spread(self.wall_s),
            "peak_mb": spread([peak / 1e6 for peak in peaks], 0) if peaks else None,
            "repetitions": len(self.cpu_s),
        }


def spread(values: Sequence[float], digits: int = 4) -> dict[str, float]:
    """Median, least and greatest of some values."""
    found = {"median": statistics.median(values), "least": min(values), "greatest": max(values)}
    return {name: round(value, digits) for name, value in found.items()}


def ratios(first: Runs, second: Runs) -> dict[str, dict[str, float]]:
    """How many times as long the first way took as the second, round by round: a machine's mood goes out of it."""
    pairs = {"cpu": (first.cpu_s, second.cpu_s), "wall": (first.wall_s, second.wall_s)}
    return {kind: spread([a / b for a, b in zip(*both, strict=True)], 3) for kind, both in pairs.items()}


def time_callables(ways: Mapping[str, Callable[[], object]], repetitions: int = 5, warm_up: int = 1) -> dict[str, Runs]:
    """Time functions of no arguments in this process, each way once per round, the order turned round every round.

    CPU seconds are those of all threads of the process. The first `warm_up` rounds do not count: imports, tables that
    are kept, pages that are touched for the first time.
    """
    runs = {name: Runs() for name in ways}
    for number in range(-warm_up, repetitions):
        for name in in_turn(ways, number):
            forget_peak()
            cpu, wall = time.process_time(), time.perf_counter()
            kept = ways[name]()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            del kept
            if number >= 0:
                runs[name].add(cpu, wall, peak_bytes())
    return runs


def time_commands(
    ways: Mapping[str, Sequence[str]],
    repetitions: int = 5,
    warm_up: int = 1,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    folders: Mapping[str, Path] | None = None,
) -> dict[str, Runs]:
    """Time commands, each in a process of its own, once per round, the order turned round every round.

    `environment` and `folders` give single ways further variables and another folder to run in. What a command prints
    is dropped. Raises CalledProcessError, with what it printed on stderr, where a command fails.
    """
    runs = {name: Runs() for name in ways}
    for number in range(-warm_up, repetitions):
        for name in in_turn(ways, number):
            variables = {**os.environ, **((environment or {}).get(name) or {})}
            one = run_command(ways[name], variables, (folders or {}).get(name, ROOT))
            if number >= 0:
                runs[name].add(*one)
    return runs


def run_command(command: Sequence[str], variables: Mapping[str, str], folder: Path) -> tuple[float, float, int | None]:
    """Run a command: CPU seconds of it and of what it started, seconds by the clock, peak memory in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=dict(variables), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        sys.stderr.write(said.decode(errors="replace"))
        raise subprocess.CalledProcessError(process.returncode, list(command), stderr=said)
    in_bytes = 1 if sys.platform == "darwin" else 1024
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss * in_bytes


def in_turn(ways: Iterable[str], number: int) -> list[str]:
    """The ways in the order of this round: what comes last in one comes first in the next."""
    names = list(ways)
    return names if number % 2 else names[::-1]


def forget_peak() -> None:
    """Let the system count this process's peak memory from now on, where it can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int | None:
    """The most memory that this process had since `forget_peak`; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return peaks[0] if peaks else None


@contextmanager
def files_of_commit(commit: str, folder: Path) -> Iterator[Path]:
    """The package and its presets as they were at a commit, unpacked into a folder, to be timed beside today's."""
    packed = subprocess.run(["git", "archive", commit, "megami"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    yield folder


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    return {
        "processor": processor_name(),
        "flags": processor_flags(),
        "cores": os.cpu_count(),
        "memory_gb": memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
    }


def processor_name() -> str:
    return _from_cpuinfo("model name") or platform.processor() or platform.machine()


def processor_flags() -> list[str]:
    """Those of `TELLING_FLAGS` that the processor has."""
    known = (_from_cpuinfo("flags") or _from_cpuinfo("Features")).split()
    return [flag for flag in TELLING_FLAGS if flag in known]


def _from_cpuinfo(what: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == what), "")


def memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (OSError, ValueError):
        return None


def commit_now() -> str:
    """The commit that is checked out, with a plus where files differ from it; empty outside a repository."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = "+" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short", "HEAD") + changed


def write_result(key: str, result: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Keep a result in the file of all benchmarks, under its own key, with the machine, the commit and the day."""
    everything = json.loads(path.read_text()) if path.exists() else {}
    about = {"command": " ".join(["python", *map(shlex.quote, shown_arguments())])}
    about |= {"commit": commit_now(), "day": time.strftime("%Y-%m-%d"), "machine": machine()}
    everything[key] = about | dict(result)
    path.write_text(json.dumps(dict(sorted(everything.items())), indent=2) + "\n")
    print(f"written to {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}, under {key}")


def shown_arguments() -> list[str]:
    """The command line as one would type it in the folder of the project."""
    script = Path(sys.argv[0]).resolve()
    return [str(script.relative_to(ROOT)) if script.is_relative_to(ROOT) else script.name, *sys.argv[1:]]


def print_runs(runs: Mapping[str, Runs]) -> None:
    """One line per way, and the ratio of the first to each other one."""
    names = list(runs)
    width = max(map(len, names))
    for name, one in runs.items():
        said = one.summary()
        peak = f"   peak {said['peak_mb']['median']:.0f} MB" if said["peak_mb"] else ""
        cpu, wall = said["cpu_s"], said["wall_s"]
        print(
            f"{name:{width}}  {cpu['median']:8.3f} CPU s ({cpu['least']:.3f}-{cpu['greatest']:.3f})"
            f"  {wall['median']:8.3f} s{peak}"
        )
    for name in names[1:]:
        cpu = ratios(runs[names[0]], runs[name])["cpu"]
        print(f"{names[0]} / {name}: {cpu['median']:.2f} ({cpu['least']:.2f}-{cpu['greatest']:.2f})")


def summary_of(runs: Mapping[str, Runs]) -> dict[str, Any]:
    """All ways, and how many times as long the first took as each other."""
    names = list(runs)
    compared = {f"{names[0]} / {name}": ratios(runs[names[0]], runs[name]) for name in names[1:]}
    return {"ways": {name: one.summary() for name, one in runs.items()}, "ratios": compared}


def options(description: str | None, repetitions: int = 5) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=repetitions, help="rounds that count (default: %(default)s)")
    return parser


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("commands", nargs="+", help="each in one pair of quotes")
    parser.add_argument("--write", metavar="KEY", help="keep the result in results/benchmarks.json under this key")
    arguments = parser.parse_args()
    runs = time_commands({command: shlex.split(command) for command in arguments.commands}, arguments.repetitions)
    print_runs(runs)
    if arguments.write:
        write_result(arguments.write, summary_of(runs))


if __name__ == "__main__":
    main()
