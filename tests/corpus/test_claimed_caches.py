"""A cache knows for which settings it is: nothing stale is read."""

import json
from dataclasses import replace

import numpy as np
import pytest

from megami.adaptation import ContentConfig, ContentEncoder
from megami.corpus import CorpusConfig, build_songs, build_views, songs
from megami.corpus.datasets import mixes_mark, read_content
from megami.corpus.features import crop_paths, view_paths
from megami.corpus.songs import MARK_FILE, claim_cache, claim_synthesisers
from megami.errors import UserError

CONFIG = CorpusConfig(train_songs=2, validation_songs=0, test_songs=0, extra_songs=0, seconds=1.0, mixes_per_song=1)


@pytest.mark.parametrize("change", [{"seconds": 2.0}, {"seed": 1}, {"crop_samples": 999}, {"voices": "formant"}])
def test_other_settings_are_refused(tmp_path, change):
    claim_cache(tmp_path, CONFIG)
    before = (tmp_path / MARK_FILE).read_bytes()
    claim_cache(tmp_path, replace(CONFIG, train_songs=9, crops=7))  # more of the same
    name, value = next(iter(change.items()))
    with pytest.raises(UserError, match=f"{name} = .*, not {value}: choose another folder"):
        build_songs(tmp_path, replace(CONFIG, **change))
    with pytest.raises(UserError, match=name):
        build_views(tmp_path, replace(CONFIG, **change), "train", 3)
    assert (tmp_path / MARK_FILE).read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_the_mark_says_what_it_is_about(tmp_path):
    claim_cache(tmp_path / "new", CONFIG)
    assert json.loads((tmp_path / "new" / MARK_FILE).read_text())["seconds"] == 1.0


def test_a_cache_of_an_older_version_has_one_kind_of_singer(tmp_path):
    claim_cache(tmp_path, replace(CONFIG, voices="formant"))
    mark = json.loads((tmp_path / MARK_FILE).read_text())
    del mark["voices"]
    (tmp_path / MARK_FILE).write_text(json.dumps(mark))
    claim_cache(tmp_path, replace(CONFIG, voices="formant"))
    with pytest.raises(UserError, match="voices = formant, not many"):
        claim_cache(tmp_path, CONFIG)


def test_songs_are_not_finished_with_other_synthesisers(tmp_path):
    claim_synthesisers(tmp_path, {"flite": "2.2"})
    claim_synthesisers(tmp_path, {"flite": "2.2"})
    with pytest.raises(UserError, match=r"begun with flite 2\.2, and here is flite 2\.3: choose another folder"):
        claim_synthesisers(tmp_path, {"flite": "2.3"})


def test_songs_need_the_synthesisers_unless_one_kind_of_singer_is_asked_for(tmp_path, monkeypatch):
    def missing():
        raise UserError("apt-get install flite")

    monkeypatch.setattr(songs, "find_soundfont", lambda: None)
    monkeypatch.setattr(songs, "find_synthesisers", missing)
    monkeypatch.setattr(songs, "build_files", lambda *_: None)
    with pytest.raises(UserError, match="flite"):
        build_songs(tmp_path / "many", CONFIG)
    build_songs(tmp_path / "one", replace(CONFIG, voices="formant"))


def test_what_is_drawn_from_more_songs_lies_elsewhere(tmp_path):
    more = replace(CONFIG, train_songs=3)
    assert not set(view_paths(tmp_path, "train", CONFIG, 3)) & set(view_paths(tmp_path, "train", more, 3))
    assert not set(crop_paths(tmp_path, "train", CONFIG, 3)) & set(crop_paths(tmp_path, "train", more, 3))
    assert not set(crop_paths(tmp_path, "train", CONFIG, 3)) & set(crop_paths(tmp_path, "train", CONFIG, 3, long=True))
    as_many = replace(CONFIG, train_songs=2, mixes_per_song=3), replace(CONFIG, train_songs=3, mixes_per_song=2)
    assert mixes_mark("train", as_many[0]) != mixes_mark("train", as_many[1])


def test_features_of_an_older_version_are_refused(tmp_path):
    path = tmp_path / "cache" / "dry" / "train_0000.npz"
    path.parent.mkdir(parents=True)
    features = ContentEncoder(ContentConfig()).config.mels
    np.savez(path, content=np.zeros((1, 1, features, 4)))
    with pytest.raises(UserError, match=r"older version: delete .*cache and start again"):
        read_content(path, "content", "source")
