"""Level over time: windows are measured right, and the figure says what it shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from megami.notebook import plot_level_over_time, short_time_level_db

RATE = 1000


def test_levels_of_windows():
    audio = torch.cat([torch.full((2, 100), 0.1), torch.zeros(2, 100), torch.full((2, 50), 1.0)], dim=-1)
    levels = short_time_level_db(audio, RATE, window_s=0.05)
    assert torch.allclose(levels, torch.tensor([-20.0, -20, -120, -120, 0]).double(), atol=1e-4)
    one_sided = torch.stack([torch.ones(100), torch.zeros(100)])
    assert short_time_level_db(one_sided, RATE, 0.1).item() == pytest.approx(-3.01, abs=0.01)


def test_audio_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="shorter than one window"):
        short_time_level_db(torch.ones(1, 10), RATE)


def test_the_figure_has_a_line_for_each_version_and_each_seam():
    loud, quiet = torch.ones(1, 2000), torch.full((1, 2000), 0.01)
    figure = plot_level_over_time(
        [("loud", loud), ("quiet", quiet)], RATE, seams=[0.5, 1.5], window_s=0.1, alt="What is to be seen."
    ).figure
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["loud", "quiet"]
    first, second, *seams = axis.lines
    assert np.allclose(first.get_ydata(), 0) and np.allclose(second.get_ydata(), -40)
    assert np.allclose(first.get_xdata(), np.arange(20) * 0.1 + 0.05)
    assert [line.get_xdata()[0] for line in seams] == [0.5, 1.5]
    assert axis.get_xlabel() == "time (s)" and axis.get_ylabel() == "level (dB)"
