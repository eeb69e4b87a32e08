"""Levels, loudness, true peak and mastering against what they mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import butter, freqz, resample, sosfiltfilt

from megami.audio import (
    bring_to_rms,
    db_to_gain,
    framed_level_db,
    framed_power,
    gated_loudness,
    integrated_loudness,
    level_db,
    master,
    normalise_level,
    true_peak_db,
)
from megami.audio.loudness import k_response
from megami.studio.engineers.listening import framed_level, loudness

RATE = 44100


def sine(frequency_hz: float, amplitude: float, seconds: float, phase: float = 0.0, rate: int = RATE) -> torch.Tensor:
    time = torch.arange(int(seconds * rate), dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * frequency_hz * time + phase)).float().expand(2, -1).clone()


def music(seed: int = 0, seconds: float = 6.0, crest: float = 1.0, rate: int = RATE) -> torch.Tensor:
    """Bursts of noise below 16 kHz with sharp attacks, [2, samples]; a larger crest has shorter bursts."""
    generator = torch.Generator().manual_seed(seed)
    samples = int(seconds * rate)
    beat = torch.arange(samples) % (rate // 2)
    envelope = torch.exp(-beat * crest * 8.0 / rate)
    bursts = 0.3 * torch.randn(2, samples, generator=generator) * envelope
    highest = min(16000.0, 0.4 * rate)
    return torch.from_numpy(sosfiltfilt(butter(8, highest, fs=rate, output="sos"), bursts.numpy()).astype(np.float32))


def test_level_of_a_sine_is_3_db_below_its_peak():
    assert float(level_db(sine(441.0, 0.5, 1.0))) == pytest.approx(20 * math.log10(0.5) - 3.0103, abs=1e-3)
    assert level_db(torch.zeros(3, 2, 100)).tolist() == [-160.0] * 3


def test_framed_level_is_the_level_of_the_loudest_400_ms():
    audio = torch.cat([sine(441.0, 0.01, 1.0), sine(441.0, 0.5, 0.8), sine(441.0, 0.01, 1.0)], dim=-1)
    assert framed_level_db(audio).tolist() == pytest.approx([-9.0309] * 2, abs=1e-2)
    assert framed_level_db(sine(441.0, 0.5, 0.1)).tolist() == pytest.approx([-9.0309] * 2, abs=1e-2)
    assert framed_level_db(torch.zeros(2, RATE)).tolist() == [-160.0, -160.0]


def test_frames_are_400_ms_every_100_ms_and_the_incomplete_one_is_left_out():
    steps = torch.arange(1.0, 8.0).sqrt().repeat_interleave(RATE // 10)  # power 1, 2, ... 7 in seven steps of 100 ms
    expected = torch.tensor([2.5, 3.5, 4.5, 5.5])
    torch.testing.assert_close(framed_power(steps), expected)
    torch.testing.assert_close(framed_power(torch.cat([steps, torch.full((4000,), 9.0)])), expected)
    torch.testing.assert_close(framed_power(steps[: RATE // 10]), torch.ones(1))


def test_engineers_and_networks_hear_the_same_level_and_the_same_loudness():
    audio = music(seconds=4.03) * torch.tensor([[1.0], [0.3]])
    assert framed_level(audio.numpy(), RATE) == pytest.approx(float(framed_level_db(audio).mean()), abs=1e-4)
    assert loudness(audio.numpy(), RATE) == gated_loudness(audio.numpy()) == integrated_loudness(audio)
    silence = torch.zeros(2, RATE)
    assert loudness(silence.numpy(), RATE) == -120.0 and integrated_loudness(silence) == -math.inf


@pytest.mark.parametrize("kind", [float, np.array, torch.tensor])
def test_a_gain_in_db_is_a_factor(kind):
    assert float(db_to_gain(kind(20.0))) == pytest.approx(10.0)
    assert float(db_to_gain(kind(-6.0206))) == pytest.approx(0.5, abs=1e-5)


def test_bringing_to_an_rms_per_channel_and_together():
    audio = sine(441.0, 0.5, 0.5) * torch.tensor([[1.0], [0.25]])
    apart = bring_to_rms(audio, torch.tensor([[0.1], [0.2]]), -1, 1e-14)
    assert apart.square().mean(-1).sqrt().tolist() == pytest.approx([0.1, 0.2], rel=1e-5)
    together = bring_to_rms(audio, 0.1, (-2, -1), 1e-14)
    assert float(together.square().mean().sqrt()) == pytest.approx(0.1, rel=1e-5)
    torch.testing.assert_close(together[1], 0.25 * together[0])
    silence = torch.zeros(2, 10, requires_grad=True)
    quiet = bring_to_rms(silence, 0.1, -1, 1e-10)
    quiet.sum().backward()
    assert not quiet.any() and silence.grad.isfinite().all()


def test_normalising_reaches_the_target_and_leaves_silence_silent():
    audio = torch.stack([sine(300.0, 0.5, 1.0), torch.zeros(2, RATE)])
    audio[0, 1] *= 0.25
    together, apart = normalise_level(audio, -25.0), normalise_level(audio, -25.0, gate=True)
    assert float(level_db(together)[0]) == pytest.approx(-25.0, abs=1e-3)
    assert torch.allclose(together[0, 1], together[0, 0] * 0.25)
    assert framed_level_db(apart)[0].tolist() == pytest.approx([-25.0, -25.0], abs=1e-3)
    assert not together[1].any() and not apart[1].any()


def test_loudness_of_the_standard_sine_and_of_gain():
    tone = sine(997.0, 10 ** (-23 / 20), 5.0, rate=48000)
    assert integrated_loudness(tone, 48000) == pytest.approx(-23.0, abs=0.1)
    assert integrated_loudness(0.5 * tone, 48000) == pytest.approx(-23.0 - 6.02, abs=0.1)
    assert integrated_loudness(tone[:1], 48000) == pytest.approx(-23.0 - 3.01, abs=0.1)


TECH_3341 = {  # peak level in dBFS and seconds of each part, and what a meter has to read
    1: ([(-23.0, 20.0)], -23.0),
    2: ([(-33.0, 20.0)], -33.0),
    3: ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
    4: ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
    5: ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
}


@pytest.mark.parametrize(("case", "rate"), [(1, 44100), (1, 96000), *((case, 48000) for case in TECH_3341)])
def test_loudness_meets_the_minimum_requirements_of_ebu_tech_3341(case, rate):
    parts, expected = TECH_3341[case]
    audio = torch.cat([sine(1000.0, db_to_gain(level), seconds, rate=rate) for level, seconds in parts], dim=-1)
    assert integrated_loudness(audio, rate) == pytest.approx(expected, abs=0.1)


def test_the_weighting_is_that_of_the_table_in_bs_1770():
    """Annex 1, tables 1 and 2 (48 kHz). The table's high-pass ends at +0.043 dB, ours at 0 dB."""
    for rate in (44100, 48000, 96000):
        response = k_response(rate).numpy()
        hz = np.linspace(0, rate / 2, len(response))
        heard = (hz >= 20.0) & (hz <= 20000.0)
        shelf = freqz([1.53512485958697, -2.69169618940638, 1.19839281085285],
                      [1.0, -1.69065929318241, 0.73248077421585], hz[heard], fs=48000)[1]  # fmt: skip
        high_pass = freqz([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621], hz[heard], fs=48000)[1]
        difference_db = 20 * np.log10(np.abs(response[heard]) / np.abs(shelf * high_pass))
        assert np.abs(difference_db).max() < 0.05


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.4])
def test_loudness_of_a_short_clip_and_of_silence(seconds):
    assert integrated_loudness(sine(1000.0, 0.1, seconds)) == pytest.approx(-20.0, abs=0.7)
    assert integrated_loudness(torch.zeros(2, int(seconds * RATE))) == -math.inf
    assert integrated_loudness(sine(1000.0, 1e-5, 1.0)) == -math.inf


