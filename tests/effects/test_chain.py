"""Chains: drawing, replaying from JSON, refusing bad parameters."""

from __future__ import annotations

import doctest
import json
import sys

import numpy as np
import pytest

from megami.effects import (
    EFFECTS,
    Compressor,
    EffectChain,
    Equaliser,
    Gain,
    Pan,
    identity_chain,
    random_chain,
    single_effect_chain,
)
from megami.errors import UserError

RATE = 44100


def noise(samples: int = RATE // 2, channels: int = 2) -> np.ndarray:
    return (0.2 * np.random.default_rng(0).standard_normal((channels, samples))).astype(np.float32)


def test_the_identity_chain_changes_nothing_and_doubles_mono():
    stereo, mono = noise(), noise(channels=1)
    assert np.array_equal(identity_chain().apply(stereo), stereo)
    assert np.array_equal(identity_chain().apply(mono), np.repeat(mono, 2, axis=0))


def test_neutral_parameters_change_nothing():
    audio = noise()
    assert np.array_equal(EffectChain((Equaliser(), Gain(), Pan())).apply(audio), audio)
    assert np.allclose(Compressor(ratio=1.0).apply(audio, RATE), audio, atol=1e-6)


def test_a_chain_replays_bit_for_bit_from_json():
    audio = noise()
    for seed in range(20):
        chain = random_chain(np.random.default_rng(seed))
        replayed = EffectChain.from_json(chain.to_json())
        assert replayed == chain
        assert np.array_equal(replayed.apply(audio), chain.apply(audio))


def test_the_seed_alone_decides_the_chain():
    assert random_chain(np.random.default_rng(4)) == random_chain(np.random.default_rng(4))
    assert random_chain(np.random.default_rng(4)) != random_chain(np.random.default_rng(5))


def test_two_hundred_random_draws_are_finite_and_keep_shape_and_silence():
    audio, silence = noise(RATE // 4), np.zeros((2, RATE // 4), dtype=np.float32)
    for seed in range(200):
        chain = random_chain(np.random.default_rng([9, seed]))
        wet = chain.apply(audio)
        assert wet.shape == audio.shape and wet.dtype == np.float32 and np.isfinite(wet).all()
        assert not chain.apply(silence).any()


@pytest.mark.parametrize("effect_class", EFFECTS)
def test_every_effect_works_at_any_rate_and_length_and_leaves_its_input_alone(effect_class):
    for seed, (rate, samples) in enumerate([(8000, 4000), (192000, 20000), (44100, 1), (44100, 0)]):
        audio = noise(samples)
        before = audio.copy()
        wet = single_effect_chain(np.random.default_rng(seed), effect_class).effects[0].apply(audio, rate)
        assert wet.shape == audio.shape and np.isfinite(wet).all()
        assert np.array_equal(audio, before)


@pytest.mark.parametrize("effect_class", EFFECTS)
def test_every_draw_is_within_the_range_and_every_field_has_one(effect_class):
    rng = np.random.default_rng(0)
    for _ in range(50):
        effect = effect_class.random(rng)
        for name, limits in effect_class.RANGES.items():
            assert limits.accepts(getattr(effect, name))


@pytest.mark.parametrize("effect_class", EFFECTS)
def test_the_examples_beside_an_effect_are_true(effect_class):
    assert doctest.testmod(sys.modules[effect_class.__module__], extraglobs={"np": np}).failed == 0


def test_probability_and_order_of_random_chains():
    rng = np.random.default_rng(1)
    lengths = [len(random_chain(rng, probability=0.6).effects) for _ in range(300)]
    assert np.mean(lengths) == pytest.approx(0.6 * len(EFFECTS), rel=0.1)
    ordered = random_chain(rng, probability=1.0, shuffle=False)
    assert tuple(type(effect) for effect in ordered.effects) == EFFECTS


def with_changes(**changes: object) -> str:
    entry = {"effect": "Gain", "gain_db": 1.0, **changes}
    return json.dumps({"effects": [{key: value for key, value in entry.items() if value != "absent"}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (with_changes(gain_db=999.0), "gain_db must be a number from -120 to 120 dB, not 999"),
        (with_changes(gain_db="loud"), "gain_db must be a number"),
        (with_changes(gain_db=float("nan")), "gain_db must be a number"),
        (with_changes(gain_db="absent"), "gain_db is missing"),
        (with_changes(colour=1.0), "unknown parameter colour"),
        (with_changes(effect="Flanger"), "unknown effect 'Flanger'"),
        ("[1, 2]", 'list "effects"'),
        ("{", "not JSON"),
    ],
)
def test_a_bad_chain_is_refused_in_one_line(text, message):
    with pytest.raises(UserError, match=message) as caught:
        EffectChain.from_json(text)
    assert "\n" not in str(caught.value)
