"""The small preset stage by stage, and its whole command: 8 tracks of 12 s, three takes.

    OMP_NUM_THREADS=1 python benchmarks/small_mix.py [--against COMMIT] [--write]

Stages are CPU seconds of one song that is mixed from its files to its written mixes, each stage without what other
stages do inside it. With --against the same is measured of an older commit, and the whole command of both in turn; the
first ratio says how many times as long the older one takes. Both mix with the weights that are checked out here.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import timing

RATE = 44100
SAMPLES = timing.ROOT / "data_samples"
WEIGHTS = timing.ROOT / "megami" / "presets" / "small"

STAGES: dict[str, tuple[str, ...]] = {
    "loading": ("megami.mixing.mixer:Mixer.from_pretrained",),
    "reading": ("megami.cli.mix_job:read_multitrack",),
    "listening": ("megami.mixing.mixer:Mixer.hear",),
    "deciding": ("megami.mixing.mixer:Mixer.generate",),
    "processor: knobs": ("megami.processor.structured:StructuredProcessor.settings",),
    "processor: dry track measured": (
        "megami.processor.structured:Conditioning.measure",
        "megami.processor.structured:mean_power",
        "megami.processor.structured:crest_factor_db",
        "megami.processor.structured:log_spread_db",
        "megami.processor.structured:loud_level",
        *(
            f"megami.processor.conditioning:{name}"
            for name in ("mean_power", "crest_factor_db", "log_spread_db", "loud_level")
        ),
    ),
    "processor: room": ("megami.processor.space:NoiseTail.forward", "megami.processor.room:RoomTail.forward"),
    "processor: echoes": ("megami.processor.room:EchoTaps.forward",),
    "processor: filters": (
        "megami.processor.structured:convolve",
        "megami.processor.structured:convolve_in_blocks",
        "megami.processor.filters:BlockSpectra.__init__",
        "megami.processor.filters:BlockSpectra.response",
        "megami.processor.filters:BlockSpectra.filtered",
    ),
    "processor: rest": ("megami.processor.render:render_track",),
    "processor: dynamics": ("megami.processor.dynamics_layer:DynamicsLayer.forward",),
    "processor: last equaliser": ("megami.processor.structured:StructuredProcessor._trim_kernel",),
    "processor: levels": ("megami.processor.render:set_level", "megami.processor.render:framed_level_db"),
    "mastering": ("megami.mixing.rendering:master_and_measure",),
    "writing": ("megami.mixing.mix:Mix.save",),
    "describing": ("megami.cli.mix_job:describe_mix",),
    "page": ("megami.cli.mix_job:write_page",),
}
"""Where each stage happens; names that a state of the package does not have are passed over."""


class StageClock:
    """CPU seconds of the threads that run through each stage, inner stages taken off."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._local, self._lock = threading.local(), threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        stack: list[list[float]] = self._local.__dict__.setdefault("stack", [])
        stack.append([time.thread_time(), 0.0])
        try:
            yield
        finally:
            began, inside = stack.pop()
            took = time.thread_time() - began
            if stack:
                stack[-1][1] += took
            with self._lock:
                self.seconds[name] += took - inside

    def watch(self, stage: str, place: str) -> None:
        """Count a function, or a method of a class, of the package as a stage from now on."""
        module, _, name = place.partition(":")
        *owners, last = name.split(".")
        try:
            owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
            found = owner.__dict__[last]
        except (ImportError, AttributeError, KeyError):
            return
        kind = type(found) if isinstance(found, classmethod | staticmethod) else None
        counted = self._counted(stage, found.__func__ if kind else found)
        setattr(owner, last, kind(counted) if kind else counted)

    def _counted(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counted(*given: Any, **named: Any) -> Any:
            with self.stage(stage):
                return function(*given, **named)

        return counted


def write_song(folder: Path, tracks: int, seconds: float) -> Path:
    """Dry tracks of the sample songs, each repeated or cut to the length."""
    folder.mkdir()
    sources = sorted(SAMPLES.glob("*/*.flac"))[:tracks]
    for number in range(tracks):
        audio, rate = soundfile.read(sources[number % len(sources)], dtype="float32", always_2d=True)
        assert rate == RATE
        track = np.resize(audio.mean(axis=1), round(seconds * RATE))
        soundfile.write(folder / f"track_{number + 1:02d}.flac", track, RATE, subtype="PCM_16")
    return folder


def mix_words(song: Path, out: Path, weights: Path, takes: int) -> list[str]:
    return [
        "mix",
        str(song),
        "--out",
        str(out),
        "--num-mixes",
        str(takes),
        "--weights",
        str(weights),
        "--device",
        "cpu",
    ]


def time_stages(song: Path, weights: Path, takes: int, page: bool, repetitions: int) -> dict[str, float]:
    """CPU seconds of every stage, the median of some runs in this process; and of the imports, once."""
    began = time.process_time()
    from megami.cli.mix_job import MixJob, run_mix

    imported = time.process_time()
    clock = StageClock()
    for stage, places in STAGES.items():
        for place in places:
            clock.watch(stage, place)
    rounds: list[dict[str, float]] = []
    for number in range(repetitions + 1):
        clock.seconds.clear()
        with tempfile.TemporaryDirectory() as out, clock.stage("rest"):
            run_mix(MixJob(stems=song, out=Path(out) / "mixes", num_mixes=takes, weights=str(weights), page=page))
        if number:
            rounds.append(dict(clock.seconds))
    found = {"imports": imported - began}
    found |= {stage: statistics.median(one.get(stage, 0.0) for one in rounds) for stage in (*STAGES, "rest")}
    return {stage: round(seconds, 4) for stage, seconds in found.items() if seconds}


def stages_of(package: Path, song: Path, weights: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The stages of the package that lies in a folder, measured by this script in a process of its own."""
    command = [sys.executable, __file__, "--stages-of", str(song), str(weights)]
    command += ["--takes", str(arguments.takes), "--stage-repetitions", str(arguments.stage_repetitions)]
    command += ["--page"] if arguments.page else []
    variables = {**os.environ, "PYTHONPATH": str(package)}
    ran = subprocess.run(command, env=variables, cwd=package, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def song_seconds_of(state: dict[str, Any]) -> float:
    """CPU seconds of a song in a process that has mixed one before: all stages but the imports and the loading."""
    return sum(seconds for stage, seconds in state["stages"].items() if stage not in ("imports", "loading"))


def print_stages(states: dict[str, dict[str, Any]], song_seconds: float) -> None:
    print(f"{'CPU seconds':32}" + "".join(f"{name:>12}" for name in states))
    stages = dict.fromkeys(stage for state in states.values() for stage in state["stages"])
    for stage in stages:
        print(f"{stage:32}" + "".join(f"{state['stages'].get(stage, 0.0):12.3f}" for state in states.values()))
    songs = {name: song_seconds_of(state) for name, state in states.items()}
    print(f"{'one song':32}" + "".join(f"{seconds:12.3f}" for seconds in songs.values()))
    for name, state in states.items():
        rendering = sum(seconds for stage, seconds in state["stages"].items() if stage.startswith("processor"))
        print(f"{name}: {song_seconds / rendering:.0f} x real time in the processor, peak {state['peak_mb']:.0f} MB")


def main() -> None:
    parser = timing.options(__doc__, repetitions=3)
    parser.add_argument("--tracks", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--takes", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write the listening page too")
    parser.add_argument("--against", metavar="COMMIT", help="an older commit to measure beside what is checked out")
    parser.add_argument("--stage-repetitions", type=int, default=1, help="songs whose stages count (default: 1)")
    parser.add_argument("--write", action="store_true", help="keep the result in results/benchmarks.json")
    parser.add_argument("--stages-of", nargs=2, metavar=("SONG", "WEIGHTS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stages_of:
        song, weights = arguments.stages_of
        stages = time_stages(Path(song), Path(weights), arguments.takes, arguments.page, arguments.stage_repetitions)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
        print(json.dumps({"stages": stages, "peak_mb": round(peak)}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        song = write_song(folder / "song", arguments.tracks, arguments.seconds)
        packages = {"now": timing.ROOT}
        if arguments.against:
            packages = {"before": timing.files_of_commit(arguments.against, folder / "before"), **packages}
        states = {state: stages_of(package, song, WEIGHTS, arguments) for state, package in packages.items()}
        print_stages(states, arguments.tracks * arguments.seconds * arguments.takes)
        commands, variables = {}, {}
        for state, package in packages.items():
            words = mix_words(song, folder / f"mixes of {state}", WEIGHTS, arguments.takes)
            commands[state] = [sys.executable, "-m", "megami.cli", *words, *(["--page"] if arguments.page else [])]
            variables[state] = {"PYTHONPATH": str(package)}
        runs = timing.time_commands(commands, arguments.repetitions, 0, variables, packages)  # all files were read
        timing.print_runs(runs)
        if arguments.write:
            sizes = {name: getattr(arguments, name) for name in ("tracks", "seconds", "takes")}
            sums = {name: round(song_seconds_of(state), 3) for name, state in states.items()}
            result = {**sizes, "before": arguments.against, "stages": states, "song_cpu_s": sums}
            result |= timing.summary_of(runs)
            timing.write_result("small_mix", result)


if __name__ == "__main__":
    main()
