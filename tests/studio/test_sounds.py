"""The studio's own sound sources and recording chain: what they play is measured."""

from __future__ import annotations

import numpy as np
import pytest

from megami.errors import UserError
from megami.studio.band.drum_machine import render_hits
from megami.studio.band.filters import bell, sweeping_lowpass, tilt
from megami.studio.band.grooves import DRUM_KEYS
from megami.studio.band.notes import PlayedNote
from megami.studio.band.room import amplify, bleed_of, microphone, noise_floor, reflections
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.synths import random_patch, render_synth, wavetable
from megami.studio.band.voice import Singer, sing

RATE = 44100
ONE = (PlayedNote(0.1, 0.8, 69, 0.8),)


def _spectrum(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.fft.rfftfreq(len(audio), 1.0 / RATE), np.abs(np.fft.rfft(audio * np.hanning(len(audio))))


def _share_on_harmonics(audio: np.ndarray, hz: float) -> float:
    frequencies, magnitude = _spectrum(audio)
    order = np.maximum(np.round(frequencies / hz), 1.0)
    on = np.abs(frequencies - order * hz) < 0.04 * order * hz + 8.0
    return float(np.sum(magnitude[on & (order < 12)] ** 2) / np.sum(magnitude**2))


@pytest.mark.parametrize("family", ["bass synth", "lead synth", "pluck synth", "pad synth"])
def test_synths_play_in_tune_and_stop(family):
    patch = random_patch(family, np.random.default_rng(0))
    audio = render_synth(ONE, patch, 3 * RATE, np.random.default_rng(1))
    assert np.abs(audio[: RATE // 20]).max() == 0.0
    assert _share_on_harmonics(audio, 220.0) > 0.9  # 220 also covers the sub oscillator an octave below
    assert np.abs(audio[-RATE // 4 :]).max() < 1e-3 * np.abs(audio).max()


def test_wavetables_have_the_harmonics_asked_for():
    partials = np.abs(np.fft.rfft(wavetable("saw", 10))) / 4096
    assert partials[1:11] == pytest.approx(2.0 / (np.pi * np.arange(1, 11)), rel=1e-6)
    assert partials[11:].max() < 1e-12


def test_the_voice_sings_its_notes_with_formants():
    singer = Singer(1.0, 0, 5.5, 20.0, 0.03, 0.6, 0.3)
    audio = sing((PlayedNote(0.2, 1.5, 57, 0.8),), singer, 2 * RATE, np.random.default_rng(2))
    frequencies, magnitude = _spectrum(audio[RATE // 2 : 3 * RATE // 2])
    low = (frequencies > 150) & (frequencies < 300)
    assert abs(frequencies[low][np.argmax(magnitude[low])] - 220.0) < 8.0
    assert np.sum(magnitude[frequencies > 300] ** 2) > 0.2 * np.sum(magnitude[low] ** 2)
    assert np.abs(audio[-RATE // 10 :]).max() < 0.05 * np.abs(audio).max()


@pytest.mark.parametrize("kit", ["808", "house machine", "recorded", "recorded machine"])
def test_drum_machines_hit_when_told(kit):
    notes = [PlayedNote(0.2 * i, 0.1, DRUM_KEYS[name], 0.9) for i, name in enumerate(("kick", "snare", "hat"))]
    audio = render_hits(notes, kit, RATE, np.random.default_rng(0))
    for note in notes:
        start = int(note.start_s * RATE)
        assert np.abs(audio[start : start + RATE // 10]).max() > 0.02
    frequencies, magnitude = _spectrum(audio[: RATE // 5])
    assert np.sum(magnitude[frequencies < 200] ** 2) > 0.5 * np.sum(magnitude**2)


def test_a_louder_hit_is_louder():
    def peak(velocity: float) -> float:
        hit = PlayedNote(0.0, 0.1, DRUM_KEYS["kick"], velocity)
        return np.abs(render_hits([hit], "808", RATE, np.random.default_rng(0))).max()

    assert peak(0.9) > 2.0 * peak(0.3)


def test_noise_floor_has_the_level_asked_for():
    for kind in ("line", "mic", "amp"):
        noise = noise_floor(RATE, kind, -60.0, np.random.default_rng(0))
        assert 10 * np.log10(np.mean(noise**2)) == pytest.approx(-60.0, abs=0.01)


def test_bleed_is_late_and_low():
    click = np.zeros(RATE)
    click[1000] = 1.0
    bleed = bleed_of(click, -45.0, np.random.default_rng(0))
    assert np.argmax(np.abs(bleed)) - 1000 > 0.003 * RATE
    assert np.sum(bleed**2) < 10 ** (-45.0 / 10)


def test_reflections_add_little_and_after_the_sound():
    click = np.zeros(RATE)
    click[100] = 1.0
    room = reflections(click, -20.0, np.random.default_rng(0)) - click
    assert np.abs(room[:101]).max() < 1e-9
    assert 10 * np.log10(np.sum(room**2)) == pytest.approx(-20.0, abs=0.5)


def test_amplifier_compresses_and_filters():
    audio = np.random.default_rng(0).standard_normal(RATE) * np.linspace(0.1, 1.0, RATE)
    driven = amplify(audio, 12.0, np.random.default_rng(1))

    def crest(x):
        return np.abs(x).max() / np.sqrt(np.mean(x**2))

    frequencies, magnitude = _spectrum(driven)
    assert crest(driven) < crest(audio)
    assert np.sum(magnitude[frequencies > 8000] ** 2) < 0.05 * np.sum(magnitude**2)
    assert np.isfinite(microphone(audio, 0.0, np.random.default_rng(2))).all()


def test_filters_do_what_they_say():
    click = np.zeros(RATE)
    click[0] = 1.0
    frequencies = np.fft.rfftfreq(RATE, 1.0 / RATE)
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(bell(click, 1000.0, 6.0, 1.0))))
    assert gain_db[1000] == pytest.approx(6.0, abs=0.01) and abs(gain_db[20]) < 0.05
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(tilt(click, 500.0, -3.0, 2.0))))
    assert gain_db[frequencies == 10][0] == pytest.approx(-3.0, abs=0.1)
    assert gain_db[frequencies == 20000][0] == pytest.approx(2.0, abs=0.1)
    noise = np.random.default_rng(0).standard_normal(RATE)
    opening = np.repeat([0.0, 1.0], RATE // 2)
    swept = sweeping_lowpass(noise, 200.0, 4.0, opening, 0.7)
    assert np.std(swept[RATE // 2 + 2000 :]) > 2.0 * np.std(swept[: RATE // 2])


def test_a_missing_soundfont_is_explained(monkeypatch, tmp_path):
    monkeypatch.setenv("MEGAMI_SOUNDFONT", str(tmp_path / "none.sf3"))
    with pytest.raises(UserError, match="fluidr3mono-gm-soundfont"):
        find_soundfont()
