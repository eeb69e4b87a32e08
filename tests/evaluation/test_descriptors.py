"""Descriptors: each one answers to what it is named after, and not to what it is not."""

import pytest
import torch

from megami.evaluation.measures.descriptors import NAMES, descriptors

RATE = 44100


def noise(seconds=2.0, seed=0):
    g = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(1, int(seconds * RATE), generator=g)


def described(audio):
    return dict(zip(NAMES, descriptors(audio[None])[0].tolist(), strict=True))


def stereo(left, right=None):
    return torch.cat([left, left if right is None else right])


def test_gain_moves_the_level_and_nothing_else():
    a, b = described(stereo(noise())), described(stereo(noise()) * 0.5)
    assert a["level_db"] - b["level_db"] == pytest.approx(6.02, abs=0.01)
    assert all(a[name] == pytest.approx(b[name], abs=0.02) for name in NAMES if name != "level_db")


def test_panning_is_read_in_decibels():
    assert described(stereo(noise(), 2 * noise()))["pan_db"] == pytest.approx(6.02, abs=0.01)
    assert described(stereo(noise()))["pan_db"] == pytest.approx(0, abs=1e-4)


def test_mono_is_narrow_and_independent_channels_are_wide():
    mono, wide = described(stereo(noise())), described(stereo(noise(), noise(seed=1)))
    assert mono["correlation"] == pytest.approx(1, abs=1e-3) and abs(wide["correlation"]) < 0.05
    for region in ("low", "mid", "high"):
        assert mono[f"width_{region}_db"] < -30 and wide[f"width_{region}_db"] == pytest.approx(0, abs=2.0)


def test_a_tone_lies_in_its_octave():
    time = torch.arange(2 * RATE) / RATE
    tone = described(stereo(torch.sin(2 * torch.pi * 2000 * time)[None]))
    assert tone["centroid_octaves"] == pytest.approx(1, abs=0.02)
    assert tone["band_6_db"] == pytest.approx(0, abs=0.1) and tone["band_2_db"] < -40
    assert tone["flatness_db"] < described(stereo(noise()))["flatness_db"] - 20


def test_squashing_lowers_the_punch_and_rests_raise_the_range():
    clicks = noise() * (torch.arange(2 * RATE) % 4410 < 500)
    assert described(stereo(clicks))["punch_db"] > described(stereo(noise()))["punch_db"] + 3
    half = noise() * (torch.arange(2 * RATE) < RATE)
    assert described(stereo(half))["range_db"] > 30 > 5 > described(stereo(noise()))["range_db"]


def test_silence_is_finite():
    assert torch.isfinite(descriptors(torch.zeros(1, 2, RATE))).all()
