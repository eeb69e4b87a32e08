"""Settings say what was done: known bands, compressors, rooms and plain faders are found again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from megami.effects import Compressor
from megami.session import Band, estimated_strip, fit_bands, fit_compressor
from megami.session.bands import response_db
from megami.session.devices import balance_gains, pan_of, play
from megami.session.gain_fit import gain_of
from megami.session.room_numbers import has_room, reverb_of, without_end

HZ = np.geomspace(30, 18000, 40)
EVERYWHERE = np.ones(40)
RATE = 44100


def test_no_curve_needs_no_band_and_a_constant_is_the_fader_s():
    fit = fit_bands(HZ, np.full(40, -7.5), EVERYWHERE)
    assert fit.bands == () and fit.level_db == pytest.approx(-7.5) and fit.median_error_db == pytest.approx(0)


@pytest.mark.parametrize("seed", range(3))
def test_bands_that_made_a_curve_are_found_again_in_what_they_do(seed):
    rng = np.random.default_rng(seed)
    made = (
        Band("low shelf", rng.uniform(60, 300), rng.uniform(3, 8)),
        Band("bell", rng.uniform(500, 3000), rng.uniform(-9, -4), rng.uniform(0.7, 2)),
        Band("high shelf", rng.uniform(5000, 9000), rng.uniform(-6, 6)),
    )
    curve = response_db(made, HZ)
    fit = fit_bands(HZ, curve + 2.0, EVERYWHERE)
    assert 1 <= len(fit.bands) <= 6
    assert fit.median_error_db < 0.3 and fit.largest_error_db < 1.0
    assert np.median(np.abs(response_db(fit.bands, HZ) + fit.level_db - curve - 2.0)) == pytest.approx(
        fit.median_error_db, abs=1e-9
    )


def test_what_a_track_does_not_have_costs_no_band():
    curve = np.where(HZ > 4000, 20.0, 0.0)  # a cliff where nothing sounds
    fit = fit_bands(HZ, curve, (HZ < 3000).astype(float))
    assert fit.median_error_db < 0.5 and np.abs(response_db(fit.bands, HZ[HZ < 2500]) + fit.level_db).max() < 2.0


def moving_level(frames: int = 4000) -> np.ndarray:
    """Peaks in dB of notes that come and go, [frames]."""
    rng = np.random.default_rng(0)
    steps = np.repeat(rng.uniform(-35, -5, frames // 100), 100)
    return steps + rng.normal(0, 0.5, frames)


def test_a_compressor_s_gain_is_followed():
    peak_db, frame_ms = moving_level(), 1.45
    made = Compressor(-22.0, 3.0, 12.0, 120.0)
    fit = fit_compressor(peak_db, gain_of(made, peak_db, frame_ms) + 5.0, frame_ms)
    assert fit is not None and fit.median_error_db < 0.25
    assert fit.compressor.threshold_db == pytest.approx(-22.0, abs=2.5)
    assert fit.compressor.ratio == pytest.approx(3.0, rel=0.25)


def test_a_gain_that_stands_still_is_no_compressor():
    peak_db = moving_level()
    assert fit_compressor(peak_db, np.full(len(peak_db), -8.0), 1.45) is None


@pytest.mark.parametrize("decay_s", [0.4, 1.5])
def test_a_reverb_s_level_and_decay_are_read_from_its_response(decay_s):
    samples = int(3 * RATE)
    time = np.arange(samples) / RATE
    tail = np.random.default_rng(0).standard_normal((2, samples)) * 10 ** (-3 * time / decay_s)
    tail[:, : int(0.03 * RATE)] = 0
    tail *= np.sqrt(2 * 10 ** (-12 / 10) / np.square(tail).sum())  # 12 dB under the direct sound of both channels
    impulse = tail.copy()
    impulse[:, 0] = 1
    found = reverb_of(impulse, RATE)
    assert found is not None
    assert found.decay_s == pytest.approx(decay_s, rel=0.06) and found.send_db == pytest.approx(-12, abs=0.2)
    kept = without_end(impulse)
    assert kept.shape[1] < samples and np.array_equal(kept, impulse[:, : kept.shape[1]])


def test_a_dry_response_has_no_room():
    impulse = np.zeros((2, 1000))
    impulse[:, 0] = 0.8
    assert not has_room(impulse) and reverb_of(impulse, RATE) is None
    impulse[1, 50] = 0.1
    assert has_room(impulse)


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.8, 1.0])
def test_pans_are_found_again(pan):
    left, right = 0.37 * balance_gains(pan)
    assert pan_of(left, right) == pytest.approx(pan)
    assert max(balance_gains(pan)) == 1.0


@pytest.mark.parametrize(("gain_db", "pan"), [(-9.0, 0.0), (4.0, -0.5), (-20.0, 0.9)])
def test_a_track_that_was_only_faded_and_panned_nulls(dry_tracks, gain_db, pan):
    dry = torch.from_numpy(next(iter(dry_tracks(1).values())))[None]
    gains = torch.from_numpy(balance_gains(pan) * 10 ** (gain_db / 20)).float()
    wet = dry * gains[:, None]
    strip = estimated_strip("bass", dry, wet, RATE)
    assert strip.settings.source == "estimated" and set(strip.settings.unknown) == {"drive", "reverb", "echo"}
    assert strip.settings.gain_db == pytest.approx(gain_db, abs=0.01)
    assert strip.settings.pan == pytest.approx(pan, abs=1e-3)
    assert strip.settings.equaliser is None and strip.settings.compressor is None
    played = play(strip.devices, dry.numpy(), RATE) * strip.volume * balance_gains(strip.settings.pan)[:, None]
    left = np.square(played - wet.numpy()).sum() / np.square(wet.numpy()).sum()
    assert 10 * np.log10(left + 1e-20) < -60


def test_settings_are_plain_numbers(dry_tracks):
    dry = torch.from_numpy(next(iter(dry_tracks(1).values())))[None]
    loud = torch.tanh(4 * dry).expand(2, -1)
    words = estimated_strip("bass", dry, loud, RATE).settings.as_dict()

    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or type(value) in (str, float, int, bool)

    assert plain(words) and words["name"] == "bass"
