"""What mastering tells of its gain and of the loudness that it reached; its ceiling holds between the samples too."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.signal import resample, resample_poly

from megami.audio import integrated_loudness, master, master_and_measure, master_with_gain
from megami.audio.loudness import between_taps, true_peaks
from megami.audio.mastering import running_maximum, running_mean

RATE = 44100


def bursts(crest: float) -> torch.Tensor:
    """Noise that dies away twice a second, faster the higher the crest, [2, 3 s]."""
    samples = 3 * RATE
    envelope = torch.exp(-(torch.arange(samples) % (RATE // 2)) * crest * 8.0 / RATE)
    return 0.05 * torch.randn(2, samples, generator=torch.Generator().manual_seed(0)) * envelope


@pytest.mark.parametrize(("crest", "target", "idle_share"), [(0.5, -30.0, 1.0), (3.0, -16.0, 0.1)])
def test_the_gain_is_what_every_sample_got_where_the_limiter_was_idle(crest, target, idle_share):
    audio = bursts(crest)
    out, gain = master_with_gain(audio, RATE, target)
    assert torch.equal(out, master(audio, RATE, target))
    error = (out - gain * audio).abs()
    assert float((error < 1e-5).float().mean()) >= idle_share
    assert ((out.abs() - gain * audio.abs()) < 1e-5).all()  # the limiter only turns down


def test_silence_keeps_its_gain():
    out, gain = master_with_gain(torch.zeros(2, 1000), RATE)
    assert not out.any() and gain == 1.0


def peak_db_at_eight_times_the_rate(audio: torch.Tensor) -> float:
    """By two ways to resample: the whole at once, and with a filter."""
    samples = np.pad(audio.double().numpy(), ((0, 0), (2000, 2000)))
    ways = (resample(samples, 8 * samples.shape[1], axis=1), resample_poly(samples, 8, 1, axis=1))
    return 20 * math.log10(max(np.abs(fine).max() for fine in ways))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("crest", "target"), [(3.0, -16.0), (1.0, -10.0)])
def test_peaks_stay_below_the_ceiling_at_eight_times_the_rate(seed, crest, target):
    """Bursts up to half the sample rate: at four times the rate, up to half a dB of their peaks is missed."""
    decay = torch.exp(-(torch.arange(3 * RATE) % (RATE // 2)) * crest * 8.0 / RATE)
    bursts = 0.3 * torch.randn(2, 3 * RATE, generator=torch.Generator().manual_seed(seed)) * decay
    assert peak_db_at_eight_times_the_rate(master(bursts, RATE, target)) <= -1.0


@pytest.mark.parametrize("width", [1, 2, 7, 220, 443])
def test_running_maximum_and_mean_are_those_of_scipy(width):
    values = np.random.default_rng(width).standard_normal(1000) ** 2
    assert np.array_equal(running_maximum(values, width), ndimage.maximum_filter1d(values, width, mode="nearest"))
    if width % 2:
        wanted = ndimage.uniform_filter1d(values, width, mode="nearest")
        np.testing.assert_allclose(running_mean(values, width), wanted, rtol=0, atol=1e-10)


def test_true_peaks_are_sums_over_the_taps():
    """Each sample's largest of itself and the values up to the next one; silence goes on beyond both ends."""
    samples = np.random.default_rng(0).standard_normal((2, 1001)).astype(np.float32)
    padded = np.pad(samples, ((0, 0), (12, 12)))
    between = [[np.correlate(channel, taps, "valid") for taps in between_taps(4)] for channel in padded]
    wanted = np.abs(np.concatenate([samples[:, None], between], axis=1)).max(axis=(0, 1))
    np.testing.assert_allclose(true_peaks(samples, RATE), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("crest", [0.5, 3.0])
def test_the_loudness_that_it_tells_is_the_one_it_reached(crest):
    mastered = master_and_measure(bursts(crest), RATE, -12.0)
    assert mastered.loudness_lufs == pytest.approx(integrated_loudness(mastered.audio), abs=0.01)


@pytest.mark.parametrize("level", [1e-3, 2.0])
def test_what_no_meter_hears_is_only_turned_down(level):
    constant = torch.full((2, RATE), level)
    constant *= torch.hann_window(RATE) ** 0.25  # which begins and ends without a step
    mastered = master_and_measure(constant, RATE)
    if mastered.loudness_lufs == -math.inf:
        assert float(mastered.audio.abs().max()) == pytest.approx(min(level, 10 ** (-1.15 / 20)), rel=0.01)
    assert float(mastered.audio.abs().max()) <= 10 ** (-1.0 / 20)
