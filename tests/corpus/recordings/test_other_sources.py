"""Songs of mirdata and of the studio, by the same interface."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from megami.audio import SAMPLE_RATE, Multitrack, write_audio
from megami.corpus.recordings import open_recordings, read_track, split_of
from megami.corpus.recordings.studio_songs import studio_recordings
from megami.errors import UserError
from megami.studio import Song


def fake_mirdata(root, monkeypatch, **methods):
    """Stand in for the package, with attributes as its loaders document them."""
    dataset = SimpleNamespace(**methods)
    called = []
    module = SimpleNamespace(initialize=lambda name, data_home: called.append((name, data_home)) or dataset)
    monkeypatch.setitem(sys.modules, "mirdata", module)
    return called


def test_guitarset_is_dry_tracks_by_player(tmp_path, monkeypatch):
    write_audio(tmp_path / "00.wav", torch.zeros(1, 100))
    tracks = {
        f"0{number}_Jazz": SimpleNamespace(
            audio_mic_path=str(tmp_path / f"0{number}.wav"), player_id="00", style="Jazz"
        )
        for number in (1, 0)
    }
    called = fake_mirdata(tmp_path, monkeypatch, load_tracks=lambda: tracks)
    songs = open_recordings(tmp_path, "mirdata:guitarset").songs()
    assert called == [("guitarset", str(tmp_path))]
    assert [song.name for song in songs] == ["00_Jazz", "01_Jazz"]
    assert songs[0].dry[0].instrument == "acoustic guitar" and songs[0].artist == "player 00"
    assert songs[1].dry == () and songs[1].missing == (tmp_path / "01.wav",)


def test_slakh_is_wet_stems_with_its_published_split(tmp_path, monkeypatch):
    for name in ("S00", "S01", "mix"):
        write_audio(tmp_path / f"{name}.flac", torch.zeros(1, 100))
    stems = {
        "a": SimpleNamespace(audio_path=str(tmp_path / "S00.flac"), instrument="Piano"),
        "b": SimpleNamespace(audio_path=str(tmp_path / "S01.flac"), instrument="Piano"),
        "c": SimpleNamespace(audio_path=None, instrument="Sound Effects"),
    }
    mix = str(tmp_path / "mix.flac")
    multitracks = {
        "Track1": SimpleNamespace(split="validation", tracks=stems, mix_path=mix),
        "Track2": SimpleNamespace(split="omitted", tracks=stems, mix_path=mix),
    }
    fake_mirdata(tmp_path, monkeypatch, load_multitracks=lambda: multitracks)
    (song,) = open_recordings(tmp_path, "mirdata:slakh").songs()
    assert [(track.name, track.instrument) for track in song.wet] == [("Piano 1", "Piano"), ("Piano 2", "Piano")]
    assert split_of(song, 0) == "validation" and song.mix == tmp_path / "mix.flac"


def test_mirdata_is_named_where_it_is_absent_or_lacks_its_index(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(UserError, match="pip install mirdata"):
        open_recordings(tmp_path, "mirdata:slakh")
    with pytest.raises(UserError, match="guitarset, slakh are read"):
        open_recordings(tmp_path, "mirdata:beatles")

    def no_index():
        raise FileNotFoundError("no index")

    fake_mirdata(tmp_path, monkeypatch, load_tracks=no_index)
    with pytest.raises(UserError, match="see that its index is there"):
        open_recordings(tmp_path, "mirdata:guitarset")


def test_studio_songs_become_pairs_with_an_engineers_mix(tmp_path):
    t = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    audio = torch.stack([0.3 * torch.sin(2 * torch.pi * f * t) * torch.exp(-3 * t) for f in (90.0, 330.0)])[:, None]
    dry = Multitrack(("low", "high"), audio, SAMPLE_RATE)
    song = Song(dry, ("bass", "chords"), ("electric bass", "piano"), "pop", 5)
    songs = [("train_0000", song), ("test_0000", song), ("extra_0000", song)]
    recordings = studio_recordings(tmp_path, songs, seed=1)
    read = {one.name: one for one in recordings.songs()}
    assert recordings.name == "studio" and {one.dataset for one in read.values()} == {"studio"}
    assert [split_of(read[name], 0) for name, _ in songs] == ["train", "test", "train"]
    one = read["train_0000"]
    assert one.paired and [track.instrument for track in one.wet] == ["piano", "electric bass"]
    assert torch.allclose(read_track(one.dry[1]), audio[0], atol=1e-6)
    assert torch.allclose(sum(read_track(track) for track in one.wet), read_track(one.mix), atol=1e-5)
    before = one.mix.stat().st_mtime_ns
    assert open_recordings(tmp_path).songs() == studio_recordings(tmp_path, songs, seed=1).songs()
    assert one.mix.stat().st_mtime_ns == before  # what is there is kept
