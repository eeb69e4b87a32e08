"""Mixes of real songs: what cannot be heard and what drowns the rest is found."""

import numpy as np
import pytest
import torch

from megami.audio import Multitrack, resample
from megami.errors import UserError
from megami.evaluation.real_songs import RealSong, check_mix, flags_of_mix, read_real_songs, write_real_songs

RATE = 44100


@pytest.fixture
def dry():
    g = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(4, 1, 3 * RATE, generator=g)


def checked(dry, gains_db):
    gains = torch.tensor([10 ** (gain / 20) for gain in gains_db])[:, None, None]
    return check_mix("a mix", dry, (dry * gains).expand(-1, 2, -1), RATE)


def test_equal_tracks_are_a_quarter_of_the_power_each(dry):
    one = checked(dry, [0, 0, 0, 0])
    assert one.track_level_db == pytest.approx([-6.02] * 4, abs=0.3)
    assert one.inaudible == [] and one.dominating == []


def test_what_is_too_quiet_and_what_is_too_loud_is_named(dry):
    assert checked(dry, [0, 0, 0, -40]).inaudible == [3]
    assert checked(dry, [20, 0, 0, 0]).dominating == [0]


def test_a_track_is_judged_where_it_plays_and_the_level_of_the_mix_does_not_matter(dry):
    dry = dry.clone()
    dry[2, :, RATE:] = 0
    dry[3] = 0
    one, louder = checked(dry, [0, 0, 0, 0]), checked(dry, [12, 12, 12, 12])
    assert one.track_level_db[2] == pytest.approx(-4.8, abs=1.5) and np.isnan(one.track_level_db[3])
    assert one.mix == pytest.approx(louder.mix, abs=1e-3)


def test_flags_name_tracks_that_nobody_hears_that_drown_the_rest_and_buried_vocals(dry):
    def flags(gains_db, names=("drums", "bass", "pad", "Lead Vox"), taken_for=()):
        gains = torch.tensor([10 ** (gain / 20) for gain in gains_db])[:, None, None]
        return flags_of_mix(Multitrack(names, dry, RATE), (dry * gains).expand(-1, 2, -1), RATE, taken_for)

    assert flags([0, 0, 0, 0]) == []
    (buried,) = flags([0, 0, 0, -8])
    assert buried.startswith("the vocal Lead Vox lies 12.") and buried.endswith("LU under the rest")
    assert flags([0, 0, 0, -8], ("a", "b", "c", "d")) == []
    assert len(flags([0, 0, 0, -8], ("a", "b", "c", "d"), ("drums", "bass", "pad", "vocal"))) == 1
    inaudible, dominating, _ = flags([20, -30, 0, 8])  # beside such drums the vocal is buried as well
    assert inaudible.startswith("bass is inaudible") and dominating.startswith("drums is dominating")


def test_flags_of_stereo_stems_at_another_rate_are_those_of_the_mix(dry):
    stems = resample(dry, RATE, 22050).expand(-1, 2, -1).contiguous()
    gains = torch.tensor([1.0, 1.0, 1.0, 0.01])[:, None, None]
    (line,) = flags_of_mix(Multitrack(("a", "b", "c", "d"), stems, 22050), (dry * gains).expand(-1, 2, -1), RATE)
    assert line.startswith("d is inaudible")


def test_what_was_measured_can_be_kept_and_read_again(dry, tmp_path):
    dry = dry.clone()
    dry[3] = 0
    song = RealSong(("a", "b", "c", "d"), (checked(dry, [0, 0, 0, 0]), checked(dry, [3, 0, 0, -3])))
    path = tmp_path / "real_songs.json"
    write_real_songs(path, {"song": song}, {"command": "this test"})
    songs, made_by = read_real_songs(path)
    assert made_by == {"command": "this test"} and list(songs) == ["song"] and songs["song"].tracks == song.tracks
    for before, after in zip(song.mixes, songs["song"].mixes, strict=True):
        assert after.title == before.title and after.mix == pytest.approx(before.mix, abs=1e-3)
        assert after.track_level_db == pytest.approx(before.track_level_db, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize("text", ["", "[]", '{"songs": {"a": {}}, "made_by": {}}'])
def test_another_file_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "real_songs.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"compare_real_songs\.py --out"):
        read_real_songs(path)
