"""The descriptors mean what they say, and their code is a round trip."""

from __future__ import annotations

import math

import pytest
import torch

from megami.embeddings import (
    apply_level,
    crest_factor_db,
    decode_dynamics,
    dynamics_features,
    encode_dynamics,
    log_spread_db,
    standardise_dynamics,
    stereo_imbalance,
    stereo_width,
    unstandardise_dynamics,
)

RATE = 44100


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def sine(seconds: float = 1.0, hz: float = 441.0) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz * torch.arange(int(seconds * RATE)) / RATE)


def test_sine_has_a_crest_factor_of_three_db():
    assert crest_factor_db(sine()[None]).item() == pytest.approx(20 * math.log10(math.sqrt(2)), abs=0.01)


def test_square_wave_has_no_crest_and_no_spread():
    square = torch.where(sine() >= 0, 0.5, -0.5)[None]
    assert crest_factor_db(square).item() == pytest.approx(0, abs=1e-4)
    assert log_spread_db(square).item() == pytest.approx(0, abs=1e-3)


def test_width_of_mono_of_unrelated_channels_and_of_pure_side():
    mono = noise(1, 1, RATE).expand(-1, 2, -1)
    assert stereo_width(mono).item() == 0
    assert stereo_width(noise(1, 2, RATE)).item() == pytest.approx(1, abs=0.05)
    assert stereo_width(mono * torch.tensor([1.0, -1.0])[:, None]).item() > 1e3


def test_imbalance_points_to_the_louder_side():
    left_only = noise(1, 2, RATE) * torch.tensor([1.0, 0.0])[:, None]
    assert stereo_imbalance(left_only).item() == pytest.approx(-1)
    assert stereo_imbalance(left_only.flip(1)).item() == pytest.approx(1)


def test_gain_moves_the_level_alone():
    audio = noise(2, 2, RATE)
    before, after = dynamics_features(audio), dynamics_features(audio * 0.5)
    torch.testing.assert_close(after[:, :2], before[:, :2] - 20 * math.log10(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(after[:, 2:], before[:, 2:], atol=1e-3, rtol=1e-3)


def test_standardisation_round_trip():
    features = noise(5, 8) * 100
    torch.testing.assert_close(unstandardise_dynamics(standardise_dynamics(features)), features)


def test_code_has_unit_norm_and_decodes_at_any_scale():
    features = unstandardise_dynamics(noise(20, 8) * 10)
    code = encode_dynamics(features)
    torch.testing.assert_close(code.norm(dim=-1), torch.ones(20))
    torch.testing.assert_close(decode_dynamics(code * 3.7), features, atol=1e-3, rtol=1e-3)


def test_near_descriptors_have_near_codes():
    features = unstandardise_dynamics(torch.zeros(1, 8))
    steps = torch.tensor([0.0, 1.0, 3.0, 6.0])
    louder = features + steps[:, None] * torch.tensor([1.0, 1, 0, 0, 0, 0, 0, 0])
    likeness = encode_dynamics(louder) @ encode_dynamics(features).T
    assert (likeness[:-1] > likeness[1:]).all()


def test_level_is_set_per_channel():
    wanted = torch.tensor([[-20.0, -32.0]])
    levelled = apply_level(noise(1, 2, RATE), wanted)
    torch.testing.assert_close(dynamics_features(levelled)[:, :2], wanted, atol=1e-3, rtol=0)


def test_silence_is_finite_and_stays_silent():
    silence = torch.zeros(1, 2, RATE)
    assert dynamics_features(silence).isfinite().all()
    assert encode_dynamics(dynamics_features(silence)).isfinite().all()
    assert (apply_level(silence, torch.tensor([[-20.0, -20.0]])) == 0).all()


def test_audio_shorter_than_a_level_frame_is_heard():
    assert dynamics_features(noise(1, 2, 4410)).isfinite().all()
