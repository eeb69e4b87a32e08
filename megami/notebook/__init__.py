"""What only a reader sees and hears: players and other widgets, listening pages, figures, tables. No model code."""

from __future__ import annotations

from megami.notebook.abx import abx
from megami.notebook.animation import animation
from megami.notebook.bradley_terry import bradley_terry, wilson_interval
from megami.notebook.cloud_plot import plot_clouds
from megami.notebook.console import console
from megami.notebook.console_settings import ConsoleSettings, StripSettings, console_settings
from megami.notebook.desk import Desk, mixing_desk
from megami.notebook.desk_session import DeskSession
from megami.notebook.exercise import Check, checker
from megami.notebook.explore import explore
from megami.notebook.field_plot import arrow_lines
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.gym import mix_gym
from megami.notebook.hand_out import hand_out_pages, write_hand_out
from megami.notebook.level_plot import plot_level_over_time, short_time_level_db
from megami.notebook.listening_page import listening_page
from megami.notebook.listening_pages import CLARITY, EXCITEMENT, PRODUCTION_VALUE, PairPage, Question, RatingPage
from megami.notebook.listening_plot import plot_listening
from megami.notebook.listening_results import ListeningResults, read_listening_results
from megami.notebook.listening_summary import holm, listener_steadiness, summarise_listening
from megami.notebook.listening_test import ListeningTestOptions, listening_test, listening_test_page
from megami.notebook.live import Knob, Live, live, live_effect
from megami.notebook.mixed_effects import MixedModel, fit_mixed_model
from megami.notebook.network_plots import plot_attention, plot_shapes
from megami.notebook.place_plot import plot_track_places
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
from megami.notebook.rating_boxes import plot_rating_boxes
from megami.notebook.real_song_plot import plot_real_songs
from megami.notebook.result_plots import map_places, plot_intervals, plot_mix_map, plot_reach, plot_sampler_study
from megami.notebook.simulated_panel import PanelTruth, simulated_panel
from megami.notebook.tables import Table, table
from megami.notebook.widget import Widget

__all__ = [
    "CLARITY",
    "EXCITEMENT",
    "PRODUCTION_VALUE",
    "Check",
    "ConsoleSettings",
    "Desk",
    "DeskSession",
    "Knob",
    "ListeningResults",
    "ListeningTestOptions",
    "Live",
    "MixedModel",
    "PageFigure",
    "PairPage",
    "PanelTruth",
    "Question",
    "RatingPage",
    "Sheet",
    "StripSettings",
    "Table",
    "Widget",
    "abx",
    "animation",
    "arrow_lines",
    "bradley_terry",
    "checker",
    "choice",
    "console",
    "console_settings",
    "explore",
    "figure",
    "fit_mixed_model",
    "hand_out_pages",
    "holm",
    "listener_steadiness",
    "listening_page",
    "listening_test",
    "listening_test_page",
    "live",
    "live_effect",
    "map_places",
    "mix_gym",
    "mixing_desk",
    "numeric",
    "ordering",
    "player",
    "plot_attention",
    "plot_clouds",
    "plot_intervals",
    "plot_level_over_time",
    "plot_listening",
    "plot_mix_map",
    "plot_mix_spectrograms",
    "plot_rating_boxes",
    "plot_reach",
    "plot_real_songs",
    "plot_sampler_study",
    "plot_shapes",
    "plot_stereo_image",
    "plot_track_levels",
    "plot_track_places",
    "plot_waveforms",
    "quiz",
    "read_listening_results",
    "short_time_level_db",
    "simulated_panel",
    "stereo_image",
    "summarise_listening",
    "table",
    "track_levels",
    "wilson_interval",
    "write_hand_out",
]
