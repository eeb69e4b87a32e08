"""Features in shards: what they hold, that nothing but settings and seed decides it, and what a kill leaves."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from megami.audio import write_audio
from megami.corpus.recordings import build_shards, shards
from megami.corpus.recordings.build_shards import FeatureSettings, build_feature_shards, feature_settings
from megami.corpus.recordings.drawn_items import ClipSettings, DrawnItems, DrawSettings
from megami.corpus.recordings.instruments import INSTRUMENT_CLASSES
from megami.corpus.recordings.listening import Listeners
from megami.corpus.recordings.segments import SEGMENT_SAMPLES, SegmentSettings
from megami.corpus.recordings.shards import FeatureShards
from megami.corpus.recordings.songs import ListedRecordings, RecordedSong, TrackFile
from megami.embeddings import EmbeddingConfig
from megami.errors import UserError

SAMPLES = 22050
NAMES = ("Kick", "Snare", "Bass", "Vocal")
SETTINGS = FeatureSettings(
    DrawSettings(
        SegmentSettings(SAMPLES), ClipSettings(SAMPLES, -60.0, 0.5), ClipSettings(SAMPLES, -50.0, 0.8, recorded=0.3)
    ),
    items_per_shard=(2, 2, 2),
    heard_together=2,
)


def write_song(folder: Path, number: int, seconds: float = 0.8) -> RecordedSong:
    """A song of four dry and wet tracks of noise, one of them in stereo."""
    rng, tracks = np.random.default_rng(number), {}
    for kind in ("dry", "wet"):
        files = []
        for place, name in enumerate(NAMES):
            audio = 0.1 * rng.standard_normal((2 if place == 3 else 1, int(seconds * 44100)))
            path = write_audio(folder / f"song {number}" / kind / f"{name}.wav", torch.from_numpy(audio).float())
            files.append(TrackFile(path, name, ""))
        tracks[kind] = tuple(files)
    return RecordedSong("made", f"song {number}", **tracks, mix=None, paired=True, published_split="train")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> ListedRecordings:
    folder = tmp_path_factory.mktemp("recordings")
    return ListedRecordings("made", (*(write_song(folder, n) for n in range(2)), write_song(folder, 2, 0.3)))


class Ear(nn.Module):
    """Hears where in a clip energy lies: enough to tell clips apart, and quick."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, 16), requires_grad=False)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        energy = audio.unfold(-1, SAMPLES // 8, SAMPLES // 8).std(-1)  # [b, c, 8]
        return F.normalize(energy.expand(-1, 2, -1).flatten(1) @ self.weight.T, dim=-1)

    learned = forward


def random_listeners(seed: int = 0) -> Listeners:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fx_encoder, content = Ear(64), Ear(32)
    return Listeners("small", EmbeddingConfig(64, 64, 0), fx_encoder, content, tells_effects=True)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def listeners() -> Listeners:
    return random_listeners()


def files(made: FeatureShards) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in made.paths}


def build(folder: Path, recordings, listeners, kind="mixes", count=5, **options) -> FeatureShards:
    options = {"seed": 7, "workers": 0} | options
    return build_feature_shards(folder, recordings, kind, SETTINGS, listeners, count=count, **options)


@pytest.fixture(scope="module")
def mixes(tmp_path_factory, recordings, listeners) -> FeatureShards:
    return build(tmp_path_factory.mktemp("mixes"), recordings, listeners)


def test_the_published_numbers_are_the_defaults():
    draw = feature_settings("paper").draw
    assert draw == DrawSettings() and draw.mixes.samples == draw.crops.samples == SEGMENT_SAMPLES == 525312
    assert (draw.mixes.most_tracks, draw.mixes.sum_level_db, draw.mixes.active_db) == (14, -8.0, -50.0)
    assert (draw.pairs.probability, draw.crops.probability) == (0.5, 0.8)
    assert (draw.pairs.active_db, draw.crops.active_db) == (-60.0, -50.0)


