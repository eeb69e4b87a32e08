"""How the level of a signal moves: short-time level of several versions over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, QUIET
from megami.notebook.plots import Item


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
    *,
    alt: str,
) -> PageFigure:
    """Lines of level over time, one for each version; `seams` (s) are marked by upright lines.

    items: (name, audio [channels, samples]), in the colours of the other plots. alt: what there is to see.
    """
    levels = [short_time_level_db(audio, sample_rate, window_s).clamp_min(lowest_db) for _, audio in items]

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        for number, ((name, _), level) in enumerate(zip(items, levels, strict=True)):
            time = (np.arange(len(level)) + 0.5) * window_s
            axis.plot(time, level, color=COLOURS[number % len(COLOURS)], label=name, linewidth=2.2 if number else 3.6)
        for seam in seams:
            axis.axvline(seam, color=QUIET, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
        axis.set_xlabel("time (s)")
        axis.set_ylabel("level (dB)")
        sheet.legend(axis)

    return figure(draw, alt=alt, height_px=240, narrow_height_px=260)
