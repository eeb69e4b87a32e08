"""How the level of a signal moves: short-time level of several versions over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from megami.notebook.plots import COLOURS, INK, QUIET, Item, finished, light_figure


def short_time_level_db(audio: torch.Tensor, sample_rate: int, window_s: float = 0.02) -> torch.Tensor:
    """Level of successive windows of audio [channels, samples], channels averaged in power, in dB from -120: [windows].

    The incomplete last window is left out. Raises ValueError for audio shorter than one window.
    """
    window = round(window_s * sample_rate)
    if audio.shape[-1] < window:
        raise ValueError(f"audio of {audio.shape[-1]} samples is shorter than one window of {window}")
    power = audio.double().square().mean(dim=0).unfold(0, window, window).mean(dim=-1)
    return 10 * torch.log10(power.clamp_min(1e-12)).cpu()


def plot_level_over_time(
    items: Sequence[Item],
    sample_rate: int,
    seams: Sequence[float] = (),
    window_s: float = 0.02,
    lowest_db: float = -60.0,
) -> Figure:
    """Lines of level over time, one for each version; `seams` (s) are marked by upright lines.

    items: (name, audio [channels, samples]), in the colours of the other plots.
    """
    figure, axes = light_figure(1, 1, (9.6, 3.2))
    axis = axes.flat[0]
    for number, (name, audio) in enumerate(items):
        level = short_time_level_db(audio, sample_rate, window_s).clamp_min(lowest_db)
        time = (np.arange(len(level)) + 0.5) * window_s
        axis.plot(time, level, color=COLOURS[number % len(COLOURS)], label=name, linewidth=2.2 if number else 3.6)
    for seam in seams:
        axis.axvline(seam, color=QUIET, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    axis.set_xlabel("time (s)", color=INK)
    axis.set_ylabel("level (dB)", color=INK)
    axis.legend(frameon=False, fontsize=9.5, loc="lower center", ncols=min(4, len(items)), bbox_to_anchor=(0.5, 1.0))
    return finished(figure)
