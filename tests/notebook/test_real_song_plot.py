"""The figure of real songs: every mix is in it, the raw sum is marked, and a missing range is named."""

from __future__ import annotations

import numpy as np
import pytest

from megami.errors import UserError
from megami.evaluation.measures.descriptors import NAMES
from megami.evaluation.real_songs import Checked, RealSong
from megami.evaluation.results import Row
from megami.notebook import plot_real_songs
from megami.notebook.real_song_plot import MEASURES


@pytest.fixture
def songs():
    def mix(number):
        return Checked(
            f"mix {number}", dict.fromkeys(NAMES, float(number)), np.array([-3.0, np.nan, -40.0]), np.zeros(3)
        )

    return {title: RealSong(("a", "b", "c"), tuple(mix(number) for number in range(4))) for title in ("one", "two")}


def rows(without=None):
    metrics = [*(f"mix_{name}" for name in MEASURES), "track_level_db"]
    return [Row("engineers", metric, 0.5, -1.0, 2.0, 10, "range") for metric in metrics if metric != without]


def test_every_mix_and_every_track_is_drawn(songs):
    figure = plot_real_songs(songs, rows(), alt="What is to be seen.").figure
    *of_mixes, of_tracks = figure.axes
    for axis in of_mixes:
        drawn = {kind: [line.get_ydata()[0] for line in axis.lines if line.get_marker() == kind] for kind in "Do"}
        assert drawn == {"D": [0.0, 0.0], "o": [1.0, 2.0, 3.0] * 2}
    tracks = [line.get_ydata() for line in of_tracks.lines if line.get_marker() == "o"]
    assert len(tracks) == 6 and all(np.array_equal(levels, [-3, np.nan, -40], equal_nan=True) for levels in tracks)
    assert [label.get_text() for label in of_tracks.get_xticklabels()] == ["one", "two"]


def test_results_without_the_engineers_range_are_refused(songs):
    with pytest.raises(UserError, match="mix_punch_db"):
        plot_real_songs(songs, rows(without="mix_punch_db"), alt="What is to be seen.")