def test_true_peak_finds_what_lies_between_the_samples():
    between = sine(RATE / 4, 1.0, 0.5, phase=math.pi / 4)
    assert float(between.abs().max()) == pytest.approx(math.sqrt(0.5), abs=1e-3)
    inner = torch.nn.functional.pad(between, (100, 100)) * torch.hann_window(between.shape[-1] + 200)
    assert true_peak_db(inner) == pytest.approx(0.0, abs=0.1)
    assert true_peak_db(sine(100.0, 0.5, 0.5)) == pytest.approx(-6.02, abs=0.05)
    assert true_peak_db(torch.zeros(2, 100)) == -math.inf


def test_true_peak_does_not_depend_on_the_chunks(monkeypatch):
    audio = music(seconds=1.0)
    whole = true_peak_db(audio)
    monkeypatch.setattr("megami.audio.loudness.CHUNK", 1000)
    assert true_peak_db(audio) == whole


@pytest.mark.parametrize("gain", [0.003, 0.3, 30.0])
@pytest.mark.parametrize(("target", "crest"), [(-16.0, 0.5), (-16.0, 3.0), (-11.0, 0.7)])
def test_master_reaches_loudness_below_the_ceiling(gain, target, crest):
    out = master(gain * music(crest=crest), RATE, target)
    assert integrated_loudness(out) == pytest.approx(target, abs=0.3)
    padded = torch.nn.functional.pad(out, (1000, 1000)).double().numpy()
    fine = resample(padded, 8 * padded.shape[-1], axis=-1)
    assert 20 * math.log10(np.abs(fine).max()) <= -1.0


