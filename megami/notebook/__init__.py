"""What only a reader sees and hears: players and other widgets, listening pages, figures, tables. No model code."""

from __future__ import annotations

from megami.notebook.abx import abx
from megami.notebook.console import console
from megami.notebook.console_settings import ConsoleSettings, StripSettings, console_settings
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.level_plot import plot_level_over_time, short_time_level_db
from megami.notebook.listening_page import listening_page
from megami.notebook.player import player
from megami.notebook.plots import (
    plot_mix_spectrograms,
    plot_stereo_image,
    plot_track_levels,
    plot_waveforms,
    stereo_image,
    track_levels,
)
from megami.notebook.quiz import choice, numeric, ordering, quiz
from megami.notebook.real_song_plot import plot_real_songs
from megami.notebook.result_plots import plot_intervals, plot_mix_map, plot_reach, plot_sampler_study
from megami.notebook.tables import Table, table
from megami.notebook.widget import Widget

__all__ = [
    "ConsoleSettings",
    "PageFigure",
    "Sheet",
    "StripSettings",
    "Table",
    "Widget",
    "abx",
    "choice",
    "console",
    "console_settings",
    "figure",
    "listening_page",
    "numeric",
    "ordering",
    "player",
    "plot_intervals",
    "plot_level_over_time",
    "plot_mix_map",
    "plot_mix_spectrograms",
    "plot_reach",
    "plot_real_songs",
    "plot_sampler_study",
    "plot_stereo_image",
    "plot_track_levels",
    "plot_waveforms",
    "quiz",
    "short_time_level_db",
    "stereo_image",
    "table",
    "track_levels",
]
