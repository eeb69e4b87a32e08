"""A check names every fault in a data set, leaves out what cannot be used, and goes on where it stopped."""

from __future__ import annotations

import builtins
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from megami.corpus.recordings import checking, open_recordings, read_track
from megami.corpus.recordings.alignment import coarse, lag_ms
from megami.corpus.recordings.checking import check_recordings
from megami.corpus.recordings.manifest import read_manifest, write_manifest
from megami.corpus.recordings.measuring import sha256_of
from megami.corpus.recordings.report import report_lines
from megami.errors import UserError

RATE = 44_100


def kinds(check):
    """The findings as (kind, the last two parts of the file)."""
    return {(finding.kind, "/".join(finding.file.split("/")[-2:])) for finding in check.findings}


def comparable(rows):
    """The rows without what is not a number in most, and without the split."""
    return [replace(row, split="", lag_ms=0.0, likeness=0.0) for row in rows]


@pytest.mark.parametrize("layout", ["medleydb", "musdb", "pairs"])
def test_nothing_is_found_where_nothing_is_wrong(pretend, layout):
    root = pretend(layout)
    check = check_recordings(open_recordings(root), root)
    assert check.findings == () and not any(row.left_out for row in check.rows)
    assert check.usable == check.songs
    assert len(check.rows) == sum(len(song.files) for song in check.songs)
    mixes = [row for row in check.rows if row.kind == "mix"]
    assert all(abs(row.lag_ms) < 0.1 and row.likeness > 0.99 for row in mixes)
    assert {row.sample_rate for row in check.rows} == {RATE}


def test_every_fault_is_named_and_what_cannot_be_used_is_left_out(copied):
    root = copied("pairs")
    first, second, third, fourth = (song / "wet" for song in sorted(root.iterdir()))
    content = (first / "bass.wav").read_bytes()
    (first / "bass.wav").write_bytes(content[: len(content) // 2])
    (first / "guitar.wav").write_text("no audio")
    soundfile.write(first / "kick.wav", np.zeros((66_150, 2)), RATE)
    slow, _ = soundfile.read(first / "keys.wav")
    soundfile.write(first / "keys.wav", slow[::2], RATE // 2)  # some aliasing, and the same length in time
    voice, _ = soundfile.read(second / "vocal.wav")
    soundfile.write(second / "vocal.wav", np.repeat(voice[:, :1], 2, axis=1), RATE)
    late, _ = soundfile.read(second / "snare.wav")
    soundfile.write(second / "snare.wav", np.roll(late, 882, axis=0), RATE)  # 20 ms
    (third / "bass.wav").write_bytes((third / "guitar.wav").read_bytes())
    mix, _ = soundfile.read(third.parent / "mix.wav")
    soundfile.write(third.parent / "mix.wav", np.pad(mix, ((441, 0), (0, 0))), RATE)  # 10 ms
    mix, _ = soundfile.read(fourth.parent / "mix.wav")
    soundfile.write(fourth.parent / "mix.wav", mix.mean(axis=1)[:RATE], RATE)
    check = check_recordings(open_recordings(root), root)
    assert kinds(check) == {
        ("truncated", "wet/bass.wav"),
        ("unreadable", "wet/guitar.wav"),
        ("silent", "wet/kick.wav"),
        ("rate", "wet/keys.wav"),
        ("mono_as_stereo", "wet/vocal.wav"),
        ("misaligned", "wet/snare.wav"),
        ("duplicate", "wet/guitar.wav"),
        ("misaligned", f"{third.parent.name}/mix.wav"),
        ("length", f"{fourth.parent.name}/mix.wav"),
        ("mono_mix", f"{fourth.parent.name}/mix.wav"),
    }
    usable = {song.name: song for song in check.usable}
    assert [track.name for track in usable[first.parent.name].wet] == ["keys", "snare", "vocal"]
    assert [track.name for track in usable[first.parent.name].dry] == ["keys", "snare", "vocal"]  # partners go too
    assert "snare" not in [track.name for track in usable[second.parent.name].wet]
    assert "vocal" in [track.name for track in usable[second.parent.name].wet]
    assert usable[third.parent.name].mix is None and usable[fourth.parent.name].mix is None
    late_mix = next(row for row in check.rows if row.kind == "mix" and row.song == third.parent.name)
    assert abs(late_mix.lag_ms - 10.0) < 0.1
    lines = "\n".join(report_lines(check))
    assert "left out: 12 files and 0 whole songs" in lines and "is cut off (1):" in lines


def test_missing_files_and_songs_without_a_track_are_named(copied):
    root = copied("moisesdb")
    first, second, *_ = sorted((root / "moisesdb_v0.1").iterdir())
    min((first / "vocals").iterdir()).unlink()
    for path in second.glob("*/*.wav"):
        path.write_bytes(b"")
    check = check_recordings(open_recordings(root), root)
    found = [finding.kind for finding in check.findings]
    assert found.count("missing") == 1 and found.count("unreadable") == 6 and found.count("empty") == 1
    assert len(check.usable) == 3


def test_lags_are_found_at_any_rate_and_polarity():
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 48_000))).float()
    for rate in (44_100, 48_000, 22_050, 96_000):
        shift = round(0.03 * rate)
        reference, late = coarse(noise, rate), coarse(-torch.nn.functional.pad(noise, (shift, 0)), rate)
        lag, likeness = lag_ms(late, reference)
        assert abs(lag - 30.0) < 0.2 and likeness > 0.5  # white noise folds over; music has less above 5 kHz
        assert abs(lag_ms(reference, late)[0] + 30.0) < 0.2
    assert lag_ms(torch.zeros(500), torch.ones(500)) == (0.0, 0.0)
    other = torch.from_numpy(np.random.default_rng(1).standard_normal(12_000)).float()
    assert lag_ms(other, coarse(noise, 44_100))[1] < 0.1


