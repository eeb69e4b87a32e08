"""The song's own sample rate comes out, and its mixes are aligned with it sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import Multitrack, integrated_loudness, read_audio, read_multitrack, true_peak_db
from megami.mixing.mixer import Mixer


@pytest.fixture(scope="module")
def mixer(tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, "cpu")


def notes(rate: int, samples: int) -> torch.Tensor:
    time = torch.arange(samples) / rate
    return 0.2 * torch.sin(2 * torch.pi * 440 * time) * torch.exp(-8 * (time % 0.25))


@pytest.mark.parametrize(("rate", "samples"), [(48000, 48001), (96000, 90_000), (32000, 31_999), (8000, 8000)])
def test_mixes_have_the_rate_and_the_length_of_the_song(mixer, tmp_path, rate, samples):
    song = Multitrack(("lead",), notes(rate, samples)[None, None], rate)
    (mix,) = mixer.mix(song, steps=1, loudness_lufs=-26.0)
    assert mix.sample_rate == rate and mix.audio.shape == (2, samples) and mix.tracks.shape == (1, 2, samples)
    assert integrated_loudness(mix.audio, rate) == pytest.approx(-26.0, abs=0.3)
    assert true_peak_db(mix.audio, rate) <= -1.0
    assert read_audio(mix.save(tmp_path / "mix.wav"))[1] == rate


def test_what_is_converted_there_and_back_is_where_it_was(mixer, monkeypatch):
    """With a processor that does nothing, an impulse stays at its sample."""
    audio = torch.zeros(1, 1, 48_000)
    audio[..., 20_001] = 0.9
    song = Multitrack(("click",), audio, 48_000)
    monkeypatch.setattr(Mixer, "process", lambda self, dry, *_: dry.audio.expand(-1, 2, -1).clone())
    (mix,) = mixer.mix(song, steps=1, loudness_lufs=-40.0)
    assert mix.tracks[0].abs().argmax(dim=-1).tolist() == [20_001, 20_001]
    around = mix.tracks[0, 0, 19_990:20_013]
    torch.testing.assert_close(around, around.flip(0), rtol=0, atol=0.02 * float(around.max()))


def test_a_song_too_low_for_a_mix_comes_out_at_44100(mixer):
    (mix,) = mixer.mix(Multitrack(("low",), notes(4000, 4000)[None, None], 4000), steps=1)
    assert mix.sample_rate == 44100 and mix.audio.shape == (2, 44100)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [((48000, 48000), 48000), ((48000, 44100, 48000), 48000), ((96000, 44100), 44100), ((96000, 48000), 96000)],
)
def test_a_song_is_read_at_the_rate_of_most_of_its_files(tmp_path, rates, expected):
    for number, rate in enumerate(rates):
        soundfile.write(tmp_path / f"{number}.wav", notes(rate, rate).numpy().astype(np.float32), rate, subtype="FLOAT")
    song = read_multitrack(tmp_path)
    assert song.sample_rate == expected and song.audio.shape == (len(rates), 1, expected)
    kept = rates.index(expected)
    assert torch.equal(song.audio[kept, 0], notes(expected, expected))
    assert read_multitrack(tmp_path, 44100).sample_rate == 44100
    assert read_multitrack({"array": np.ones(100, np.float32)}).sample_rate == 44100
