"""Every layout gives the songs that were written in it, by one interface, and names what is odd."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from megami.audio import write_audio
from megami.corpus.recordings import class_of_track, open_recordings, read_track, single_source_pairs, split_of
from megami.corpus.recordings.pretend import PRETEND, pretend_songs
from megami.errors import UserError


def read_sum(tracks):
    return sum(track.gain * read_track(track) for track in tracks)


@pytest.mark.parametrize(
    ("layout", "dry", "wet", "has_mix", "labelled"),
    [
        ("medleydb", 6, 5, True, True),
        ("moisesdb", 0, 6, False, True),
        ("musdb", 0, 4, True, True),
        ("pairs", 6, 6, True, False),
        ("wet", 0, 6, False, False),
    ],
)
def test_a_layout_is_found_out_and_gives_its_songs(pretend, layout, dry, wet, has_mix, labelled):
    recordings = open_recordings(pretend(layout))
    songs = recordings.songs()
    assert recordings.name == layout and len(songs) == 4
    assert open_recordings(pretend(layout), layout).songs() == songs
    assert [song.name for song in songs] == sorted(song.name for song in songs)
    for song in songs:
        assert (len(song.dry), len(song.wet)) == (dry, wet)
        assert not song.missing and not song.notes and not song.flags
        assert all(bool(track.instrument) == labelled for track in (*song.dry, *song.wet))
        assert len({track.name for track in song.wet}) == wet
        assert (song.mix is not None) == has_mix
    # What an engineer's mix is in every data set: the sum of the processed tracks (16 bits each).
    song = songs[0]
    written = next(made for made in pretend_songs(seconds=1.5) if made.title.split()[0] in song.name)
    assert torch.allclose(read_sum(song.wet).double(), torch.from_numpy(written.mix), atol=(wet + 1) * 2.0**-15)
    if song.mix is not None:
        assert torch.allclose(read_sum(song.wet), read_track(song.mix), atol=(wet + 1) * 2.0**-15)
    assert {class_of_track(track) for track in song.wet} >= {"drums", "bass", "voice"}


def test_dry_and_wet_of_a_pair_are_one_source(pretend):
    song = open_recordings(pretend("pairs")).songs()[0]
    assert song.paired
    assert [track.path.name for track in song.dry] == [track.path.name for track in song.wet]
    assert single_source_pairs(song) == tuple(zip(song.dry, song.wet, strict=True))
    assert read_track(song.dry[0]).shape[0] == 1 and read_track(song.wet[0]).shape[0] == 2


def test_medleydb_pairs_a_stem_with_its_raw_track_where_it_has_one(pretend):
    song = open_recordings(pretend("medleydb")).songs()[0]
    assert [track.group for track in song.dry] == ["S01", "S01", "S02", "S03", "S04", "S05"]
    assert [track.instrument for track in song.wet][:2] == ["drum set", "electric bass"]
    assert [track.instrument for track in song.dry][:2] == ["kick drum", "snare drum"]
    assert not song.paired
    pairs = single_source_pairs(song)
    assert [wet.group for _, wet in pairs] == ["S02", "S03", "S04", "S05"]
    assert all(dry.group == wet.group for dry, wet in pairs)


def test_a_dataset_of_one_raw_track_for_each_stem_is_paired(copied):
    root = copied("medleydb")
    for path in (root / "Metadata").iterdir():
        lines = path.read_text(encoding="utf-8").replace('"R02"', '"dropped"')
        path.write_text(lines, encoding="utf-8")
    song = open_recordings(root).songs()[0]
    assert not song.paired  # still two raw tracks, by whatever key
    for folder in (root / "Audio").iterdir():
        for path in (folder / f"{folder.name}_RAW").glob("*_RAW_01_02.wav"):
            path.unlink()
    song = open_recordings(root).songs()[0]
    assert song.paired and [path.name[-9:] for path in song.missing] == ["01_02.wav"]


def test_medleydb_finds_metadata_beside_the_audio_and_in_the_second_part(copied, tmp_path):
    root = copied("medleydb")
    moved = tmp_path / "moved" / "V2"
    shutil.copytree(root / "Audio", moved)
    for path in (root / "Metadata").iterdir():
        shutil.copy(path, moved / path.name.removesuffix("_METADATA.yaml") / path.name)
    before, after = open_recordings(root).songs(), open_recordings(tmp_path / "moved").songs()
    assert [(song.name, song.artist, len(song.dry)) for song in before] == [
        (song.name, song.artist, len(song.dry)) for song in after
    ]
    assert open_recordings(root / "Audio").songs()[0].artist == "Annika Sjöberg"  # metadata in the folder beside


def test_medleydb_without_usable_metadata_goes_by_the_names_of_files(copied):
    root = copied("medleydb")
    broken, gone, empty, _ = sorted((root / "Metadata").iterdir())
    broken.write_text("artist: [never closed\nstems: {", encoding="utf-8")
    gone.unlink()
    empty.write_text("stems: none\n", encoding="utf-8")
    songs = open_recordings(root).songs()
    assert "not valid YAML" in songs[0].notes[0] and "no " in songs[1].notes[0] and "has no stems" in songs[2].notes[0]
    for song in songs[:3]:
        assert (len(song.dry), len(song.wet)) == (6, 5) and song.mix is not None
        assert [track.group for track in song.dry][:3] == ["S01", "S01", "S02"]
        assert not any(track.instrument for track in song.wet)
        assert song.artist == song.name.split("_")[0]


ODD_STEMS = ("{1: {filename: 5}, S02: {filename: a.wav, raw: [1]}}", "{S01: {raw: {1: x, R2: {}}}}", "{S01: {}}", "{}")


@pytest.mark.parametrize("stems", ODD_STEMS)
def test_odd_metadata_never_stop_the_listing(copied, stems):
    """Whatever stands in the metadata of one song, the others are read as before."""
    root = copied("medleydb")
    first = min((root / "Metadata").iterdir())
    first.write_text(f"artist: [a, b]\nhas_bleed: yes\nstems: {stems}\n", encoding="utf-8")
    songs = open_recordings(root).songs()
    assert songs[0].flags == ("bleed",) and songs[0].wet == songs[0].dry == ()
    assert "audio files are not in the metadata" in songs[0].notes[0]
    assert [len(song.wet) for song in songs[1:]] == [5, 5, 5]

    root = copied("moisesdb")
    first = min((root / "moisesdb_v0.1").iterdir())
    for odd in ('[{"tracks": "abc"}]', '[{"stemName": 1, "tracks": [1, {}]}]', "[{}]"):
        (first / "data.json").write_text(f'{{"song": null, "artist": 3, "stems": {odd}}}', encoding="utf-8")
        song = next(song for song in open_recordings(root).songs() if song.name == "3")
        assert song.wet == () and song.artist == "3"


def test_yaml_cannot_run_code(copied, tmp_path):
    root = copied("medleydb")
    first = min((root / "Metadata").iterdir())
    first.write_text(f"stems: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n", encoding="utf-8")
    assert open_recordings(root).songs()[0].notes
    assert not (tmp_path / "made").exists()


def test_medleydb_takes_published_mixing_coefficients(copied):
    root = copied("medleydb")
    name = min(path.name for path in (root / "Audio").iterdir())
    (root / "mixing_coefficients.yaml").write_text(f"{name}: {{1: 0.5, 2: 2.0}}\n", encoding="utf-8")
    assert [track.gain for track in open_recordings(root).songs()[0].wet] == [0.5, 2.0, 1.0, 1.0, 1.0]
    second = root / "mixing_coefficients_version2.yaml"
    second.write_text(f"{name}:\n  audio: {{1: 1.0, 3: 4.0}}\n  stft: {{1: 3.0, 3: 0.5}}\n", encoding="utf-8")
    assert [track.gain for track in open_recordings(root).songs()[0].wet] == [2.0, 2.0, 2.25, 1.0, 1.0]
    second.write_text(f"{name}: {{audio: {{1: 1.0}}, stft: {{1: 3.0}}, manual: {{1: 0.7}}}}\n", encoding="utf-8")
    assert open_recordings(root).songs()[0].wet[0].gain == 0.7


def test_missing_files_are_named_and_not_among_the_tracks(copied):
    root = copied("medleydb")
    folder = min((root / "Audio").iterdir())
    stem = folder / f"{folder.name}_STEMS" / f"{folder.name}_STEM_02.wav"
    stem.unlink()
    (folder / f"{folder.name}_MIX.wav").unlink()
    song = open_recordings(root).songs()[0]
    assert set(song.missing) == {stem, folder / f"{folder.name}_MIX.wav"}
    assert len(song.wet) == 4 and song.mix is None

    root = copied("moisesdb")
    lost = min((root / "moisesdb_v0.1").glob("*/vocals/*.wav"))
    lost.unlink()
    song = next(song for song in open_recordings(root).songs() if song.missing)
    assert song.missing == (lost,) and len(song.wet) == 5

    root = copied("musdb")
    lost = min(root.glob("train/*/bass.wav"))
    lost.unlink()
    song = next(song for song in open_recordings(root).songs() if song.missing)
    assert song.missing == (lost,) and [track.name for track in song.wet] == ["vocals", "drums", "other"]


def test_moisesdb_names_songs_and_knows_bleed_and_damaged_json(copied):
    root = copied("moisesdb")
    first, second, third, _ = sorted((root / "moisesdb_v0.1").iterdir())
    second.joinpath("data.json").write_bytes(first.joinpath("data.json").read_bytes())  # one name twice
    text = third.joinpath("data.json").read_text(encoding="utf-8")
    third.joinpath("data.json").write_text(text.replace('"has_bleed": false', '"has_bleed": true', 1), encoding="utf-8")
    songs = open_recordings(root).songs()
    assert len({song.name for song in songs}) == 4
    assert sum(f"({folder.name})" in song.name for song in songs for folder in (first, second)) == 2
    assert [song.flags for song in songs].count(("bleed",)) == 1
    third.joinpath("data.json").write_text("{", encoding="utf-8")
    song = next(song for song in open_recordings(root).songs() if song.notes)
    assert song.name == third.name and len(song.wet) == 6
    assert sorted(track.instrument for track in song.wet) == ["bass", "drums", "drums", "guitar", "piano", "vocals"]


def test_musdb_splits_by_folder_and_by_the_published_validation_list(copied):
    root = copied("musdb")
    songs = open_recordings(root).songs()
    assert [split_of(song, seed) for seed in (0, 5) for song in songs] == 2 * ["train", "train", "test", "train"]
    (root / "train" / songs[0].name).rename(root / "train" / "Meaxic - Take A Step")
    assert "validation" in [split_of(song, 0) for song in open_recordings(root).songs()]


def test_no_song_is_lost_where_only_some_have_the_stems_of_musdb(tmp_path):
    for song, names in (("one", ("vocals", "drums", "bass", "mixture")), ("two", ("vocals", "guitar"))):
        for name in names:
            write_audio(tmp_path / "mixed" / song / f"{name}.wav", torch.zeros(2, 100))
    songs = open_recordings(tmp_path / "mixed").songs()
    assert [(song.dataset, len(song.wet)) for song in songs] == [("wet", 3), ("wet", 2)]
    shutil.rmtree(tmp_path / "mixed" / "two")
    (song,) = open_recordings(tmp_path / "mixed").songs()  # MUSDB's stems without its two folders
    assert song.dataset == "musdb" and [path.name for path in song.missing] == ["other.wav"]
    for name in ("dry/voice", "wet/voice", "mixture"):
        write_audio(tmp_path / "pairs" / "song" / f"{name}.wav", torch.zeros(2, 100))
    (song,) = open_recordings(tmp_path / "pairs").songs()
    assert song.paired and song.mix is not None


def test_compressed_musdb_says_what_turns_it_into_wav(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "Song - Name.stem.mp4").write_bytes(b"")
    with pytest.raises(UserError, match=r"1 \.stem\.mp4 files.*musdbconvert"):
        open_recordings(tmp_path)


def test_the_first_songs_of_pretend_data_sets_are_in_every_split(pretend):
    for layout in ("medleydb", "moisesdb", "pairs", "wet"):
        songs = open_recordings(pretend(layout)).songs()
        assert sorted(split_of(song, 0) for song in songs) == ["test", "train", "train", "validation"]


def test_pairs_without_partner_are_named_and_left_out(copied):
    root = copied("pairs")
    first, second, third, _ = sorted(root.iterdir())
    (first / "dry" / "bass.wav").unlink()
    (second / "wet").rename(second / "elsewhere")
    (third / "dry" / "keys.wav").unlink()
    (third / "dry" / "keys.wav").symlink_to(third / "nowhere.wav")
    songs = open_recordings(root).songs()
    assert songs[0].paired and len(songs[0].dry) == 5 and "bass" in songs[0].notes[0]
    assert not songs[1].paired and songs[1].wet == () and "wet/" in songs[1].notes[-1]
    assert songs[2].paired and len(songs[2].dry) == len(songs[2].wet) == 5
    assert songs[2].missing == (third / "dry" / "keys.wav",)
    assert [a.name for a in songs[2].dry] == [b.name for b in songs[2].wet]


def test_links_are_followed(copied, tmp_path):
    root = copied("wet")
    linked = tmp_path / "linked"
    linked.mkdir()
    for song in root.iterdir():
        (linked / song.name).symlink_to(song, target_is_directory=True)
    assert [song.name for song in open_recordings(linked).songs()] == [
        song.name for song in open_recordings(root).songs()
    ]
    assert read_track(open_recordings(linked).songs()[0].wet[0]).shape == (2, 66150)


def test_a_song_file_tells_labels_artist_and_split(copied):
    root = copied("wet")
    first, second, *_ = sorted(root.iterdir())
    facts = '{"artist": "Ann", "genre": "folk", "split": "test", "instruments": {"keys": "celesta", "bass": null}}'
    (first / "song.json").write_text(facts, encoding="utf-8")
    (second / "song.json").write_text("[]", encoding="utf-8")
    songs = open_recordings(root).songs()
    assert (songs[0].artist, songs[0].genre, split_of(songs[0], 3)) == ("Ann", "folk", "test")
    assert {track.name: track.instrument for track in songs[0].wet if track.instrument} == {"keys": "celesta"}
    assert "song.json" in songs[1].notes[0]


def test_dry_songs_are_read_where_someone_says_so(copied):
    song = open_recordings(copied("wet"), "dry").songs()[0]
    assert len(song.dry) == 6 and song.wet == () and song.dataset == "dry"


def test_a_mix_beside_the_tracks_is_the_mix(tmp_path):
    for name in ("Drums", "Lead Vox", "My Song_MIX"):
        write_audio(tmp_path / "My Song" / f"{name}.flac", torch.zeros(2, 100))
    (song,) = open_recordings(tmp_path).songs()
    assert [track.name for track in song.wet] == ["Drums", "Lead Vox"]
    assert song.mix == tmp_path / "My Song" / "My Song_MIX.flac"


def test_other_folders_are_refused_in_one_line(tmp_path, pretend):
    with pytest.raises(UserError, match="none of the known layouts"):
        open_recordings(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        open_recordings(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no layout 'wav'"):
        open_recordings(tmp_path, "wav")
    with pytest.raises(UserError, match="not laid out as moisesdb"):
        open_recordings(pretend("musdb"), "moisesdb")


def test_pretend_songs_follow_from_their_seed(tmp_path):
    one, other = (pretend_songs(1, seed, 0.5)[0].mix for seed in (3, 4))
    assert (one == pretend_songs(1, 3, 0.5)[0].mix).all() and (one != other).any()
    assert set(PRETEND) == {"medleydb", "moisesdb", "musdb", "pairs", "wet"}
    assert Path(PRETEND["wet"](tmp_path / "w", songs=1, seconds=0.2)) == tmp_path / "w"
