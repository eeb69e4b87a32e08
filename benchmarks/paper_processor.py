"""The paper's effect processor: today's arithmetic against the published one, layer by layer, and against the machine.

    OMP_NUM_THREADS=1 python benchmarks/paper_processor.py [--seconds 12] [--bf16] [--layers] [--write]

The network has the published size and random weights; its statistics are those of what passes. "Layer by layer"
is `FilmTCN.render_by_layers`: dilated convolutions by the library, which is what was rendered before. How many products
this machine can do is measured in the same rounds, as one product of large matrices and by a dense convolution of the
network's own size. --layers times each block's short transforms in all sizes, of which `transform_size` chooses. The
error is that of either way against double precision, on a shorter piece.
"""

from __future__ import annotations

import argparse
import copy
import sys
from typing import Any

import timing
import torch
from torch import Tensor

from megami.device import cpu_multiplies_bf16
from megami.presets import preset
from megami.processor import FilmTCN, TCNConfig
from megami.processor.folded_block import FoldedBlock
from megami.processor.short_fourier import Workspace
from megami.processor.streams import SpectralStream
from megami.processor.time_major import SIZES, transform_size

RATE = 44100
PRODUCT = 1024  # rows and columns of the matrices by which the machine's limit is measured


def published_network(config: TCNConfig, seed: int = 0) -> FilmTCN:
    """A network of this size with random weights, its statistics those of noise that passes, as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = FilmTCN(config).requires_grad_(False)
        network.output.weight.mul_(0.3)  # below the clamp
    return with_statistics(network)


@torch.no_grad()
def with_statistics(network: FilmTCN) -> FilmTCN:
    """The network, its batch norms set to the statistics of what a short track makes of each of them."""
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm1d)):
        norm.momentum = 1.0
    network.train()(*song(0.2, network.config))
    return network.eval()


def structured(network: FilmTCN, decay: float = 0.7) -> FilmTCN:
    """The same network with kernels that decay from the middle tap on, as those of filters do."""
    twin = copy.deepcopy(network)
    taps = twin.config.kernel_size
    shape = decay ** (torch.arange(taps) - taps // 2).abs().float()
    for block in twin.blocks:
        block.conv.weight.data.mul_(shape / shape.square().mean().sqrt())
    return with_statistics(twin)


def song(seconds: float, config: TCNConfig) -> tuple[Tensor, Tensor, Tensor | None]:
    """A track of noise [1, 1, n] at -20 dB, an effect embedding and a content embedding of unit norm."""
    source = torch.Generator().manual_seed(1)
    dry = 0.1 * torch.randn(1, 1, round(seconds * RATE), generator=source)
    z, content = (torch.randn(1, size, generator=source) for size in (config.condition_dim, config.content_dim))
    return dry, z / z.norm(), content / content.norm() if config.content_dim else None


def error_db(actual: Tensor, expected: Tensor) -> float:
    power = (actual.double() - expected).square().mean() / expected.square().mean()
    return round(float(10 * power.log10()), 1)


@torch.no_grad()
def errors(network: FilmTCN, seconds: float) -> dict[str, float]:
    """Error in dB of each way against double precision, for random and for structured kernels."""
    dry, z, content = song(seconds, network.config)
    found = {}
    for kernels, one in (("random kernels", network), ("decaying kernels", structured(network))):
        exact = copy.deepcopy(one).double()(dry.double(), z.double(), None if content is None else content.double())
        found[f"layer by layer, {kernels}"] = error_db(one.render_by_layers(dry, z, content), exact)
        found[f"today, {kernels}"] = error_db(one.render(dry, z, content), exact)
        one = copy.copy(one)
        one.dtype = torch.bfloat16
        found[f"bf16, {kernels}"] = error_db(one.render(dry, z, content), exact)
    return found


def work_of(config: TCNConfig, samples: int) -> float:
    """Multiplications and additions of the published arithmetic: those of the dilated convolutions, edges included."""
    inputs = [config.inputs] + [config.channels] * (config.blocks - 1)
    return 2.0 * samples * config.kernel_size * config.channels * sum(inputs)


def time_processor(network: FilmTCN, seconds: float, bf16: bool, repetitions: int) -> dict[str, timing.Runs]:
    dry, z, content = song(seconds, network.config)
    left, right = torch.randn(2, PRODUCT, PRODUCT)
    channels, taps = network.config.channels, network.config.kernel_size
    signal, kernel = torch.randn(1, channels, 2**15 + taps - 1), torch.randn(channels, channels, taps)
    coarse = copy.copy(network)
    coarse.dtype = torch.bfloat16
    ways = {
        "layer by layer": lambda: network.render_by_layers(dry, z, content),
        "today": lambda: network.render(dry, z, content),
        "product of matrices": lambda: [left @ right for _ in range(8)],
        "dense convolution": lambda: torch.nn.functional.conv1d(signal, kernel),
    }
    if bf16:
        ways["today, bf16"] = lambda: coarse.render(dry, z, content)
    short = song(0.2, network.config)  # warms up what a whole round would take long to
    network.render(*short)
    network.render_by_layers(*short)
    return timing.time_callables(ways, repetitions, warm_up=0)


def rates(runs: dict[str, timing.Runs], network: FilmTCN, seconds: float) -> dict[str, float]:
    """Thousand millions of operations a CPU second; for whole networks those of the published arithmetic."""
    config, whole = network.config, work_of(network.config, round(seconds * RATE))
    work = {name: whole for name in runs}
    work["product of matrices"] = 8 * 2.0 * PRODUCT**3
    work["dense convolution"] = 2.0 * 2**15 * config.kernel_size * config.channels**2
    return {name: round(work[name] / one.summary()["cpu_s"]["median"] / 1e9, 1) for name, one in runs.items()}


@torch.no_grad()
def time_layers(network: FilmTCN, samples: int) -> dict[str, dict[str, float]]:
    """Nanoseconds of each block per sample and channel, by the size of its short transforms, and what is chosen."""
    table: dict[str, dict[str, float]] = {}
    for block in list(network.blocks)[1:]:
        folded = FoldedBlock.of(block, torch.zeros(1, network.config.condition_dim + network.config.content_dim))
        table[str(folded.dilation)] = {"chosen": transform_size(folded, samples)}
        for size in SIZES:
            stream = SpectralStream(folded, 10**12, size, lambda _: None, Workspace())
            stream.window.normal_()
            advance = len(stream.window) - 2 * folded.reach
            runs = timing.time_callables({"step": lambda: stream._outputs(advance)}, 3)  # noqa: B023
            seconds = min(runs["step"].cpu_s)
            table[str(folded.dilation)][str(size)] = round(1e9 * seconds / advance / folded.outputs, 1)
    return table


def time_growth(lengths: list[float]) -> dict[str, dict[str, Any]]:
    """CPU seconds per second of audio, and peak memory of a process that only does this, by the track's length."""
    table: dict[str, dict[str, Any]] = {}
    for seconds in lengths:
        for way in ("render_by_layers", "render"):
            command = [sys.executable, __file__, "--render", way, "--seconds", str(seconds)]
            runs = timing.time_commands({way: command}, 1, warm_up=0)[way].summary()
            per_second = runs["cpu_s"]["median"] / seconds
            table[f"{way}, {seconds:g} s"] = {"cpu_s_per_s": per_second, "peak_mb": runs["peak_mb"]["median"]}
            print(f"{way}, {seconds:g} s: {per_second:.2f} CPU s per s, peak {runs['peak_mb']['median']:.0f} MB")
    return table


