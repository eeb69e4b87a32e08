"""Plots say what they show: labels with units, levels that are right, figures that appear once."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from megami.errors import UserError
from megami.notebook import PageFigure, plot_mix_spectrograms, plot_stereo_image, plot_track_levels, plot_waveforms
from megami.notebook.plots import _log_spectrogram_db, stereo_image, track_levels

RATE = 44100


def tone(hz: float, gain: float, channels: int = 2, seconds: float = 1.0) -> torch.Tensor:
    time = torch.arange(round(seconds * RATE)) / RATE
    return (gain * torch.sin(2 * torch.pi * hz * time)).expand(channels, -1)


ALT = "What is to be seen."


def texts(shown: PageFigure) -> str:
    """All words of both drawings."""
    return " | ".join(re.findall(r"<text[^>]*>([^<]*)</text>", shown.html))


ITEMS = [("raw sum", tone(440, 0.1)), ("mix 1", tone(440, 0.5)), ("nothing", torch.zeros(2, RATE))]


def test_every_plot_names_its_units_and_is_not_left_open() -> None:
    stems = torch.stack([tone(220, 0.2, 1), tone(1000, 0.1, 1)])
    wet = stems.expand(2, 2, -1)
    figures = {
        "time (s) frequency (Hz) dB below LUFS": plot_mix_spectrograms(ITEMS, RATE, alt=ALT),
        "time (s) amplitude LUFS": plot_waveforms(ITEMS, RATE, alt=ALT),
        "left right (dB) bass keys mix": plot_stereo_image(("bass", "keys"), [("mix 1", wet)], RATE, alt=ALT),
        "(LU) bass keys raw mix": plot_track_levels(("bass", "keys"), stems, [("mix 1", wet)], RATE, alt=ALT),
    }
    for words, figure in figures.items():
        shown = texts(figure)
        for word in words.split():
            assert word in shown, (word, shown)
        assert f'aria-label="{ALT}"' in figure.html and figure.html.count("<svg") == 2
    assert plt.get_fignums() == []


def test_track_levels_are_loudness_differences() -> None:
    quiet = tone(1000, 0.05, 1)
    tracks = torch.stack([quiet, torch.zeros_like(quiet)])
    assert track_levels(tracks, RATE)[0] == pytest.approx(0.0, abs=0.01)  # alone it is the mix
    assert np.isnan(track_levels(tracks, RATE)[1])
    apart = torch.stack([tone(300, 0.1, 1), tone(1000, 0.1 * 10 ** (-12 / 20), 1)])
    levels = track_levels(apart, RATE)
    assert levels[0] - levels[1] == pytest.approx(12, abs=1.0)  # up to the K weighting between 300 Hz and 1 kHz


def test_the_stereo_image_is_balance_and_width() -> None:
    one, other = tone(300, 0.1, 1)[0], tone(1000, 0.1, 1)[0]
    pairs = [(one, one), (one, other), (one, 2 * one), (0 * one, 0 * one)]
    tracks = torch.stack([torch.stack(pair) for pair in pairs])
    balance, width = stereo_image(tracks)
    assert balance[:3] == pytest.approx([0, 0, 20 * np.log10(2)], abs=0.05)
    assert width[:2] == pytest.approx([0, 1], abs=0.01)  # mono; unrelated channels
    assert np.isnan(balance[3]) and np.isnan(width[3])


def test_the_spectrogram_puts_a_tone_where_it_belongs() -> None:
    picture = _log_spectrogram_db(tone(1000, 0.5), RATE)
    centres = np.geomspace(30, 18000, picture.shape[0] + 1)
    row = int(picture.mean(axis=1).argmax())
    assert centres[row] <= 1000 * 1.02 and centres[row + 1] >= 1000 / 1.02


def test_wrong_input_is_named() -> None:
    with pytest.raises(UserError):
        plot_waveforms([], RATE, alt=ALT)
    with pytest.raises(UserError, match="names"):
        plot_track_levels(("one",), torch.zeros(2, 1, RATE), [], RATE, alt=ALT)
