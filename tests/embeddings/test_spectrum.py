"""The spectral descriptors follow what an equaliser and a widener do, and their code is a round trip."""

from __future__ import annotations

import math

import torch

from megami.embeddings import (
    band_filters,
    decode_spectrum,
    encode_spectrum,
    mid_bands_db,
    side_bands_db,
    standardise_mid_bands,
    standardise_side_bands,
)
from megami.embeddings.spectrum import HIGH_HZ, LOW_HZ, MID_BANDS, SIDE_BANDS

RATE = 44100


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def sine(hz: float) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hz * torch.arange(RATE) / RATE)[None, None]


def test_bands_share_all_power():
    assert torch.allclose(band_filters(MID_BANDS).sum(1), torch.ones(4097))


def test_every_band_hears_something():
    assert (band_filters(MID_BANDS).amax(0) > 0.5).all()
    assert (band_filters(40).amax(0) > 0.1).all()


def test_a_tone_at_the_centre_of_a_band_is_all_in_it():
    for band in (3, 12, 20):
        hz = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (band / (MID_BANDS - 1))
        bands = mid_bands_db(sine(hz))[0]
        assert bands.argmax() == band
        assert bands[band] > -1.0
        assert bands[(band + 8) % MID_BANDS] < -50


def test_level_does_not_matter_but_colour_does():
    audio = noise(1, 2, RATE)
    torch.testing.assert_close(mid_bands_db(audio * 0.01), mid_bands_db(audio), atol=0.01, rtol=0)
    dull = torch.cumsum(audio, -1) - torch.cumsum(audio, -1).mean(-1, keepdim=True)
    assert mid_bands_db(dull)[0, -1] < mid_bands_db(audio)[0, -1] - 20


def test_side_of_mono_is_at_the_floor_and_of_unrelated_channels_equal_to_mid():
    mono = noise(1, 1, RATE).expand(-1, 2, -1)
    torch.testing.assert_close(side_bands_db(mono), torch.full((1, SIDE_BANDS), -60.0), atol=0.01, rtol=0)
    assert side_bands_db(noise(1, 2, 2 * RATE)).abs().max() < 2
    inverted = mono * torch.tensor([1.0, -1.0])[:, None]
    torch.testing.assert_close(side_bands_db(inverted), torch.full((1, SIDE_BANDS), 20.0), atol=0.01, rtol=0)


def test_side_gain_shows_in_db():
    audio = noise(1, 2, 2 * RATE)
    mid, side = audio.mean(1), (audio[:, 0] - audio[:, 1]) / 2
    narrow = torch.stack([mid + 0.1 * side, mid - 0.1 * side], dim=1)
    torch.testing.assert_close(side_bands_db(narrow), side_bands_db(audio) - 20, atol=0.1, rtol=0)


def test_code_round_trip_over_the_whole_range():
    mid = torch.linspace(-70, 0, MID_BANDS)[None]
    side = torch.linspace(-60, 20, SIDE_BANDS)[None]
    code = encode_spectrum(mid, side)
    assert code.shape == (1, 64)
    torch.testing.assert_close(code.norm(dim=-1), torch.ones(1))
    for decoded, wanted in zip(decode_spectrum(code * 0.3), (mid, side), strict=True):
        torch.testing.assert_close(decoded, wanted, atol=1e-3, rtol=1e-4)


def test_phases_do_not_wrap():
    assert standardise_mid_bands(torch.tensor([-70.0, 0.0])).abs().max() < math.pi
    assert standardise_side_bands(torch.tensor([-60.0, 20.0])).abs().max() < math.pi


def test_silence_short_clips_and_gradients_are_finite():
    for audio in (torch.zeros(2, 2, RATE), torch.zeros(2, 2, 1000), noise(2, 2, 300)):
        audio = audio.clone().requires_grad_()
        code = encode_spectrum(mid_bands_db(audio), side_bands_db(audio))
        assert code.isfinite().all()
        code[:, ::3].sum().backward()
        assert audio.grad.isfinite().all()


def test_what_inference_made_does_not_stop_learning():
    """The filters are made once and kept: first for a listener who needs no gradient, then for a loss."""
    band_filters.cache_clear()
    audio = torch.randn(1, 2, 9000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        mid_bands_db(audio)
        side_bands_db(audio)
    audio.requires_grad_()
    (mid_bands_db(audio).sum() + side_bands_db(audio).sum()).backward()
    assert audio.grad.abs().sum() > 0