def test_a_manifest_keeps_every_figure(pretend, tmp_path):
    root = pretend("musdb")
    check = check_recordings(open_recordings(root), root, manifest=tmp_path / "m.csv")
    kept = read_manifest(tmp_path / "m.csv")
    assert comparable(kept) == comparable(check.rows)
    assert [row.lag_ms for row in kept if row.kind == "mix"] == [0.0] * 4
    row = next(row for row in kept if row.kind == "wet")
    path = root / row.file
    audio = read_track(path)
    assert row.sha256 == sha256_of(path) and row.bytes == path.stat().st_size
    assert (row.channels, row.frames) == audio.shape
    assert abs(row.level_db - 10 * float(torch.log10(audio.square().mean()))) < 1e-3
    assert row.song in row.file and row.split == "train" and row.instrument_class == "voice"


def test_only_what_changed_is_read_again(copied, tmp_path, monkeypatch):
    root, manifest = copied("wet"), tmp_path / "m.csv"
    before = check_recordings(open_recordings(root), root, manifest=manifest, workers=2)
    measured = []
    original = checking.measure_song
    monkeypatch.setattr(checking, "measure_song", lambda song, rows: measured.append(song.name) or original(song, rows))
    again = check_recordings(open_recordings(root), root, seed=1, manifest=manifest)
    assert measured == []
    assert comparable(again.rows) == comparable(before.rows)
    changed = before.songs[1]
    soundfile.write(changed.wet[0].path, np.full((4410, 2), 0.1), RATE)
    after = check_recordings(open_recordings(root), root, manifest=manifest)
    assert measured == [changed.name]
    assert next(row for row in after.rows if row.song == changed.name).frames == 4410


def test_an_interrupted_check_keeps_what_it_has(copied, tmp_path, monkeypatch):
    root, manifest = copied("wet"), tmp_path / "m.csv"
    original, measured = checking.measure_song, []

    def interrupted(song, rows):
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append(song.name)
        return original(song, rows)

    monkeypatch.setattr(checking, "measure_song", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_recordings(open_recordings(root), root, manifest=manifest)
    assert {row.song for row in read_manifest(manifest)} == set(measured)
    monkeypatch.setattr(checking, "measure_song", original)
    check = check_recordings(open_recordings(root), root, manifest=manifest)
    assert len({row.song for row in read_manifest(manifest)}) == len(check.songs) == 4


def test_other_files_are_never_overwritten(pretend, tmp_path):
    root = pretend("wet")
    table = tmp_path / "mine.csv"
    for content in ("song,mood\nBlue,sad\n", "", "\x00\xff"):
        table.write_text(content, encoding="latin-1")
        with pytest.raises(UserError, match=r"mine\.csv"):
            check_recordings(open_recordings(root), root, manifest=table)
        assert table.read_text(encoding="latin-1") == content
    with pytest.raises(UserError, match=r"\.csv or a \.parquet"):
        check_recordings(open_recordings(root), root, manifest=tmp_path / "manifest.json")


def test_parquet_without_pyarrow_is_refused_in_one_line(pretend, tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="pip install pyarrow"):
        check_recordings(open_recordings(pretend("wet")), pretend("wet"), manifest=tmp_path / "m.parquet")


def test_parquet_holds_the_same_rows(pretend, tmp_path):
    pytest.importorskip("pyarrow")
    rows = check_recordings(open_recordings(pretend("musdb")), pretend("musdb")).rows
    write_manifest(tmp_path / "m.parquet", rows)
    assert [row.file for row in read_manifest(tmp_path / "m.parquet")] == [row.file for row in rows]