def test_mixes_are_what_listeners_hear_of_the_drawn_tracks(mixes, recordings, listeners):
    drawn = DrawnItems(recordings.songs(), "mixes", SETTINGS.draw, 7, "train")
    assert len(mixes) == 5 and [path.name[:5] for path in mixes.paths] == ["00000", "00001", "00002"]
    for index in range(5):
        audio, item = drawn[index], mixes[index]
        torch.testing.assert_close(item["z"], listeners.effects(audio["wet"]))
        torch.testing.assert_close(item["content"], listeners.content(audio["wet"], [0] * len(audio["wet"])))
        assert item["instrument"].tolist() == audio["instrument"].tolist()
        assert mixes.songs[int(item["song"])] == recordings.songs()[audio["song"]].name
        assert {INSTRUMENT_CLASSES[number] for number in item["instrument"]} <= {"drums", "bass", "voice"}
    with pytest.raises(IndexError):
        mixes[5]


def test_pairs_and_crops_are_what_was_drawn(tmp_path, recordings, listeners):
    pairs = build(tmp_path, recordings, listeners, "pairs", 3)
    crops = build(tmp_path, recordings, listeners, "crops", 3)
    assert {path.name for path in tmp_path.iterdir()} == {"pairs_train", "crops_train"}
    for index in range(3):
        audio = DrawnItems(recordings.songs(), "pairs", SETTINGS.draw, 7, "train")[index]
        torch.testing.assert_close(pairs[index]["z"], listeners.effects(audio["wet"][None])[0])
        for name in ("dry", "wet"):
            heard = listeners.content(audio[name][None], [0])[0]
            torch.testing.assert_close(pairs[index][f"{name}_content"], heard)
        audio, crop = DrawnItems(recordings.songs(), "crops", SETTINGS.draw, 7, "train")[index], crops[index]
        assert crop["dry"].shape == (1, SAMPLES) and crop["wet"].shape == (2, SAMPLES)
        for name in ("dry", "wet"):
            assert float((crop[name] - audio[name]).abs().max() / audio[name].abs().max()) < 1 / 32767
        torch.testing.assert_close(crop["z"], listeners.effects(audio["wet"][None])[0])


def test_a_recorded_wet_track_stands_in_for_a_chain_as_often_as_asked_for(recordings):
    def drawn(recorded: float) -> list[dict]:
        crops = replace(SETTINGS.draw.crops, recorded=recorded, probability=0.0)
        items = DrawnItems(recordings.songs(), "crops", replace(SETTINGS.draw, crops=crops), 7, "train")
        return [items[index] for index in range(6)]

    for item in drawn(0.0):  # and no effect
        torch.testing.assert_close(item["wet"], item["dry"].expand(2, -1))
    for item in drawn(1.0):  # dry and wet noise have nothing in common
        assert abs(float(torch.corrcoef(torch.stack([item["wet"][0], item["dry"][0]]))[0, 1])) < 0.1


def test_two_processes_make_the_same_shards_as_none(tmp_path, mixes, recordings, listeners):
    assert files(build(tmp_path, recordings, listeners, workers=2)) == files(mixes)


def test_more_items_are_added_to_what_is_there(tmp_path, mixes, recordings, listeners):
    few = build(tmp_path, recordings, listeners, count=3)
    first = few.paths[0].stat().st_mtime_ns
    more = build(tmp_path, recordings, listeners, count=5)
    assert files(more) == files(mixes) and more.paths[0].stat().st_mtime_ns == first
    assert len(list(more.folder.glob("*.safetensors"))) == 3  # and no smaller shard of the same number
    assert len(build(tmp_path, recordings, listeners, count=2)) == 5  # less was asked for: all stays


class Killed(BaseException):
    """Ends a build at once, as a kill does: nothing here tidies up after it."""


