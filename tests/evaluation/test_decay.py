"""Decay, room level and echo are found as they were made, at any gain and sign, and nothing in a dry track."""

import math

import numpy as np
import pytest
from scipy.signal import oaconvolve

from megami.effects import Delay, EffectChain, Reverb
from megami.evaluation.measures.decay import (
    DRY_RATIO_DB,
    OCTAVES_HZ,
    Echo,
    decay_curve_db,
    find_echo,
    measure_tail,
    reverberation_time_s,
)

RATE = 44100


def phrase(seed: int = 0, seconds: float = 6.0) -> np.ndarray:
    """Noisy notes [1, n] that stop at half of the clip."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * RATE)
    audio = np.zeros(samples)
    for start in np.arange(0.1, seconds / 2, 0.23):
        place = int((start + rng.uniform(0, 0.1)) * RATE)
        time_s = np.arange(samples - place) / RATE
        note = np.sin(2 * np.pi * rng.uniform(100, 2000) * time_s) + rng.standard_normal(len(time_s))
        audio[place:] += note * np.exp(-8 * time_s)
    audio[samples // 2 :] = 0
    return (0.1 * audio[None]).astype(np.float32)


def exponential_noise(decay_s: float, direct_db: float, seed: int = 1, seconds: float = 4.0) -> np.ndarray:
    """Impulse response [2, n]: a unit impulse and noise of one decay, `direct_db` weaker in energy."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal((2, len(time_s))) * np.exp(-math.log(1000) / decay_s * time_s)
    response = noise * np.sqrt(10 ** (-direct_db / 10) / np.square(noise).sum(-1, keepdims=True))
    response[:, 0] += 1
    return response


def through(response: np.ndarray, dry: np.ndarray) -> np.ndarray:
    return oaconvolve(np.repeat(dry, 2, axis=0).astype(np.float64), response, axes=-1)[:, : dry.shape[-1]]


@pytest.mark.parametrize("decay_s", [0.2, 0.6, 1.5, 3.0])
@pytest.mark.parametrize("direct_db", [0.0, 6.0, 12.0])
def test_noise_of_known_decay_and_level(decay_s, direct_db):
    dry = phrase()
    tails = [measure_tail(dry, through(exponential_noise(decay_s, direct_db, seed), dry)) for seed in range(3)]
    for tail in tails:
        assert np.median(np.abs(tail.decay_s / decay_s - 1)) < 0.1 and tail.echo is None
    # One tail of a fifth of a second is a few hundred random numbers in the lower octaves.
    assert np.mean([tail.direct_to_reverberant_db for tail in tails]) == pytest.approx(direct_db, abs=2)


def test_a_curve_of_known_slope():
    frames = np.arange(400) * 0.005
    power = 10 ** (-6 * frames / 1.2)
    assert reverberation_time_s(decay_curve_db(power), 0.005) == pytest.approx(1.2, rel=0.01)
    assert math.isnan(reverberation_time_s(decay_curve_db(power[:40]), 0.005))  # 10 dB, then the recording ends


@pytest.mark.parametrize("time_ms", [70.0, 213.0, 300.0, 580.0])
@pytest.mark.parametrize("wet, feedback, ping_pong", [(0.08, 0.0, 0), (0.25, 0.4, 0), (0.5, 0.6, 1)])
def test_known_echoes(time_ms, wet, feedback, ping_pong):
    dry = phrase()
    echo = find_echo(dry, EffectChain((Delay(time_ms, feedback, wet, ping_pong),)).apply(dry))
    assert echo is not None and abs(echo.time_ms - time_ms) < 1
    each = wet / math.sqrt(2) if ping_pong else wet  # in one channel of two
    assert echo.level_db == pytest.approx(20 * math.log10(each), abs=1.5)


def test_an_echo_in_a_room():
    dry = phrase()
    chain = EffectChain((Delay(240.0, 0.3, 0.3), Reverb(decay_s=1.0, damping_hz=20000.0, wet=0.25)))
    tail = measure_tail(dry, chain.apply(dry))
    assert tail.echo is not None and abs(tail.echo.time_ms - 240) < 2
    assert tail.direct_to_reverberant_db < DRY_RATIO_DB


@pytest.mark.parametrize("gain", [0.01, -1.0, 20.0])
def test_gain_and_sign_of_either_do_not_matter(gain):
    dry = phrase()
    wet = EffectChain((Delay(300.0, 0.3, 0.3), Reverb(decay_s=0.8))).apply(dry)
    first = measure_tail(dry, wet)
    for tail in (measure_tail(dry, gain * wet), measure_tail(gain * dry, wet)):
        np.testing.assert_allclose(tail.decay_s, first.decay_s, rtol=1e-3)
        assert tail.direct_to_reverberant_db == pytest.approx(first.direct_to_reverberant_db, abs=0.01)
        assert first.echo is not None and isinstance(tail.echo, Echo)
        assert tail.echo.time_ms == first.echo.time_ms
        assert tail.echo.level_db == pytest.approx(first.echo.level_db, abs=0.01)


@pytest.mark.parametrize("balance", [(1.0, 1.0), (0.2, 1.0), (0.0, 1.0)])
def test_nothing_is_found_in_a_dry_track(balance):
    dry = phrase()
    tail = measure_tail(dry, np.concatenate([share * dry for share in balance]))
    assert np.isnan(tail.decay_s).all() and len(tail.decay_s) == len(OCTAVES_HZ)
    assert tail.direct_to_reverberant_db == DRY_RATIO_DB and tail.echo is None


def test_a_loop_that_repeats_itself_has_no_echo():
    dry = phrase()
    bar = dry[:, : int(0.3 * RATE)] * np.hanning(int(0.3 * RATE)).astype(np.float32)
    loop = np.zeros_like(dry)
    for start in range(0, dry.shape[-1] // 2 - bar.shape[-1], bar.shape[-1]):
        loop[:, start : start + bar.shape[-1]] = bar
    assert find_echo(loop, np.repeat(loop, 2, axis=0)) is None


@pytest.mark.parametrize("dry", [np.ones((1, RATE)), np.zeros((1, RATE))])
def test_a_track_that_does_not_fall_silent_is_refused(dry):
    with pytest.raises(ValueError, match="silent"):
        measure_tail(dry, np.repeat(dry, 2, axis=0))
