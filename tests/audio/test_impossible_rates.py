"""Sample rates and lengths that come of one wrong bit in a header are refused at once, in one line."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import Multitrack, read_audio, read_multitrack
from megami.errors import UserError

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 3000)


def wav_of_rate(path, rate: int):
    """A WAV whose header states a rate."""
    soundfile.write(path, NOISE, 44100)
    content = bytearray(path.read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(content)
    return path


def refused(path, *words: str) -> None:
    for read in (read_audio, lambda file: read_multitrack([file])):
        with pytest.raises(UserError) as caught:
            read(path)
        assert len(str(caught.value).splitlines()) == 1
        for word in (path.name, *words):
            assert word in str(caught.value)


@pytest.mark.parametrize("rate", [1, 10, 1999, 768_001, 44100 | 1 << 24, 2**31 - 1])
def test_rates_that_no_recording_has(tmp_path, rate):
    refused(wav_of_rate(tmp_path / "bass.wav", rate), f"{rate:,} Hz", "768,000 Hz", "header may be damaged")


@pytest.mark.parametrize("rate", [2000, 768_000])
def test_rates_at_the_ends_are_read(tmp_path, rate):
    audio, found = read_audio(wav_of_rate(tmp_path / "bass.wav", rate))
    assert found == rate and audio.shape == (1, 3000)


def test_a_wav_of_more_than_a_day(tmp_path):
    """The file has all the samples that it states, in a hole of the disk."""
    path = wav_of_rate(tmp_path / "rain.wav", 2000)
    soundfile.write(path, np.zeros(10), 2000, subtype="PCM_U8")
    size = 24 * 3600 * 2000 + 2000 * 1800
    header = bytearray(path.read_bytes()[:44])
    header[4:8], header[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(44 + size)
    refused(path, "hours", "at most 24")


def test_a_flac_that_states_days(tmp_path):
    """36 bits of its first block say how many samples it has; the highest of them is wrong."""
    path = tmp_path / "voice.flac"
    soundfile.write(path, NOISE, 44100)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F
    path.write_bytes(content)
    refused(path, "at most 24")


def test_a_song_of_arrays_has_a_rate_that_can_be(tmp_path):
    for rate in (0, -1, 1, 16_821_316):
        with pytest.raises(UserError, match="sample rate"):
            Multitrack(("a",), torch.zeros(1, 1, 100), rate)