@pytest.mark.parametrize("whole", [0, 2])
def test_a_killed_writer_leaves_whole_shards_and_is_gone_on_with(
    tmp_path, mixes, recordings, listeners, monkeypatch, whole
):
    replace_file, done = os.replace, []

    def die_before(source, target):
        done.append(target)
        if sum(str(one).endswith(".safetensors") for one in done) > whole:
            raise Killed  # what is written so far lies in a partial file
        replace_file(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(shards.os, "replace", die_before)
        with pytest.raises(Killed):
            build(tmp_path, recordings, listeners)
    folder = tmp_path / "mixes_train"
    left = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    assert len(left) == whole and left.items() <= files(mixes).items() and list(folder.glob("*.part"))
    with pytest.raises(UserError, match=f"{whole} of 3 shards"):
        FeatureShards.open(folder)
    assert files(build(tmp_path, recordings, listeners)) == files(mixes) and not list(folder.glob("*.part"))


def test_a_folder_is_for_one_seed_one_set_of_weights_and_one_set_of_files(mixes, recordings, listeners):
    folder = mixes.folder.parent
    with pytest.raises(UserError, match="seed = 7, not 8"):
        build(folder, recordings, listeners, seed=8)
    with pytest.raises(UserError, match="begun with fx_encoder"):
        build(folder, recordings, random_listeners(1))
    with pytest.raises(UserError, match="other songs"):
        build(folder, ListedRecordings("made", recordings.songs()[:2]), listeners)
    with pytest.raises(UserError, match="most_tracks = 14, not 8"):
        other = replace(SETTINGS, draw=replace(SETTINGS.draw, mixes=SegmentSettings(SAMPLES, most_tracks=8)))
        build_feature_shards(folder, recordings, "mixes", other, listeners, 7, 5, 0)


def test_other_code_does_not_go_on_with_a_folder(tmp_path, recordings, listeners, monkeypatch):
    build(tmp_path, recordings, listeners, count=2)
    note = tmp_path / "mixes_train" / "code.json"
    text = note.read_text(encoding="utf-8")
    assert "megami.corpus.recordings.segments" in text and "megami.embeddings.dynamics" in text
    assert "megami.generator" not in text and "megami.studio.engineers" not in text  # which have no say in it
    name = '"megami.corpus.recordings.segments": "'
    note.write_text(text.replace(name, f"{name}x"), encoding="utf-8")
    with pytest.raises(UserError, match=r"other code \(megami.corpus.recordings.segments differs"):
        build(tmp_path, recordings, listeners, count=4)


def test_what_is_asked_for_must_be_there(tmp_path, recordings, listeners):
    for options, words in (
        ({"kind": "stems"}, "unknown kind"),
        ({"split": "extra"}, "unknown split"),
        ({"split": "test"}, "no song with wet tracks"),
        ({"count": 0}, "count"),
    ):
        with pytest.raises(UserError, match=words):
            build(tmp_path / "out", recordings, listeners, **options)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="holds no features"):
        FeatureShards.open(tmp_path)


def test_damaged_shards_are_named_and_those_without_an_index_not_trusted(tmp_path, recordings, listeners):
    made = build(tmp_path, recordings, listeners, count=2)
    index = made.folder / "index.json"
    index.rename(tmp_path / "index.json")
    with pytest.raises(UserError, match=r"no index\.json"):
        build(tmp_path, recordings, listeners, count=2)
    (tmp_path / "index.json").rename(index)
    made.paths[0].write_bytes(made.paths[0].read_bytes()[:200])
    with pytest.raises(UserError, match=made.paths[0].name):
        made[0]


def test_files_that_cannot_be_read_are_named_once_and_others_drawn(tmp_path, recordings, listeners):
    song = write_song(tmp_path / "broken", 5)
    song.wet[1].path.write_bytes(b"RIFF and nothing else")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = build(tmp_path, ListedRecordings("made", (song, *recordings.songs())), listeners)
    assert len(made) == 5 and all(made.songs[int(made[i]["song"])] != "song 5" for i in range(5))
    lines = [str(one.message) for one in caught if "Snare" in str(one.message)]
    assert len(lines) == 1
    with pytest.raises(UserError, match=r"nothing that sounds or can be read.*Snare"):
        build(tmp_path / "alone", ListedRecordings("made", (song,)), listeners)


def test_two_processes_cannot_write_at_once(tmp_path, recordings, listeners):
    place = tmp_path / "mixes_train"
    place.mkdir()
    with build_shards.FileLock(place / ".lock"), pytest.raises(UserError, match="another process"):
        build(tmp_path, recordings, listeners)
