"""FxNorm: takes colour and level away, track by track, and its curves mean what they say."""

from __future__ import annotations

import pytest
import torch

from megami.audio import framed_level_db
from megami.processor import FxNorm, FxNormConfig, average_curve, smooth_curve, target_from_fine_curve
from megami.processor import fxnorm as module


def coloured(slope: float, seed: int = 0, samples: int = 60000) -> torch.Tensor:
    white = torch.randn(1, 1, samples, generator=torch.Generator().manual_seed(seed))
    tilt = (torch.fft.rfftfreq(samples, 1 / 44100).clamp(min=40) / 1000) ** slope
    return 0.05 * torch.fft.irfft(torch.fft.rfft(white) * tilt, samples)


@pytest.fixture(scope="module")
def fxnorm():
    return FxNorm(average_curve([coloured(-0.5, seed) for seed in range(3)]))


def test_two_colours_come_out_alike(fxnorm):
    outs = [fxnorm(coloured(slope, seed=7)) for slope in (-0.9, 0.0)]
    spectra = [fxnorm.mean_magnitude(out) for out in outs]
    audible = slice(10, 1500)
    ratio_db = 20 * torch.log10(spectra[0] / spectra[1])[:, audible]
    assert ratio_db.abs().mean() < 0.5


def test_level_is_set_and_input_gain_is_forgotten(fxnorm):
    quiet, loud = fxnorm(coloured(-0.3)), fxnorm(20 * coloured(-0.3))
    torch.testing.assert_close(quiet, loud, rtol=0, atol=1e-5)
    torch.testing.assert_close(framed_level_db(quiet), torch.full((1, 1), -16.0), rtol=0, atol=1e-3)


def test_tracks_depend_on_themselves_unless_asked(fxnorm):
    batch = torch.cat([coloured(-0.5), 30 * coloured(0.2, seed=1)])
    alone = torch.cat([fxnorm(batch[:1]), fxnorm(batch[1:])])
    torch.testing.assert_close(fxnorm(batch), alone, rtol=0, atol=1e-6)
    shared = FxNorm(fxnorm.target_curve, FxNormConfig(shared_division=True))
    own, together = (some.mean_magnitude(some.divide(batch)) for some in (fxnorm, shared))
    assert (own - together).abs().max() > 0.01


def test_long_tracks_in_pieces_equal_one_pass(fxnorm, monkeypatch):
    audio = coloured(-0.2)
    whole = fxnorm(audio)
    monkeypatch.setattr(module, "FRAMES_AT_ONCE", 7)
    torch.testing.assert_close(fxnorm(audio), whole, rtol=0, atol=1e-6)


def test_frames_add_up_to_the_track(fxnorm):
    audio = coloured(0.0)[..., :50001]
    rebuilt = fxnorm._filter(audio, torch.ones(1, fxnorm.config.bins))
    torch.testing.assert_close(rebuilt, audio, rtol=0, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 500, 3000])
def test_short_tracks(fxnorm, samples):
    out = fxnorm(coloured(0.0)[..., :samples])
    assert out.shape == (1, 1, samples) and out.isfinite().all()


def test_silence_stays_silence(fxnorm):
    assert not fxnorm(torch.zeros(2, 1, 5000)).any()
    assert not FxNorm(fxnorm.target_curve, FxNormConfig(shared_division=True))(torch.zeros(2, 1, 5000)).any()


def test_smoothing_in_rows_is_the_matrix():
    curve = torch.rand(1500, generator=torch.Generator().manual_seed(0))
    matrix = module.smoothing_rows(torch.arange(1500), 1500)
    torch.testing.assert_close(smooth_curve(curve), matrix @ curve)
    torch.testing.assert_close(matrix.sum(1), torch.ones(1500))
    assert smooth_curve(curve)[0] == curve[0]
    torch.testing.assert_close(target_from_fine_curve(torch.full((4097,), 0.3), 257), torch.full((257,), 0.3))


def test_average_of_silence_is_refused():
    with pytest.raises(ValueError, match="sound"):
        average_curve([torch.zeros(1, 1, 5000)])
