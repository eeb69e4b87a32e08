"""Reading and writing: round trips, whole songs, and one clear line for everything that is wrong with a file."""

from __future__ import annotations

import os

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import Multitrack, read_audio, read_multitrack, write_audio
from megami.errors import UserError

RATE = 44100


def tone(samples: int = 4410, channels: int = 1, frequency_hz: float = 440.0, rate: int = RATE) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def noise(samples: int = 44100, channels: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal((samples, channels))).astype(np.float32)


def refused(call, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_U8", 1e-2),
        ("wav", "PCM_16", 1e-4),
        ("wav", "PCM_24", 1e-6),
        ("wav", "PCM_32", 1e-6),
        ("wav", "FLOAT", 0.0),
        ("wav", "DOUBLE", 0.0),
        ("flac", "PCM_16", 1e-4),
        ("flac", "PCM_24", 1e-6),
        ("aiff", "PCM_16", 1e-4),
        ("ogg", "VORBIS", 0.05),
        ("mp3", "MPEG_LAYER_III", 0.05),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_read(tmp_path, suffix, subtype, tolerance, channels):
    path, wave = tmp_path / f"a.{suffix}", tone(channels=channels)
    soundfile.write(path, wave, RATE, subtype=subtype)
    audio, rate = read_audio(path)
    assert rate == RATE and audio.dtype == torch.float32 and audio.shape == (channels, 4410)
    middle = slice(1000, 3000)
    assert np.abs(audio.numpy().T - wave)[middle].max() <= tolerance


@pytest.mark.parametrize(("name", "subtype"), [("a.wav", "PCM_24"), ("a.flac", "PCM_24"), ("a.WAV", "FLOAT")])
def test_what_is_written_is_read_again_and_nothing_else_is_left(tmp_path, name, subtype):
    audio = torch.from_numpy(noise().T.copy())
    path = write_audio(tmp_path / "new" / "folder" / name, audio, RATE, subtype)
    again, rate = read_audio(path)
    assert rate == RATE and torch.allclose(again, audio, atol=1e-6)
    assert os.listdir(path.parent) == [name]


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    audio = torch.zeros(2, 100)
    assert "can only write .wav or .flac" in refused(write_audio, tmp_path / "a.mp3", audio)
    assert "no subtype 'FLOAT'" in refused(write_audio, tmp_path / "a.flac", audio, RATE, "FLOAT")
    assert "NaN or infinite" in refused(write_audio, tmp_path / "a.wav", audio / 0.0)
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refused(write_audio, tmp_path / "file" / "a.wav", audio)
    (tmp_path / "taken.wav").mkdir()
    assert "cannot be written" in refused(write_audio, tmp_path / "taken.wav", audio)
    assert sorted(os.listdir(tmp_path)) == ["file", "taken.wav"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser can write anywhere")
def test_an_unwritable_folder_is_named(tmp_path):
    tmp_path.chmod(0o500)
    assert "cannot be written" in refused(write_audio, tmp_path / "a.wav", torch.zeros(2, 100))
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("suffix", "file_format", "subtype"),
    [
        ("wav", "WAV", "PCM_16"),
        ("wav", "WAV", "PCM_24"),
        ("wav", "WAVEX", "PCM_24"),
        ("wav", "RF64", "PCM_16"),
        ("wav", "WAV", "FLOAT"),
        ("flac", "FLAC", "PCM_16"),
        ("aiff", "AIFF", "PCM_24"),
        ("ogg", "OGG", "VORBIS"),
        ("mp3", "MP3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_file_that_is_cut_off_is_refused(tmp_path, suffix, file_format, subtype, share):
    path = tmp_path / f"cut.{suffix}"
    soundfile.write(path, noise(), RATE, subtype=subtype, format=file_format)
    content = path.read_bytes()
    assert read_audio(path)[0].shape == (2, 44100)
    path.write_bytes(content[: int(share * len(content))])
    message = refused(read_audio, path)
    assert "cut" in message and "cut.wav"[:3] in message


def test_a_wav_written_to_a_pipe_is_read(tmp_path):
    path = tmp_path / "piped.wav"
    soundfile.write(path, noise(), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.find(b"data")
    content[4:8] = content[place + 4 : place + 8] = b"\xff" * 4
    path.write_bytes(content)
    assert read_audio(path)[0].shape == (2, 44100)


def test_bad_files_are_named_in_one_line(tmp_path):
    (tmp_path / "zero.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not audio\n" * 100)
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 1)), RATE)
    for name, value in (("nan.wav", np.nan), ("inf.wav", np.inf)):
        wave = tone()
        wave[100] = value
        soundfile.write(tmp_path / name, wave, RATE, subtype="FLOAT")
    expected = {
        "zero.wav": "empty",
        "text.wav": "not an audio file",
        "none.wav": "no samples",
        "nan.wav": "NaN",
        "inf.wav": "infinite",
        "absent.wav": "no such file",
    }
    for name, words in expected.items():
        message = refused(read_audio, tmp_path / name)
        assert words in message and name in message
    assert "folder" in refused(read_audio, tmp_path)


def test_a_folder_is_read_sorted_resampled_padded_and_without_what_is_not_audio(tmp_path):
    soundfile.write(tmp_path / "b.wav", tone(8000, rate=8000), 8000)
    soundfile.write(tmp_path / "a.flac", tone(4410), RATE)
    soundfile.write(tmp_path / "c.AIFF", tone(96000, rate=192000), 192000, format="AIFF")
    (tmp_path / "._a.wav").write_bytes(b"rubbish")
    (tmp_path / ".hidden.wav").write_bytes(b"rubbish")
    (tmp_path / "README.md").write_text("words")
    (tmp_path / "folder.wav").mkdir()
    song = read_multitrack(tmp_path)
    assert song.names == ("a", "b", "c") and song.sample_rate == RATE
    assert song.audio.shape == (3, 1, RATE) and song.seconds == 1.0
    assert not song.audio[0, 0, 4410:].any() and song.audio[0, 0, :4410].any()
    expected = torch.from_numpy(tone(RATE).T.copy())
    for track in song.audio[1:]:
        assert torch.allclose(track[:, 2000:20000], expected[:, 2000:20000], atol=2e-3)


def test_lists_dicts_arrays_and_single_files_are_read(tmp_path):
    soundfile.write(tmp_path / "b.wav", tone(), RATE)
    soundfile.write(tmp_path / "a.wav", tone(channels=2), RATE)
    listed = read_multitrack([tmp_path / "b.wav", str(tmp_path / "a.wav")])
    assert listed.names == ("a", "b") and listed.audio.shape == (2, 2, 4410)
    assert torch.equal(listed.audio[1, 0], listed.audio[1, 1])
    named = read_multitrack({"z": tmp_path / "b.wav", "y": np.ones(10), "x": torch.ones(1, 20)})
    assert named.names == ("x", "y", "z") and named.audio.shape == (3, 1, 4410)
    assert read_multitrack(tmp_path / "b.wav").num_tracks == 1
    other = read_multitrack(tmp_path, sample_rate=22050)
    assert other.sample_rate == 22050 and other.num_samples == 2205


def test_songs_that_cannot_be_read_are_refused(tmp_path):
    assert "no such folder" in refused(read_multitrack, tmp_path / "nowhere")
    assert "empty folder" in refused(read_multitrack, tmp_path)
    (tmp_path / "notes.txt").write_text("words")
    message = refused(read_multitrack, tmp_path)
    assert "no audio files" in message and ".wav" in message and ".mp3" in message
    soundfile.write(tmp_path / "drums.wav", tone(), RATE)
    soundfile.write(tmp_path / "drums.flac", tone(), RATE)
    assert "'drums'" in refused(read_multitrack, tmp_path)
    soundfile.write(tmp_path / "surround.wav", tone(channels=6), RATE)
    assert "6 channels" in refused(read_multitrack, [tmp_path / "surround.wav"])
    assert "no tracks" in refused(read_multitrack, [])
    assert "no tracks" in refused(read_multitrack, {})
    assert "NaN" in refused(read_multitrack, {"a": torch.full((1, 5), float("nan"))})
    assert "at least one sample" in refused(read_multitrack, {"a": torch.zeros(1, 0)})
    assert "folder, a list" in refused(read_multitrack, 5)


def test_multitrack_sums_selects_and_folds_to_mono():
    audio = torch.randn(3, 2, 50, generator=torch.Generator().manual_seed(0))
    song = Multitrack(("a", "b", "c"), audio, RATE)
    assert torch.allclose(song.sum(), audio.sum(dim=0))
    assert torch.allclose(song.mono(), audio.mean(dim=1, keepdim=True))
    chosen = song.select([2, 0])
    assert chosen.names == ("c", "a") and torch.equal(chosen.audio, audio[[2, 0]])
    mono = Multitrack(("a",), audio[:1, :1], RATE)
    assert mono.sum().shape == (2, 50) and torch.equal(mono.sum()[0], mono.sum()[1])


@pytest.mark.parametrize(
    ("names", "shape", "words"),
    [
        ((), (0, 1, 10), "at least one track"),
        (("a",), (1, 1, 0), "one sample"),
        (("a",), (1, 3, 10), "channels"),
        (("a", "a"), (2, 1, 10), "'a'"),
        (("a",), (2, 1, 10), "1 names for 2"),
        (("a", " "), (2, 1, 10), "not empty"),
    ],
)
def test_impossible_multitracks_are_refused(names, shape, words):
    assert words in refused(Multitrack, names, torch.zeros(shape), RATE)


def test_forty_short_tracks_are_one_song():
    song = read_multitrack({f"track {index:02d}": np.zeros(22050) for index in range(40)})
    assert song.num_tracks == 40 and song.seconds == 0.5
