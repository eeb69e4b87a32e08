"""Filters, smoothers and kernels against their equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.fft import next_fast_len
from scipy.signal import lfilter

from megami.effects import compressor as studio_compressor
from megami.processor.dynamics_layer import (
    DynamicsLayer,
    between_frames,
    decaying_hold,
    one_pole,
    saturate,
    soft_knee_reduction,
)
from megami.processor.filters import (
    BlockSpectra,
    CurveFilter,
    convolve,
    convolve_in_blocks,
    decay_window,
    fast_length,
    interpolation_matrix,
    log_frequencies,
    remove_dc,
    soft_limit,
    without_silent_end,
)
from megami.processor.space import EarlyTaps, NoiseTail, decaying, sum_of_bands


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_flat_curve_is_the_unit_impulse():
    kernel = CurveFilter()(torch.zeros(1, 40))
    assert float(kernel[0, 0]) == pytest.approx(1, abs=1e-5) and kernel[0, 1:].abs().max() < 1e-5


def test_curve_is_met_and_phase_is_minimal():
    points = log_frequencies(40)
    curve = 10 * torch.sin(torch.linspace(0, 6, 40))[None]
    kernel = CurveFilter()(curve)[0]
    hz = torch.fft.rfftfreq(2**16, 1 / 44100)
    have_db = 20 * torch.log10(torch.fft.rfft(kernel, 2**16).abs())
    want_db = (curve @ interpolation_matrix(points, hz))[0]
    audible = (hz > 60) & (hz < 16000)
    assert (have_db - want_db)[audible].abs().max() < 0.6
    energy = kernel.square().cumsum(0)
    assert energy[200] > 0.95 * energy[-1]  # minimum phase: the energy comes first


def test_blocks_convolve_like_one_pass():
    audio, kernel = random(1, 1, 50000), random(1, 2, 3000, seed=1)
    whole, direct = convolve(audio, kernel), torch.from_numpy(np.convolve(audio[0, 0], kernel[0, 1])[:50000])
    torch.testing.assert_close(whole[0, 1], direct.float(), rtol=0, atol=1e-3)
    for block in (700, 4096, 49999):
        torch.testing.assert_close(convolve_in_blocks(audio, kernel, block), whole, rtol=0, atol=2e-4)


def test_filters_one_after_the_other_are_merged():
    """Whether the spectra of the blocks are kept or made in passing, and however many go through a transform."""
    audio, kernels = random(2, 1, 30_000), (random(2, 2, 900, seed=1), random(2, 1, 300, seed=2))
    wanted = convolve(convolve(audio, kernels[0]), kernels[1])
    for block in (500, 2**18):
        blocks = BlockSpectra(audio, 900 + 300 - 1, block)
        mid, both = (blocks.filtered(response) for response in (blocks.response(kernels[1]), merged(blocks, kernels)))
        torch.testing.assert_close(both, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))
        torch.testing.assert_close(mid, convolve(audio, kernels[1]), rtol=0, atol=1e-4)


def merged(blocks: BlockSpectra, kernels: tuple[torch.Tensor, ...]) -> torch.Tensor:
    first, second = map(blocks.response, kernels)
    return first * second


def test_kernels_lose_their_silent_end_and_nothing_else():
    kernel = torch.zeros(1, 2, 50)
    kernel[0, 0, 3], kernel[0, 1, 20] = 1.0, -1e-20
    assert torch.equal(without_silent_end(kernel), kernel[..., :21])
    assert without_silent_end(torch.zeros(1, 2, 9)).shape == (1, 2, 1)


def test_fast_lengths_have_no_factor_above_five():
    lengths = [*range(1, 300), 61_440, 65_535, 238_137, 1_000_003]
    assert [fast_length(length) for length in lengths] == [next_fast_len(length, real=True) for length in lengths]


def test_exponentials_by_coarse_and_fine_steps_are_exponentials():
    nepers = torch.tensor([[1e-6, 3e-4], [0.01, 0.9]])
    exact = torch.exp(-nepers.double()[..., None] * torch.arange(1300))
    torch.testing.assert_close(decaying(nepers, 1300).double(), exact, rtol=3e-5, atol=1e-9)


def test_noise_under_its_envelopes_is_summed_over_the_bands():
    envelopes, noise = random(3, 8, 100), random(2, 8, 100, seed=1)
    wanted = torch.einsum("bkt,ckt->cbt", envelopes, noise)
    torch.testing.assert_close(sum_of_bands(envelopes, noise), wanted, rtol=1e-4, atol=1e-5)


def test_soft_limit_is_straight_and_bounded():
    value = torch.linspace(-200, 200, 401)
    limited = soft_limit(value, 40.0)
    assert limited.abs().max() <= 40 and (limited.diff() > 0).all()
    torch.testing.assert_close(limited[200:221], value[200:221], rtol=0.02, atol=0)


def test_kernels_without_dc_keep_the_audible():
    kernel = torch.zeros(4096)
    kernel[0] = 1
    high_pass = remove_dc(kernel, decay_window(4096))
    response = torch.fft.rfft(high_pass, 44100).abs()
    assert response[0] < 1e-5 and 20 * math.log10(float(response[40])) > -0.3


def test_one_pole_and_hold_are_the_recursions():
    signal, pole = random(2, 777).abs(), torch.tensor([[0.9], [0.3]])
    smooth, held = one_pole(signal, pole), decaying_hold(signal, pole)
    for item in range(2):
        p = float(pole[item])
        np.testing.assert_allclose(smooth[item], lfilter([1 - p], [1, -p], signal[item].numpy()), atol=1e-5)
        state, expected = 0.0, []
        for value in signal[item].tolist():
            state = max(value, p * state)
            expected.append(state)
        np.testing.assert_allclose(held[item], expected, rtol=1e-4)


def test_static_curve_is_the_studio_compressor():
    level = torch.linspace(-60, 0, 61)
    ours = soft_knee_reduction(level, torch.tensor(-20.0), torch.tensor(1 - 1 / 3), 6.0)
    np.testing.assert_allclose(ours, studio_compressor.reduction_db(level.numpy(), -20.0, 3.0, 6.0), atol=1e-4)


def test_gain_looks_back_only():
    torch.manual_seed(0)
    layer = DynamicsLayer(hidden=8)
    with torch.no_grad():
        layer.net.output.weight.normal_()
    settings = layer.settings(random(1, 8), torch.ones(1, 1))
    audio = random(1, 1, 6400)
    changed = audio.clone()
    changed[..., 3200:] *= 5
    before, after = layer.gain_db(audio, settings), layer.gain_db(changed, settings)
    torch.testing.assert_close(before[:, :50], after[:, :50], rtol=0, atol=1e-4)
    assert (before[:, 50:] - after[:, 50:]).abs().max() > 0.01


def test_gain_between_frames_is_linear():
    values = random(2, 9)
    expected = torch.nn.functional.interpolate(values[:, None], scale_factor=64, mode="linear", align_corners=False)
    torch.testing.assert_close(between_frames(values, 64), expected[:, 0], rtol=0, atol=1e-5)


def test_saturation_leaves_the_quiet_alone():
    audio = torch.tensor([[[1e-3, 3.0]]])
    out = saturate(audio, torch.tensor([[1.0]]), torch.tensor([[1.0]]))[0, 0]
    assert float(out[0]) == pytest.approx(1e-3, rel=1e-4) and float(out[1]) == pytest.approx(math.tanh(3), rel=1e-4)


def test_a_tail_keeps_its_energy_whatever_its_decay_and_loses_it_to_a_late_onset():
    tail = NoiseTail(8)

    def energy_db(decay_s: float, onset_s: float) -> float:
        shape = tail.envelopes(torch.zeros(1, 8), torch.full((1, 8), decay_s), torch.tensor([onset_s]))
        return float(10 * shape[0, 0].square().sum().log10())

    shortest, longest, latest = 0.55 * math.exp(-1.6), 0.55 * math.exp(1.6), 0.012 * math.exp(1.6)
    for decay_s in (shortest, 0.3, longest):
        assert energy_db(decay_s, 1e-9) == pytest.approx(0.0, abs=0.5)
        for onset_s in (0.012, latest):
            lost_db = energy_db(decay_s, 1e-9) - energy_db(decay_s, onset_s)
            assert lost_db == pytest.approx(60 * onset_s / decay_s, rel=0.15)
    assert energy_db(shortest, latest) == pytest.approx(-32.0, abs=1.5)


def test_space_kernels():
    torch.manual_seed(0)
    hidden = random(2, 8)
    opened, tail = EarlyTaps(8), NoiseTail(8, seconds=0.3)(hidden)
    early, closed = opened(hidden, torch.ones(2, 1)), opened(hidden, torch.zeros(2, 1))
    assert early[..., 100:].any() and not closed[..., 1:].any()
    assert (early[..., 0] == 1).all() and not early[..., 1:100].any()  # direct sound, then nothing for 3 ms
    assert tail.sum(-1).abs().max() < 1e-4  # no DC
    left, right = tail[0]
    likeness = (left * right).sum() / (left.norm() * right.norm())
    assert likeness.abs() < 0.5
    assert torch.equal(NoiseTail(8, seconds=0.3).noise, NoiseTail(8, seconds=0.3).noise)  # always the same room
