"""Others' mixes: every layout that is read, and one clear line for what is odd, missing or cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from submitted import SONGS, noise, write_mix

from megami.errors import UserError
from megami.evaluation.other_systems import check_mixes, find_systems, is_clipped, read_mix

RATE = 44100


def find(folder, most: int = 5, taken=("megami",)):
    said: list[str] = []
    return find_systems(folder, SONGS, taken, most, said.append), said


def test_a_folder_for_each_system_or_the_songs_of_one(tmp_path):
    for system in ("a", "b"):
        for song in SONGS:
            write_mix(tmp_path / "all" / system, song)
    systems, said = find(tmp_path / "all")
    assert [system.name for system in systems] == ["a", "b"] and said == []
    (alone,), said = find(tmp_path / "all" / "b")
    assert alone == systems[1] and said == []


def test_mixes_are_taken_in_the_order_of_their_numbers_and_no_more_than_are_measured(tmp_path):
    for song in SONGS:
        for number in (10, 2, 1):
            write_mix(tmp_path / "a", song, name=f"mix_{number}.flac")
        (tmp_path / "a" / song / "mixes.json").write_text("{}")
        (tmp_path / "a" / song / "mix_1_tracks").mkdir()
    (system,), said = find(tmp_path, most=2)
    assert [path.name for path in system.mixes["test_0001"]] == ["mix_1.flac", "mix_2.flac"]
    assert len(said) == 1 and "more than 2 mixes" in said[0]


def test_missing_and_unknown_songs_are_named(tmp_path):
    for song in (*SONGS[:2], "test_0099"):
        write_mix(tmp_path / "a", song)
    write_mix(tmp_path / "a", "", name="loose.wav")
    (tmp_path / "notes").mkdir()
    (system,), said = find(tmp_path)
    assert list(system.mixes) == list(SONGS[:2])
    said = "\n".join(said)
    assert said.count("\n") == 3
    assert "2 of 3 songs" in said and "missing: test_0002" in said and "not measured: test_0099" in said
    assert "loose.wav" in said and "notes has no mixes" in said


def test_one_song_alone_has_no_interval(tmp_path):
    write_mix(tmp_path / "a", SONGS[0])
    with pytest.raises(UserError, match="1 of 3 test songs"):
        find(tmp_path)


def test_folders_without_mixes_say_where_mixes_belong(tmp_path):
    with pytest.raises(UserError, match=r"SYSTEM/SONG/.*test_0000 to test_0002"):
        find(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find(tmp_path / "nowhere")
    (tmp_path / "songs.json").write_text("{}")
    with pytest.raises(UserError, match="dry songs"):
        find(tmp_path)


@pytest.mark.parametrize("name", ["megami", "engineer minimal", "a|b", "_a", "a" * 61])
def test_names_that_are_ours_or_break_a_table_are_refused(tmp_path, name):
    for song in SONGS:
        write_mix(tmp_path / name, song)
    with pytest.raises(UserError, match="name"):
        find(tmp_path)


@pytest.mark.parametrize(
    ("audio", "rate", "words"),
    [
        (noise(channels=1), RATE, "mono"),
        (noise(rate=48000), 48000, "converted"),
        (noise(seconds=1.5), RATE, "cut at its end"),
        ((30 * noise()).clip(-1, 1), RATE, "clipped"),
        (noise(), RATE, None),
        (noise(seconds=0.98), RATE, None),
    ],
)
def test_what_is_odd_is_read_and_said(tmp_path, audio, rate, words):
    mix, odd = read_mix(write_mix(tmp_path, SONGS[0], audio, rate=rate), RATE)
    assert mix.shape == (2, RATE) and mix.abs().max() > 0.1
    assert len(odd) == (words is not None) and all(words in line for line in odd)


def test_a_mono_mix_is_on_both_channels_and_a_tail_is_cut_not_squeezed(tmp_path):
    audio = noise(channels=1, seconds=1.5)
    mix, _ = read_mix(write_mix(tmp_path, SONGS[0], audio), RATE)
    np.testing.assert_allclose(mix.numpy(), np.repeat(audio[:, :RATE], 2, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros((2, RATE), np.float32), "silent"),
        (noise(channels=3), "3 channels"),
        (noise(seconds=0.5), "lasts 0.50 s, and the song 1.00 s"),
        (noise(seconds=12), "lasts 12.00 s"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(tmp_path, audio, words):
    with pytest.raises(UserError, match=words) as refused:
        read_mix(write_mix(tmp_path, SONGS[0], audio), RATE)
    assert "mix_1.wav" in str(refused.value)


def test_loud_waves_that_keep_their_tops_are_not_clipped():
    time = torch.arange(RATE) / RATE
    wave = torch.sin(2 * torch.pi * 997 * time)[None]
    assert not is_clipped(wave) and not is_clipped(1.4 * wave) and not is_clipped(torch.zeros(2, 2))
    assert is_clipped((1.4 * wave).clamp(-1, 1)) and is_clipped((1.4 * wave).clamp(-1, 32767 / 32768))


def test_a_kind_of_oddity_is_said_once_for_a_system(tmp_path):
    for song in SONGS:
        write_mix(tmp_path / "a", song, noise(channels=1))
    systems, said = find(tmp_path)
    check_mixes(systems, RATE, said.append)
    assert len(said) == 1 and "mono" in said[0] and "test_0002/mix_1.wav" in said[0]
    (tmp_path / "a" / SONGS[1] / "mix_2.wav").write_bytes(b"not audio at all")
    with pytest.raises(UserError, match=r"mix_2\.wav.*not an audio file"):
        check_mixes(find(tmp_path)[0], RATE, said.append)


def test_the_digest_follows_the_mixes(tmp_path):
    for song in SONGS:
        write_mix(tmp_path / "a", song)
    before = find(tmp_path)[0][0].digest()
    assert find(tmp_path)[0][0].digest() == before
    write_mix(tmp_path / "a", SONGS[2], noise(1))
    assert find(tmp_path)[0][0].digest() != before
