"""The TCN's other arithmetic: the same numbers as layer by layer, in every form, for every length and piece."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.processor import FilmTCN, TCNConfig
from megami.processor.folded_block import FoldedBlock
from megami.processor.short_fourier import Workspace, convolve_blocks, spectrum_of
from megami.processor.time_major import LARGEST_WINDOW, SIZES, direct_cost, render_time_major, transform_size

CONFIG = TCNConfig(condition_dim=8, channels=6, blocks=4, kernel_size=15, dilation_growth=5)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def build(config: TCNConfig = CONFIG) -> FilmTCN:
    """A network whose statistics hide no error: no mean of 0, no variance or scale of 1."""
    torch.manual_seed(1)
    network = FilmTCN(config).eval()
    for block in network.blocks:
        block.norm.running_mean.copy_(noise(config.channels, seed=2))
        block.norm.running_var.copy_(0.1 + noise(config.channels, seed=3).abs())
        torch.nn.init.normal_(block.norm.weight, 1, 0.3)
        torch.nn.init.normal_(block.norm.bias, 0, 0.1)
    network.requires_grad_(False).output.weight.mul_(0.3)  # far below the clamp, which would hide errors
    return network


def error_db(actual: Tensor, expected: Tensor) -> float:
    power = (actual.double() - expected.double()).square().mean() / expected.double().square().mean()
    return 10 * float(power.log10())


@pytest.mark.parametrize("size", [16, 24, 64])
def test_blocks_of_short_transforms_convolve(size):
    taps, bias, blocks = noise(15, 3, 3), noise(3, seed=1), noise(2, size, 4, 3, seed=2)
    spectrum = spectrum_of(taps, bias, size)
    sums, differences = convolve_blocks(blocks.flatten(2), spectrum, Workspace())
    found = torch.cat([sums + differences, sums - differences]).transpose(0, 1)[:, : spectrum.hop].unflatten(2, (4, 3))
    signal = blocks.permute(0, 2, 3, 1).flatten(0, 1)
    expected = F.conv1d(signal.double(), taps.permute(2, 1, 0).double(), bias.double()).unflatten(0, (2, 4))
    torch.testing.assert_close(found.double(), expected.permute(0, 3, 1, 2), rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [0, 16, 32])
@pytest.mark.parametrize("samples", [1, 40, 1000, 5000])
@pytest.mark.parametrize("piece", [77, 5000])
def test_every_form_gives_the_published_arithmetic(size, samples, piece):
    network, dry, z = build(), noise(1, 1, samples), noise(1, 8)
    wet = render_time_major([*network.blocks], network.output, dry[0], z, piece, choose=lambda *_: size)
    exact = copy.deepcopy(network).double()(dry.double(), z.double())
    by_layers = network.render_by_layers(dry, z)
    assert float(exact.abs().max()) < 1
    assert error_db(wet[None], exact) < max(-120, error_db(by_layers, exact) + 6)
    torch.testing.assert_close(by_layers, network(dry, z), rtol=0, atol=1e-5)


def test_several_tracks_at_once_and_several_inputs():
    network = build(TCNConfig(condition_dim=8, channels=6, blocks=3, kernel_size=5, dilation_growth=7, inputs=2))
    dry, z = noise(2, 2, 3000), noise(2, 8)
    torch.testing.assert_close(network.render(dry, z, block=500), network(dry, z), rtol=0, atol=1e-5)


def test_an_impulse_meets_each_tap_where_it_belongs():
    """One block whose output is its convolution: the kernel itself comes out, mirrored, every `dilation` samples."""
    network = build(TCNConfig(condition_dim=8, channels=2, blocks=2, kernel_size=15, dilation_growth=50))
    folded = FoldedBlock.of(network.blocks[1], noise(1, 8))
    x = torch.zeros(1200, 2)
    x[600, 1] = 1.0
    spectrum, window = folded.spectrum(32), torch.zeros(32 * 50, 2)
    window[: 1200 - 350] = x[350:]  # row i of a phase is where output 700 + i * 50 begins to look
    sums, differences = convolve_blocks(window.view(1, 32, 100), spectrum, Workspace())
    first_rows = (sums + differences).view(16, 50, 2)[:, 0] - folded.bias  # outputs 350 + 350, 400 + 350, ... from 350
    expected = torch.zeros(16, 2)
    expected[:6] = folded.taps[:6, 1].flip(0)  # sample 600 is the fifth row of the phase of sample 350
    torch.testing.assert_close(first_rows, expected, rtol=0, atol=1e-6)


def test_changed_weights_and_statistics_are_heard_at_once():
    network, dry, z = build(), noise(1, 1, 3000), noise(1, 8)

    def render() -> Tensor:
        return render_time_major([*network.blocks], network.output, dry[0], z, 3000, choose=lambda *_: 32)

    before = render()
    network.blocks[1].conv.weight.data[0, 0, 3] += 1.0  # which no version counter of torch sees
    changed = render()
    network.blocks[2].norm.running_mean.add_(1.0)
    again = render()
    assert not torch.allclose(before, changed) and not torch.allclose(changed, again)
    torch.testing.assert_close(again.clamp(-1, 1)[None], network(dry, z), rtol=0, atol=1e-5)


def test_remembered_spectra_are_no_part_of_the_network():
    network = build()
    before = pickle.dumps(network)
    render_time_major([*network.blocks], network.output, noise(1, 3000), noise(1, 8), 3000, choose=lambda *_: 32)
    assert pickle.dumps(network) == before


def test_sizes_fit_the_published_network():
    """Every wide block of the paper's network takes short transforms where the track is long, and none too large."""
    with torch.device("meta"):
        network = FilmTCN(TCNConfig(condition_dim=16))
        folded = [FoldedBlock.of(block, torch.empty(1, 16)) for block in network.blocks][1:]
    sizes = [transform_size(block, 60 * 44100) for block in folded]
    assert all(
        size in SIZES and size * block.dilation <= LARGEST_WINDOW for size, block in zip(sizes, folded, strict=True)
    )
    assert transform_size(folded[-1], 12 * 44100) < sizes[0]  # a shorter track does not fill the largest
    assert transform_size(folded[-1], 2000) == 0  # shorter than one dilation: a single tap hears anything
    assert direct_cost(folded[-1], 2000) < direct_cost(folded[0], 2000) / 14


@pytest.mark.parametrize("kernels", ["random", "decaying"])
def test_half_precision_loses_its_bits_and_no_more(kernels):
    """Images in half precision, on kernels with a structure too: float16 has three bits more, 18 dB, than bfloat16."""
    network = build(TCNConfig(condition_dim=8, channels=16, blocks=5, dilation_growth=4))
    dry, z = noise(1, 1, 6000), noise(1, 8)
    if kernels == "decaying":
        decay = 0.6 ** torch.arange(15.0)
        for block in network.blocks:
            block.conv.weight.mul_(decay / decay.square().mean().sqrt())
    expected, errors_db = network(dry, z), {}
    for dtype in (torch.bfloat16, torch.float16):
        network.dtype = dtype
        wet = network.render(dry, z, block=700)
        errors_db[dtype] = error_db(wet, expected)
        assert error_db(network.render(dry, z, block=6000), wet) < errors_db[dtype] + 6
    assert errors_db[torch.bfloat16] < -36  # two hundredths, of which one block alone may lose two thousandths
    assert errors_db[torch.float16] == pytest.approx(errors_db[torch.bfloat16] - 18, abs=6)
