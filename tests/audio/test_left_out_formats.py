"""Formats and names that were passed over without a word: read now, or named with what would help."""

from __future__ import annotations

import builtins
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pytest
from odd_files import RATE, clicks, lag, read_and_warned, tone, wav_bytes, write

from megami.audio import kinds, read_audio, read_multitrack
from megami.errors import UserError

needs_pyav = pytest.mark.skipif(find_spec("av") is None, reason="PyAV is not installed")


@pytest.fixture
def no_pyav(monkeypatch):
    """As if PyAV were not installed."""
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "av":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(kinds, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("name", "file_format", "subtype"),
    [
        ("a.caf", "CAF", "PCM_24"),
        ("a.w64", "W64", "PCM_24"),
        ("a.rf64", "RF64", "PCM_24"),
        ("a.au", "AU", "PCM_24"),
        ("a.SND", "AU", "PCM_24"),
        ("a.bwf", "WAV", "PCM_24"),
        ("a.WAV", "WAV", "PCM_24"),
        ("a.wav ", "WAV", "PCM_24"),
        ("a", "WAV", "PCM_24"),
        ("a", "FLAC", "PCM_24"),
        ("a", "AIFF", "PCM_24"),
        ("a", "CAF", "PCM_24"),
        ("a", "W64", "PCM_24"),
    ],
)
def test_every_format_that_libsndfile_reads_is_read_in_silence(tmp_path, name, file_format, subtype):
    write(tmp_path / name, format=file_format, subtype=subtype)
    song, lines = read_and_warned(tmp_path)
    assert song.names == ("a",) and lines == []
    assert np.allclose(song.audio[0, 0], tone(), atol=1e-6)


def test_an_mp3_without_ending_and_a_name_with_dots(tmp_path):
    write(tmp_path / "lossy", format="MP3")
    write(tmp_path / "feat. Ann, take 1.2", format="WAV")
    assert read_and_warned(tmp_path)[0].names == ("feat. Ann, take 1.2", "lossy")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("guitar.m4a", b"\0\0\0\x20ftypM4A ", "megami[formats]"),
        ("flute.WMA", b"\x30\x26\xb2\x75", "megami[formats]"),
        ("film.mp4", b"\0\0\0\x20ftypisom", "convert it"),
        ("Snare Top.wav.crdownload", b"RIFF", "let the download finish"),
        ("Snare Top.wav.part", b"RIFF", "let the download finish"),
        (".vocals.wav.icloud", b"bplist", "cloud"),
        ("more.zip", b"PK", "unpack"),
        ("vocals.wav.bak", wav_bytes(tone(0.1)), "rename"),
    ],
)
def test_what_may_be_meant_as_a_track_is_named(tmp_path, no_pyav, name, content, words):
    write(tmp_path / "bass.wav")
    (tmp_path / name).write_bytes(content)
    song, lines = read_and_warned(tmp_path)
    assert song.names == ("bass",) and len(lines) == 1
    assert name.removesuffix(".icloud").lstrip(".") in lines[0] and "left out" in lines[0] and words in lines[0]


def test_nothing_is_said_of_what_has_nothing_to_do_with_audio(tmp_path):
    write(tmp_path / "bass.wav")
    for name in (
        "desktop.ini",
        "session.txt",
        "Song.rpp",
        "bass.wav.asd",
        "cover.jpg",
        ".DS_Store",
        "Thumbs.db",
        "LICENSE",
    ):
        (tmp_path / name).write_bytes(b"words of no sound")
    write(tmp_path / "__MACOSX" / "._bass.wav")
    write(tmp_path / ".Trash-1000" / "old.wav")
    (tmp_path / "notes").mkdir()
    assert read_and_warned(tmp_path)[1] == []


def test_audio_in_sub_folders_is_named(tmp_path):
    write(tmp_path / "bass.wav")
    write(tmp_path / "FX" / "riser.wav")
    for number in range(5):
        write(tmp_path / "Old takes" / "deep" / f"{number}.wav", tone(0.1))
    lines = read_and_warned(tmp_path)[1]
    assert len(lines) == 2 and "FX/riser.wav" in lines[0] and "1 audio file " in lines[0]
    assert "Old takes/" in lines[1] and "5 audio files" in lines[1] and lines[1].endswith("...)")


def test_mixes_that_were_made_here_are_no_tracks(tmp_path):
    write(tmp_path / "bass.wav")
    write(tmp_path / "mixes" / "mix_1.wav")
    (tmp_path / "mixes" / "mixes.json").write_text("{}")
    assert read_and_warned(tmp_path)[1] == []


def test_without_pyav_one_line_says_how(tmp_path, no_pyav):
    (tmp_path / "guitar.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    for source in (tmp_path, tmp_path / "guitar.m4a", [tmp_path / "guitar.m4a"]):
        with pytest.raises(UserError, match=r"guitar\.m4a.*megami\[formats\]") as caught:
            read_multitrack(source)
        assert "\n" not in str(caught.value)


def encode(path, samples, container: str, codec: str, start: int | None = 0) -> None:
    """Write one channel at 44.1 kHz; without a start, a container does not learn the encoder's delay."""
    import av

    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE, layout="mono")
        stream.bit_rate = 128_000
        stream.format = stream.codec.audio_formats[0]
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1024
        planes = av.AudioResampler(format=stream.format, layout="mono", rate=RATE, frame_size=size)
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        for part in (*planes.resample(frame), *planes.resample(None)):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


@needs_pyav
@pytest.mark.parametrize(
    ("name", "container", "codec", "named"),
    [
        ("a.m4a", "ipod", "aac", False),
        ("a.m4a", "ipod", "alac", False),
        ("a.aac", "adts", "aac", True),
        ("a.wma", "asf", "wmav2", True),
        ("a.wv", "wv", "wavpack", False),
    ],
)
def test_pyav_reads_the_others(tmp_path, name, container, codec, named):
    encode(tmp_path / name, clicks(), container, codec)
    write(tmp_path / "wav.wav", clicks())
    song, lines = read_and_warned(tmp_path)
    audio = song.audio[:, 0].numpy()
    assert song.names == ("a", "wav") and np.corrcoef(np.abs(np.fft.rfft(audio)))[0, 1] > 0.9
    assert [line.split(":")[0] for line in lines] == ([name] if named else [])
    if not named:
        assert abs(lag(audio[0], audio[1])) < 0.001 * RATE


@needs_pyav
def test_an_m4a_that_does_not_state_its_delay_is_named(tmp_path):
    encode(tmp_path / "a.m4a", clicks(), "ipod", "aac", start=None)
    lines = read_and_warned(tmp_path)[1]
    assert len(lines) == 1 and lines[0].startswith("a.m4a: does not state the delay")


@needs_pyav
def test_a_damaged_file_is_named_by_pyav_too(tmp_path):
    (tmp_path / "flute.wma").write_bytes(bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(300))
    (tmp_path / "guitar.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(300))
    for name in ("flute.wma", "guitar.m4a"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")) as caught:
            read_audio(tmp_path / name)
        assert "\n" not in str(caught.value)
