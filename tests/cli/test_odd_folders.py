"""`megami mix` on folders as people have them: what is odd is said once each, and what is refused is one line."""

from __future__ import annotations

import html
import json
import unicodedata

import numpy as np
import pytest
from odd_files import RATE, wav_bytes, write

from megami.audio.folder_layout import MIXES_FILE
from megami.cli.manifest import MANIFEST
from megami.mixing.mixer import Mixer


def test_all_that_is_odd_about_a_folder_is_named_once_everywhere(mix, stems, tmp_path, dry_tracks):
    sides = list(dry_tracks(2, seed=1).values())
    write(stems / "Keys.L.wav", sides[0])
    write(stems / "Keys.R.wav", sides[1])
    write(stems / "Song_MIX.wav", 0.5 * sum(dry_tracks(3).values()))
    (stems / "lost power.wav").write_bytes(wav_bytes(dry_tracks(1, seed=2)["track 00"], stated=0))
    (stems / "take.wav.crdownload").write_bytes(b"RIFF")
    write(stems / "FX" / "riser.wav")
    ran = mix(stems, "--page")
    words = json.loads(ran.done()[-1].read_text(encoding="utf-8"))
    page = (tmp_path / "mixes" / "index.html").read_text(encoding="utf-8")
    assert words["tracks"] == 5 and set(words["mixes"][0]["tracks"]) >= {"Keys", "lost power", "track 00"}
    for name in ("Keys.L.wav", "Song_MIX.wav", "lost power.wav", "take.wav.crdownload", "FX/riser.wav"):
        assert sum(name in line for line in words["warnings"]) == 1
    for line in words["warnings"]:
        assert ran.err.splitlines().count(f"megami: {line}") == 1 and page.count(f"<li>{html.escape(line)}</li>") == 1


def test_all_tracks_are_taken_where_that_is_asked_for(mix, stems, tmp_path, dry_tracks):
    write(stems / "Song_MIX.wav", 0.5 * sum(dry_tracks(3).values()))
    ran = mix(stems, "--use-all")
    words = json.loads(ran.done()[-1].read_text(encoding="utf-8"))
    assert words["tracks"] == 4 and len(words["warnings"]) == 1 and "is mixed with them" in words["warnings"][0]


def test_the_folder_that_holds_the_tracks_is_not_written_into(mix, tmp_path, dry_tracks, snapshot):
    song = tmp_path / "Song"
    for name, samples in dry_tracks(2).items():
        write(song / "Song_STEMS" / f"{name}.wav", samples)
    write(song / "Song_MIX.wav", sum(dry_tracks(2).values()))
    before = snapshot(tmp_path)
    mix(song, "--out", song / "Song_STEMS").refused("holds the stems", "another --out")
    assert snapshot(tmp_path) == before


def test_long_names_are_written_or_refused_at_once(mix, stems, tmp_path, monkeypatch):
    (stems / "track 00.wav").rename(stems / f"{'x' * 250}.wav")
    monkeypatch.setattr(Mixer, "from_pretrained", lambda *options: pytest.fail("weights were loaded first"))
    (stems / "track 01.wav").rename(stems / f"{'y' * 251}.wav")
    mix(stems, "--stems", "--format", "flac").refused("y" * 251, "too long", "rename")
    monkeypatch.undo()
    (stems / f"{'y' * 251}.wav").unlink()
    mix(stems, "--stems", "--format", "flac").done()
    assert (tmp_path / "mixes" / "mix_1_tracks" / f"{'x' * 250}.flac").is_file()


def test_a_role_is_told_however_letters_are_written(mix, stems, tmp_path):
    composed, apart = (unicodedata.normalize(form, "für Björn") for form in ("NFC", "NFD"))
    (stems / "track 00.wav").rename(stems / f"{apart}.wav")
    for spelling in (composed, apart):
        words = json.loads(mix(stems, "--role", f"{spelling}=vocal").done()[-1].read_text(encoding="utf-8"))
        assert words["heard_as"][composed]["told"]


def test_earlier_mixes_are_known_by_the_file_that_lists_them():
    assert MIXES_FILE == MANIFEST  # the room audio lies below, and help loads no audio


def test_which_folder_to_give(mix, tmp_path):
    for song in ("Song A", "Song B"):
        write(tmp_path / "songs" / song / "bass.wav", np.zeros(RATE))
    mix(tmp_path / "songs").refused("Song A/, Song B/", "give the one")
    (tmp_path / "song.zip").write_bytes(b"PK")
    mix(tmp_path / "song.zip").refused("song.zip", "unpack")
