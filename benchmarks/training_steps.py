"""What a step of `megami train paper` costs at the published size: seconds, peak memory, and memory of the optimiser.

    python benchmarks/training_steps.py [--device auto] [--precision fp32] [--batches 1 2] [--seconds 0.4 0.8]
    python benchmarks/training_steps.py --networks adaptor --batches 8
    python benchmarks/training_steps.py --networks processor_recomputed --seconds 0.8 11.91
    python benchmarks/training_steps.py --device cuda --batches 1 2 --seconds 11.91   # whole crops, as many as fit

Every case runs in a process of its own, on random weights and random features of the published shapes, through the
training loop itself: forward, backward, clipping, AdamW, running average. One step warms up, the next ones count. On a
CPU one thread computes, and its own CPU seconds are counted beside the clock, for they do not depend on what else the
machine does. The cost of the published step (8 items, 14 tracks, 11.91 s) is a straight line through the cases where
these are smaller; the json says so. Writes results/training_costs.json, {device_precision: {network: ...}}; what is not
measured now stays there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from megami.adaptation import DomainAdaptor
from megami.device import resolve_device
from megami.embeddings import FxEncoderPlusPlus
from megami.presets import GeneratorConfig, build_generator, preset
from megami.processor import FilmTCN, FxNorm, FxNormConfig
from megami.training import PaperRecipe
from megami.training.loop import Training
from megami.training.ranks import Ranks, start_ranks
from megami.training.recipes import published

OUT = Path(__file__).resolve().parents[1] / "results" / "training_costs.json"
SEGMENT, TRACKS = 525312, 14
NETWORKS = ("adaptor", "processor", "processor_recomputed", "generator")
"""The second processor is the same, trained with --recompute."""
KNOWN_STEPS = {"adaptor": 100_000}
"""Length of the published runs, as far as it is known: the adaptor's by the name of its file."""


def is_processor(name: str) -> bool:
    """Whether a network is a processor, whose batches are crops."""
    return name.startswith("processor")


def make_task(name: str) -> nn.Module:
    """The task of a network at the published size, with random weights."""
    chosen = preset("paper")
    if name == "adaptor":
        return published.PublishedAdaptorTask(DomainAdaptor(chosen.adaptor))
    if is_processor(name):
        network, fxnorm = FilmTCN(chosen.tcn), FxNorm(torch.ones(FxNormConfig().bins))
        network.recompute = name == "processor_recomputed"
        return published.PublishedProcessorTask(network, fxnorm, FxEncoderPlusPlus())
    denoiser = build_generator(GeneratorConfig(chosen.transformer, chosen.edm))
    return published.published_generator_task(denoiser, chosen.embedding, 0.011)


def make_batch(name: str, batch: int, samples: int) -> dict[str, torch.Tensor]:
    """Random features of the published shapes."""
    chosen = preset("paper")
    content, z = chosen.adaptor.dim, chosen.embedding.dim
    if name == "adaptor":
        return {key: F.normalize(torch.randn(batch, content), dim=-1) for key in ("wet_content", "dry_content")}
    if is_processor(name):
        embeddings = {"z": F.normalize(torch.randn(batch, z), dim=-1), "content": torch.randn(batch, content)}
        return {"dry": 0.1 * torch.randn(batch, 1, samples), "wet": 0.1 * torch.randn(batch, 2, samples), **embeddings}
    effects = F.normalize(torch.randn(batch, TRACKS, z), dim=-1)
    contents = F.normalize(torch.randn(batch, TRACKS, content), dim=-1)
    return {"effects": effects, "contents": contents, "mask": torch.ones(batch, TRACKS, dtype=torch.bool)}


def measure(name: str, device: str, precision: str, batch: int, samples: int, steps: int) -> dict[str, Any]:
    """Do some steps of one case in this process."""
    recipe = PaperRecipe(steps=steps + 1, precision=precision)
    loop = recipe.loop("processor" if is_processor(name) else name)
    task, features = make_task(name), make_batch(name, batch, samples)
    parameters = sum(p.numel() for p in task.parameters() if p.requires_grad)
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.set_float32_matmul_precision("high")
    with tempfile.TemporaryDirectory() as folder:
        training = Training(task, loop, Path(folder), Ranks(start_ranks(device, 1, loop.precision)))
        training.advance(lambda rng: features)
        if on_gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        began, own = time.perf_counter(), time.process_time()
        for _ in range(steps):
            training.advance(lambda rng: features)
        if on_gpu:
            torch.cuda.synchronize()
        seconds, cpu_seconds = (time.perf_counter() - began) / steps, (time.process_time() - own) / steps
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = torch.cuda.max_memory_allocated() if on_gpu else resident
    return {
        "parameters": parameters,
        "batch": batch,
        **({"samples": samples} if is_processor(name) else {}),
        **({"tracks": TRACKS} if name == "generator" else {}),
        "seconds": round(seconds, 4),
        "cpu_seconds": round(cpu_seconds, 4),
        "peak_gb": round(peak / 1e9, 3),
    }


