"""WAVs of recorders that lost power: the header was written at the start, or once a while."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from odd_files import RATE, read_and_warned, tone, wav_bytes

from megami.audio import read_audio
from megami.errors import SongWarning, UserError

SECONDS = 3.0


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("stated", "words"), [(RATE, "says 0.5 s"), (0, "says 0.0 s")])
def test_all_audio_that_is_there_is_read_and_named(tmp_path, extensible, stated, words):
    (tmp_path / "take.wav").write_bytes(wav_bytes(tone(SECONDS), stated=stated, extensible=extensible))
    (tmp_path / "whole.wav").write_bytes(wav_bytes(tone(SECONDS), extensible=extensible))
    song, lines = read_and_warned(tmp_path)
    assert song.seconds == SECONDS and np.array_equal(song.audio[0], song.audio[1])
    assert len(lines) == 1 and "take.wav" in lines[0] and words in lines[0] and "3.0 s of audio" in lines[0]


def test_reading_one_file_warns_too(tmp_path):
    (tmp_path / "take.wav").write_bytes(wav_bytes(tone(SECONDS), stated=0))
    with pytest.warns(SongWarning, match="take.wav"):
        assert read_audio(tmp_path / "take.wav")[0].shape == (1, 3 * RATE)


def test_a_last_sample_cut_in_half_is_left_out(tmp_path):
    (tmp_path / "take.wav").write_bytes(wav_bytes(tone(SECONDS), stated=RATE)[:-1])
    assert read_and_warned(tmp_path)[0].num_samples == 3 * RATE - 1


@pytest.mark.parametrize(
    "after", [b"", b"LIST" + (4).to_bytes(4, "little") + b"INFO", b"TAG" + bytes(125), bytes(200_000), b"\0"]
)
def test_what_follows_whole_audio_is_no_audio(tmp_path, after):
    (tmp_path / "whole.wav").write_bytes(wav_bytes(tone(1.0)) + after)
    song, lines = read_and_warned(tmp_path)
    assert song.num_samples == RATE and lines == []


def test_no_samples_is_said_where_there_are_none(tmp_path):
    (tmp_path / "none.wav").write_bytes(wav_bytes(tone(0.0)))
    with pytest.raises(UserError, match=r"none.wav: has no samples"):
        read_audio(tmp_path / "none.wav")
    (tmp_path / "chunk.wav").write_bytes(wav_bytes(tone(0.0)) + b"LIST" + (40).to_bytes(4, "little") + bytes(40))
    with pytest.raises(UserError, match=r"chunk.wav: has no samples"):
        read_audio(tmp_path / "chunk.wav")


def test_chunks_before_the_audio_are_passed_over(tmp_path):
    content = wav_bytes(tone(1.0), time_reference=5)
    (tmp_path / "take.wav").write_bytes(content)
    assert soundfile.info(tmp_path / "take.wav").frames == RATE
    assert read_and_warned(tmp_path)[1] == []
