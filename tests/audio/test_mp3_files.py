"""MP3 files whose tag was cut off: read to their end, in step with other files, and named."""

from __future__ import annotations

import numpy as np
import pytest
from odd_files import RATE, clicks, lag, mp3_without_tag, read_and_warned, tone, write

from megami.audio.mp3 import ENCODER_DELAY, read_mp3_stream


def swelling(loud_first: bool) -> np.ndarray:
    """A tone, with noise in its first or last second: frames of different sizes."""
    noise = np.random.default_rng(0).standard_normal(4 * RATE) * 0.2
    time = np.arange(4 * RATE) / RATE
    return (0.2 * np.sin(2 * np.pi * 220 * time) + noise * ((time < 1) == loud_first)).astype(np.float32)


@pytest.mark.parametrize("loud_first", [True, False])
def test_a_vbr_file_without_tag_is_read_to_its_end(tmp_path, loud_first):
    frames = mp3_without_tag(tmp_path / "pad.mp3", swelling(loud_first), "VARIABLE")
    song, lines = read_and_warned(tmp_path)
    assert song.num_samples == pytest.approx(frames * 1152, abs=1152)
    late = song.audio[0, 0, round(3.5 * RATE) : round(3.9 * RATE)].numpy()
    spectrum = np.abs(np.fft.rfft(late * np.hanning(len(late))))
    assert np.argmax(spectrum) * RATE / len(late) == pytest.approx(220, abs=3)
    assert len(lines) == 1 and lines[0].startswith("pad.mp3: does not state the delay")


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_a_file_without_tag_is_in_step_with_a_wav(tmp_path, mode):
    write(tmp_path / "wav.wav", clicks())
    mp3_without_tag(tmp_path / "lossy.mp3", clicks(), mode)
    song, lines = read_and_warned(tmp_path)
    assert abs(lag(song.audio[0, 0].numpy(), song.audio[1, 0].numpy())) < 0.001 * RATE
    assert len(lines) == 1 and lines[0].startswith("lossy.mp3: ") and "out of step" in lines[0]


def test_a_file_with_tag_is_read_in_silence(tmp_path):
    write(tmp_path / "wav.wav", clicks())
    write(tmp_path / "lossy.mp3", clicks(), format="MP3", bitrate_mode="VARIABLE")
    song, lines = read_and_warned(tmp_path)
    assert lines == [] and lag(song.audio[0, 0].numpy(), song.audio[1, 0].numpy()) == 0


def test_two_files_in_one_are_read_to_the_end(tmp_path):
    """The tag of the first counts the frames of the first."""
    path = write(tmp_path / "both.mp3", tone(1.0), format="MP3", bitrate_mode="VARIABLE")
    path.write_bytes(path.read_bytes() * 2)
    song, lines = read_and_warned(tmp_path)
    assert song.seconds > 2.0 and song.audio[0, 0, round(1.7 * RATE) :].abs().max() > 0.1
    assert len(lines) == 1 and "both.mp3: its tag says 1.0 s, but 2.1 s lie in the file" in lines[0]
    one, _ = read_and_warned(write(tmp_path / "one.mp3", tone(1.0), format="MP3", bitrate_mode="VARIABLE"))
    assert abs(lag(song.audio[0, 0, :20000].numpy(), one.audio[0, 0, :20000].numpy())) < 0.001 * RATE


def test_fraunhofers_tag_is_no_sound(tmp_path):
    """It is a frame too, which libsndfile would decode."""
    write(tmp_path / "wav.wav", clicks())
    frames = mp3_without_tag(tmp_path / "lossy.mp3", clicks(), "VARIABLE")
    content = (tmp_path / "lossy.mp3").read_bytes()
    tag = content[:2] + bytes([9 << 4]) + content[3:4] + bytes(32) + b"VBRI"
    (tmp_path / "lossy.mp3").write_bytes(tag.ljust(144 * 128_000 // RATE, b"\0") + content)
    assert read_mp3_stream(tmp_path / "lossy.mp3").frames == frames
    song, lines = read_and_warned(tmp_path)
    assert abs(lag(song.audio[0, 0].numpy(), song.audio[1, 0].numpy())) < 0.001 * RATE and len(lines) == 1


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 32000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_frames_are_counted_at_every_rate_and_between_tags(tmp_path, rate, channels):
    samples = np.repeat(tone(1.0, rate=rate)[:, None], channels, axis=1)
    path = write(tmp_path / "a.mp3", samples, rate, format="MP3", bitrate_mode="VARIABLE", compression_level=0.2)
    stream = read_mp3_stream(path)
    assert stream.frames == stream.stated_frames and stream.delay == ENCODER_DELAY
    id3 = b"ID3\x04\x00\x00" + bytes((0, 0, 7, 0x68)) + bytes(1000)  # the size in sevens of bits
    path.write_bytes(id3 + path.read_bytes() + b"TAG" + bytes(125))
    assert read_mp3_stream(path).frames == stream.frames


def test_what_is_no_mp3_has_no_frames(tmp_path):
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(20000))
    assert read_mp3_stream(tmp_path / "noise.mp3") is None
    (tmp_path / "empty.mp3").write_bytes(b"")
    assert read_mp3_stream(tmp_path / "empty.mp3") is None
