"""Cepstra show where an echo is, at any level, and nothing in silence."""

import numpy as np
import pytest
import torch

from megami.corpus.features import describe
from megami.effects import Delay, EffectChain
from megami.embeddings import FxEncoder, FxEncoderConfig
from megami.embeddings.cepstrum import HOP, LAGS, WINDOW, bin_lags_s, echo_cepstra
from megami.embeddings.fx_encoder import SLOPE_BINS, decay_slopes
from megami.training.recipes.fx_encoder import windows_within


def notes(samples: int = 150_000, seed: int = 0) -> np.ndarray:
    """Decaying noisy notes [1, n]."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(samples)
    for start in rng.integers(0, samples, 12):
        time_s = np.arange(samples - start) / 44100
        note = np.sin(2 * np.pi * rng.uniform(100, 900) * time_s) + rng.standard_normal(len(time_s))
        audio[start:] += note * np.exp(-6 * time_s)
    return (0.1 * audio[None]).astype(np.float32)


def cepstra_of(chain: EffectChain, gain: float = 1.0) -> torch.Tensor:
    return echo_cepstra(torch.from_numpy(gain * chain.apply(notes()))[None])


@pytest.mark.parametrize("time_ms", [60.0, 210.0, 333.0, 600.0])
def test_the_peak_lies_at_the_time_of_the_echo(time_ms):
    cepstra = cepstra_of(EffectChain((Delay(time_ms, 0.3, 0.3),))).mean(-1)[0]
    for channel in cepstra:
        assert float(bin_lags_s()[channel.argmax()]) == pytest.approx(time_ms / 1000, rel=0.02)
        assert channel.max() > 2 * channel.sort().values[-8]  # and nothing else is like it


def test_ping_pong_is_seen_in_the_channel_that_the_first_echo_falls_into():
    left, right = cepstra_of(EffectChain((Delay(200.0, 0.0, 0.4, 1),))).mean(-1)[0].amax(-1)
    assert left > 2 * right


def test_level_does_not_matter_and_silence_is_nothing():
    chain = EffectChain((Delay(200.0, 0.3, 0.3),))
    torch.testing.assert_close(cepstra_of(chain, 0.03), cepstra_of(chain), rtol=1e-2, atol=1e-2)
    assert echo_cepstra(torch.zeros(1, 2, 70_000)).abs().max() < 1e-5


@pytest.mark.parametrize("samples, windows", [(1, 1), (30_000, 1), (WINDOW, 1), (WINDOW + HOP, 2), (220_500, 5)])
def test_any_length(samples, windows):
    audio = torch.randn(1, 2, samples, generator=torch.Generator().manual_seed(0), requires_grad=True)
    cepstra = echo_cepstra(audio)
    assert cepstra.shape == (1, 2, LAGS, windows)
    (gradient,) = torch.autograd.grad(cepstra.square().sum(), audio)
    assert gradient.isfinite().all()


def test_a_cut_is_described_by_the_windows_in_it():
    covered = WINDOW + 4 * HOP
    for start in range(0, covered - WINDOW, 5_000):
        for samples in (WINDOW, 100_000, covered - start):
            chosen = range(5)[windows_within(start, samples, 5)]
            assert len(chosen) >= 1
            for window in chosen:
                assert window * HOP >= start - WINDOW // 4
                assert window * HOP + WINDOW <= start + samples + WINDOW // 4


def test_what_is_cached_is_what_the_encoder_hears():
    torch.manual_seed(0)
    encoder = FxEncoder(FxEncoderConfig(echoes=True)).eval()
    wet = torch.from_numpy(EffectChain((Delay(200.0, 0.3, 0.4),)).apply(notes()))[None]
    features = {name: torch.from_numpy(values).float() for name, values in describe(wet).items()}
    with torch.no_grad():
        cached, heard = encoder.encode(features["mels"], features["cepstra"]), encoder(wet)
        deaf = encoder.encode(features["mels"], torch.zeros_like(features["cepstra"]))
    assert (cached - heard).norm() < 0.02 * heard.norm() < (deaf - heard).norm()


@pytest.mark.parametrize("frames", [1, 5, 11, 70])
def test_slopes_of_any_length_are_shares(frames):
    mels = torch.randn(2, 4, 64, frames, generator=torch.Generator().manual_seed(0))
    shares = decay_slopes(3 * mels).unflatten(1, (4, 16, SLOPE_BINS, 2))
    torch.testing.assert_close(shares.sum(3), torch.ones(2, 4, 16, 2))


def test_a_slow_decay_has_fewer_steep_slopes():
    time_s = torch.arange(70) * 1024 / 44100
    rooms = torch.stack([-60 / decay * (time_s % 0.7) / 20 for decay in (0.3, 2.0)])[:, None, None]
    shares = decay_slopes(rooms.expand(-1, 4, 64, -1)).unflatten(1, (4, 16, SLOPE_BINS, 2)).mean((1, 2, 4))
    steep = shares[:, : SLOPE_BINS // 2].sum(1)
    assert steep[0] > 0.3 > 0.1 > steep[1]


def test_an_encoder_that_listens_for_echoes_must_be_given_cepstra():
    encoder = FxEncoder(FxEncoderConfig(echoes=True)).eval()
    with pytest.raises(ValueError, match="cepstra"):
        encoder.encode(torch.zeros(1, 4, 64, 70))