def run_apart(arguments: argparse.Namespace, name: str, batch: int, samples: int) -> dict[str, Any]:
    """Measure a case in a process of its own, whose peak of memory is the case's."""
    case = [name, arguments.device, arguments.precision, str(batch), str(samples), str(arguments.steps)]
    command = [sys.executable, __file__, "--case", *case]
    threads = {"OMP_NUM_THREADS": "1"} if arguments.device == "cpu" else {}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads})
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {found}", file=sys.stderr)
    return found


def published_step(name: str, cases: list[dict[str, Any]], clock: str) -> dict[str, Any]:
    """Seconds and memory of the published step, by a straight line through the cases over the size of their batches."""
    size = [case["batch"] * case.get("samples", 1) for case in cases]
    whole = published.BATCH * (SEGMENT if is_processor(name) else 1)
    lines = {key: line_at([case[key] for case in cases], size, whole) for key in (clock, "peak_gb")}
    steps_a_day = 86_400 / lines[clock]
    known = KNOWN_STEPS.get(name)
    return {
        "batch": published.BATCH,
        "seconds": round(lines[clock], 4),
        "clock": clock,
        "peak_gb": round(lines["peak_gb"], 2),
        "extrapolated": whole not in size,
        "steps_per_day": round(steps_a_day),
        "published_steps": known,
        "days_of_published_run": round(known / steps_a_day, 2) if known else None,
    }


def line_at(values: list[float], sizes: list[int], where: int) -> float:
    """A straight line through measured values, read at a size; through zero if there is one value only."""
    if where in sizes:
        return values[sizes.index(where)]
    if len(sizes) == 1:
        return values[0] * where / sizes[0]
    slope, start = np.polyfit(sizes, values, 1)
    return float(slope * where + max(0.0, start))


def memory_mb(parameters: int) -> dict[str, float]:
    """What a network's numbers take in single precision; AdamW keeps two for each."""
    one = parameters * 4 / 1e6
    return {name: round(one * n, 1) for name, n in {"weights": 1, "gradients": 1, "optimiser": 2, "average": 1}.items()}


def processor_name() -> str:
    """What the CPU calls itself."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def machine(device: str) -> dict[str, Any]:
    """What measured, and how busy it was."""
    on_gpu = torch.device(device).type == "cuda"
    return {
        "processor": torch.cuda.get_device_name() if on_gpu else processor_name(),
        "threads": None if on_gpu else 1,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", nargs="+", type=float, default=[0.4, 0.8], help="lengths of the processor's crops")
    parser.add_argument("--steps", type=int, default=1, help="that count, after one that warms up")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--case", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        name, device, precision, *numbers = arguments.case
        print(json.dumps(measure(name, device, precision, *map(int, numbers))))
        return
    arguments.device = str(resolve_device(arguments.device))
    clock = "cpu_seconds" if arguments.device == "cpu" else "seconds"
    found: dict[str, Any] = {}
    for name in arguments.networks:
        lengths = [round(s * 44100) if s < 11.9 else SEGMENT for s in arguments.seconds] if is_processor(name) else [0]
        batches = arguments.batches[:1] if len(lengths) > 1 else arguments.batches
        cases = [run_apart(arguments, name, batch, samples) for batch in batches for samples in lengths]
        parameters = cases[0].pop("parameters")
        for case in cases[1:]:
            del case["parameters"]
        step = published_step(name, cases, clock)
        found[name] = {
            "parameters": parameters, "memory_mb": memory_mb(parameters), "measured": cases, "step": step,
            "machine": machine(arguments.device),
        }  # fmt: skip
    results = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    results.setdefault(f"{torch.device(arguments.device).type}_{arguments.precision}", {}).update(found)
    arguments.out.write_text(json.dumps(results, indent=2) + "\n")
    print(arguments.out)


if __name__ == "__main__":
    main()
