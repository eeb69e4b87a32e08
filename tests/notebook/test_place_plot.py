"""Places of tracks: every take of every track has its dot, in its row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from megami.errors import UserError
from megami.notebook import plot_track_places

NAMES = ["drums", "voice"]


def test_every_take_has_a_dot_in_the_row_of_its_track():
    takes = torch.tensor([[-0.5, 0.0], [-0.7, 0.1], [-0.9, 0.2]])
    (axis,) = plot_track_places({"takes": takes, "ours": takes[:1]}, NAMES, alt="What is to be seen.").figure.axes
    many, one = axis.lines
    assert sorted(many.get_xdata()) == pytest.approx(sorted(takes.flatten().tolist()))
    rows = np.round(many.get_ydata()).astype(int)  # 0 for drums, 1 for voice
    assert np.allclose(sorted(many.get_xdata()[rows == 0]), [-0.9, -0.7, -0.5])
    assert np.allclose(one.get_xdata(), takes[0]) and np.allclose(one.get_ydata(), [0, 1])
    assert [text.get_text() for text in axis.get_yticklabels()] == NAMES
    top, bottom = axis.get_ylim()
    assert top > bottom  # the first track stands above
    assert axis.get_xlim()[0] < -1 and axis.get_xlim()[1] > 1


def test_places_of_other_tracks_are_refused():
    with pytest.raises(UserError, match=r"takes: places \[takes, 2\]"):
        plot_track_places({"takes": torch.zeros(4, 3)}, NAMES, alt="What is to be seen.")