def test_master_keeps_the_ceiling_where_the_loudness_is_out_of_reach():
    clicks = torch.zeros(2, 6 * RATE)
    clicks[:, :: RATE // 2] = 1.0
    out = master(clicks, RATE, -10.0)
    assert true_peak_db(out) <= -1.0
    assert integrated_loudness(out) < -20.0
    assert torch.isfinite(out).all()


def test_a_single_click_does_not_keep_a_song_quiet():
    song = 0.1 * music(crest=0.2)
    song[:, RATE] = 1.0
    out = master(song, RATE, -16.0)
    assert integrated_loudness(out) == pytest.approx(-16.0, abs=0.3)
    assert true_peak_db(out) <= -1.0


def test_master_only_changes_the_gain_where_no_limiting_is_needed():
    audio = sine(300.0, 0.01, 2.0) + 0.3 * sine(3000.0, 0.01, 2.0)
    out = master(audio, RATE, -20.0)
    assert torch.allclose(out / out.abs().max(), audio / audio.abs().max(), atol=1e-5)


def test_limiting_keeps_the_stereo_balance():
    audio = music(crest=3.0)
    audio[1] *= 0.5
    out = master(audio, RATE, -11.0)
    assert torch.allclose(out[0] * audio[1], out[1] * audio[0], atol=1e-5)


def test_master_of_silence_of_very_short_audio_and_at_other_rates():
    assert not master(torch.zeros(2, 1000), RATE).any()
    short = master(sine(500.0, 0.3, 0.1), RATE)
    assert short.shape == (2, 4410) and torch.isfinite(short).all()
    for rate in (8000, 192000):
        out = master(music(seconds=2.0, rate=rate), rate)
        assert integrated_loudness(out, rate) == pytest.approx(-16.0, abs=0.5)
        assert true_peak_db(out, rate) <= -1.0
    mono = master(music()[:1], RATE)
    assert mono.shape[0] == 1 and integrated_loudness(mono) == pytest.approx(-16.0, abs=0.3)
