"""Each effect against its equation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import freqz_sos

from megami.effects import Compressor, Delay, Drive, Equaliser, Gain, Pan, Reverb, Width
from megami.effects.compressor import reduction_db

RATE = 44100


def sine(frequency_hz: float, amplitude: float, seconds: float = 1.0) -> np.ndarray:
    wave = amplitude * np.sin(2.0 * np.pi * frequency_hz * np.arange(int(seconds * RATE)) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def noise(seed: int = 0, seconds: float = 1.0, channels: int = 2, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wave = level * rng.standard_normal((channels, int(seconds * RATE)))
    return (wave if channels == 2 else np.repeat(wave, 2, axis=0)).astype(np.float32)


def decibel(ratio: float) -> float:
    return 20.0 * math.log10(ratio)


def response_db(effect: Equaliser, frequency_hz: float) -> float:
    return decibel(abs(freqz_sos(effect.sections(RATE), worN=[frequency_hz], fs=RATE)[1][0]))


@pytest.mark.parametrize("band", ["peak1", "peak2", "peak3"])
def test_a_peak_has_its_gain_at_its_centre_and_none_far_away(band):
    equaliser = Equaliser(**{f"{band}_gain_db": 9.0, f"{band}_hz": 1200.0, f"{band}_q": 2.0})
    assert response_db(equaliser, 1200.0) == pytest.approx(9.0, abs=1e-6)
    assert response_db(equaliser, 20.0) == pytest.approx(0.0, abs=0.05)
    assert response_db(equaliser, 21000.0) == pytest.approx(0.0, abs=0.05)


def test_a_shelf_has_half_its_gain_at_its_corner_and_all_of_it_beyond():
    equaliser = Equaliser(low_gain_db=-8.0, low_hz=200.0, high_gain_db=6.0, high_hz=5000.0)
    assert response_db(equaliser, 200.0) == pytest.approx(-4.0, abs=0.05)
    assert response_db(equaliser, 5000.0) == pytest.approx(3.0, abs=0.05)
    assert response_db(equaliser, 10.0) == pytest.approx(-8.0, abs=0.05)
    assert response_db(equaliser, 21000.0) == pytest.approx(6.0, abs=0.05)


def test_the_equaliser_filters_as_its_sections_say():
    equaliser = Equaliser.random(np.random.default_rng(3))
    for frequency in (60.0, 333.0, 1500.0, 7000.0):
        out = equaliser.apply(sine(frequency, 0.1, 2.0), RATE)[0, RATE:]
        gain = np.sqrt(np.mean(out.astype(np.float64) ** 2)) / (0.1 / np.sqrt(2.0))
        assert decibel(gain) == pytest.approx(response_db(equaliser, frequency), abs=0.05)


def test_static_curve_beyond_below_and_within_the_knee():
    levels = np.array([-60.0, -33.0, -30.0, -27.0, 0.0])
    soft = reduction_db(levels, threshold_db=-30.0, ratio=4.0, knee_db=6.0)
    assert soft == pytest.approx([0.0, 0.0, 0.75 * 9.0 / 12.0, 0.75 * 3.0, 0.75 * 30.0])
    assert reduction_db(levels, -30.0, 4.0, 0.0) == pytest.approx([0.0, 0.0, 0.0, 0.75 * 3.0, 0.75 * 30.0])


def test_a_steady_sine_settles_on_the_static_curve():
    compressor = Compressor(threshold_db=-30.0, ratio=4.0, attack_ms=5.0, release_ms=300.0, knee_db=6.0, makeup_db=2.0)
    for level_db in (-40.0, -29.0, -6.0):
        out = compressor.apply(sine(1000.0, 10 ** (level_db / 20)), RATE)[0, RATE // 2 :]
        expected = level_db - reduction_db(np.array([level_db]), -30.0, 4.0, 6.0)[0] + 2.0
        assert decibel(np.abs(out).max()) == pytest.approx(expected, abs=0.1)


def test_attack_and_release_are_time_constants():
    level = np.full((2, 2 * RATE), 0.001, dtype=np.float32)
    level[:, RATE // 2 : RATE] = 1.0
    compressor = Compressor(threshold_db=-40.0, ratio=2.0, attack_ms=20.0, release_ms=200.0, knee_db=0.0)
    reduction = -20.0 * np.log10(compressor.apply(level, RATE)[0] / level[0])
    assert reduction[RATE - 1] == pytest.approx(20.0, abs=0.01)
    assert reduction[RATE // 2 + int(0.020 * RATE)] == pytest.approx(20.0 * (1 - math.exp(-1)), abs=0.05)
    later, latest = reduction[RATE + int(0.3 * RATE)], reduction[RATE + int(0.5 * RATE)]
    assert latest / later == pytest.approx(math.exp(-1), abs=0.01)


def test_both_channels_are_turned_down_together():
    audio = noise()
    audio[1] *= 0.1
    wet = Compressor(threshold_db=-40.0, ratio=8.0).apply(audio, RATE)
    assert np.allclose(wet[0] * audio[1], wet[1] * audio[0], atol=1e-6)


def test_drive_keeps_the_level_and_adds_odd_harmonics_only():
    wet = Drive(drive_db=18.0, mix=1.0).apply(sine(1000.0, 0.5), RATE)
    assert np.sqrt(np.mean(wet**2)) == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-4)
    spectrum = np.abs(np.fft.rfft(wet[0]))
    assert spectrum[3000] > 0.05 * spectrum[1000]
    assert spectrum[2000] < 1e-4 * spectrum[1000]


def test_drive_without_a_saturated_share_or_on_a_quiet_sound_changes_nothing():
    quiet = sine(200.0, 1e-3)
    assert np.array_equal(Drive(drive_db=24.0, mix=0.0).apply(quiet, RATE), quiet)
    assert np.allclose(Drive(drive_db=6.0, mix=1.0).apply(quiet, RATE), quiet, atol=1e-8)


def test_gain_is_exact():
    audio = noise()
    assert np.allclose(Gain(-6.0).apply(audio, RATE), audio * 10 ** (-6.0 / 20.0), rtol=1e-6)


def test_pan_has_constant_power_and_unity_at_the_centre():
    assert Pan(0.0).gains() == (1.0, 1.0)
    for position in np.linspace(-1.0, 1.0, 9):
        left, right = Pan(float(position)).gains()
        assert left**2 + right**2 == pytest.approx(2.0)
    left, right = Pan(-1.0).gains()
    assert (left, right) == pytest.approx((math.sqrt(2.0), 0.0))


def test_width_zero_is_mono_one_is_as_is_and_two_doubles_the_side():
    audio = noise()
    narrow, same, wide = (Width(width=width).apply(audio, RATE) for width in (0.0, 1.0, 2.0))
    assert np.array_equal(narrow[0], narrow[1])
    assert np.array_equal(same, audio)
    assert np.allclose(wide[0] - wide[1], 2.0 * (audio[0] - audio[1]), atol=1e-6)
    assert np.allclose(wide.sum(axis=0), audio.sum(axis=0), atol=1e-6)


def test_spread_makes_stereo_out_of_mono_without_touching_the_mono_sum():
    audio = noise(channels=1, seconds=4.0)
    wet = Width(width=1.0, spread=1.0).apply(audio, RATE)
    assert np.allclose(wet.sum(axis=0), audio.sum(axis=0), atol=1e-6)
    assert abs(np.corrcoef(wet)[0, 1]) < 0.1
    left, right = np.sqrt(np.mean(wet**2, axis=1))
    assert abs(decibel(left / right)) < 0.5


def test_reverb_replays_dies_away_and_keeps_the_level_of_pink_noise():
    audio = np.zeros((2, 3 * RATE), dtype=np.float32)
    audio[:, 0] = 1.0
    reverb = Reverb(decay_s=1.0, pre_delay_ms=20.0, damping_hz=20000.0, wet=1.0, seed=5)
    room = reverb.apply(audio, RATE)
    assert np.array_equal(room, Reverb(**vars(reverb)).apply(audio, RATE))
    assert not np.array_equal(room, Reverb(1.0, 20.0, 20000.0, 1.0, seed=6).apply(audio, RATE))
    assert not room[:, : int(0.020 * RATE)].any()
    assert abs(np.corrcoef(room[:, : int(0.5 * RATE)])[0, 1]) < 0.2
    spectrum = np.fft.rfft(noise(channels=1, seconds=6.0)[0])
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    pink = np.fft.irfft(spectrum * (np.fft.rfftfreq(6 * RATE, 1 / RATE) > 40.0)).astype(np.float32)
    wet = reverb.apply(np.stack([pink, pink]), RATE)[:, RATE:]
    assert abs(decibel(np.sqrt(np.mean(wet**2)) / np.sqrt(np.mean(pink[RATE:] ** 2)))) < 1.0


@pytest.mark.parametrize("decay_s", [0.4, 1.0, 2.0])
def test_reverberation_time_of_the_lows_is_decay_s(decay_s):
    from scipy.signal import butter, sosfilt

    audio = np.zeros((2, int(2.5 * RATE)), dtype=np.float32)
    audio[:, 0] = 1.0
    room = Reverb(decay_s, 0.0, 20000.0, 1.0, seed=1).apply(audio, RATE)
    band = sosfilt(butter(2, (300.0, 900.0), "bandpass", fs=RATE, output="sos"), room, axis=-1)
    remaining = np.cumsum((band**2).sum(axis=0)[::-1])[::-1]
    remaining_db = 10.0 * np.log10(remaining / remaining[0])
    fell_5, fell_25 = np.argmax(remaining_db < -5.0), np.argmax(remaining_db < -25.0)
    assert 3.0 * (fell_25 - fell_5) / RATE == pytest.approx(decay_s, rel=0.15)


def test_delay_repeats_at_its_time_and_ping_pong_alternates():
    audio = np.zeros((2, RATE), dtype=np.float32)
    audio[:, 0] = 1.0
    step = 4410
    straight = Delay(time_ms=100.0, feedback=0.5, wet=0.5).apply(audio, RATE)
    bounced = Delay(time_ms=100.0, feedback=0.5, wet=0.5, ping_pong=1).apply(audio, RATE)
    first = straight[0, step]
    assert straight[0, 2 * step] / first == pytest.approx(0.5, abs=0.01)
    assert np.abs(straight[:, 1:step]).max() == 0.0
    assert bounced[0, step] / first == pytest.approx(1.0, abs=0.01) and abs(bounced[1, step]) < 0.01 * first
    assert bounced[1, 2 * step] / first == pytest.approx(0.5, abs=0.01) and abs(bounced[0, 2 * step]) < 0.01 * first