def main() -> None:
    parser = timing.options(__doc__, repetitions=3)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--bf16", action="store_true", default=cpu_multiplies_bf16(), help="time bf16 on any CPU")
    parser.add_argument("--layers", action="store_true", help="time each block in each size of short transforms")
    parser.add_argument("--lengths", type=float, nargs="*", default=[], help="also time tracks of so many seconds")
    parser.add_argument("--error-seconds", type=float, default=0.5, help="on which errors are measured; 0: not")
    parser.add_argument("--write", action="store_true", help="keep the result in results/benchmarks.json")
    parser.add_argument("--render", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    network = published_network(preset("paper").tcn)
    if arguments.render:
        getattr(network, arguments.render)(*song(arguments.seconds, network.config))
        return
    if arguments.error_seconds:
        report_errors(network, arguments)
    result = report_times(network, arguments)
    if arguments.lengths:
        result["growth"] = time_growth(arguments.lengths)
    if arguments.write and result:
        timing.write_result("paper_processor", {"seconds": arguments.seconds, **result})


def report_errors(network: FilmTCN, arguments: argparse.Namespace) -> None:
    found = errors(network, arguments.error_seconds)
    for name, value in found.items():
        print(f"{name}: error {value:.1f} dB")
    if arguments.write:
        timing.write_result("paper_processor_errors", {"seconds": arguments.error_seconds, "error_db": found})


def report_times(network: FilmTCN, arguments: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if arguments.repetitions:
        runs = time_processor(network, arguments.seconds, arguments.bf16, arguments.repetitions)
        timing.print_runs(runs)
        result |= timing.summary_of(runs) | {"gflops": rates(runs, network, arguments.seconds)}
        for name, rate in result["gflops"].items():
            print(f"{name}: {rate:.1f} GFLOP per CPU second")
    if arguments.layers:
        result["ns_per_sample_and_channel"] = time_layers(network, round(arguments.seconds * RATE))
        for dilation, row in result["ns_per_sample_and_channel"].items():
            print(f"dilation {dilation}: {row}")
    return result


if __name__ == "__main__":
    main()
