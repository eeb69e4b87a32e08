"""Plots that compare mixes: spectrograms, waveforms, and the level of every track in each mix.

Items keep their colour and marker in all plots: the raw sum (or whatever comes first) is grey, the mixes follow in the
colours of `palette`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import librosa
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from megami.errors import UserError
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.matching import loudness_of
from megami.notebook.palette import COLOURS, GRID, PAPER, QUIET

Item = tuple[str, torch.Tensor]

MARKERS = ("o", "D", "s", "^", "v", "P", "X", "<", ">", "h", "p")
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 18000.0
_TICKS_HZ = (50, 100, 200, 500, 1000, 2000, 5000, 10000)


def plot_mix_spectrograms(items: Sequence[Item], sample_rate: int, range_db: float = 75.0, *, alt: str) -> PageFigure:
    """Spectrograms of several mixes side by side, on one colour scale, at one loudness.

    items: (title, audio [channels, samples]); channels are averaged in power, and every item is drawn as if played at
    the same loudness, so that differences of colour are differences of sound. Frequencies are spaced logarithmically,
    30 Hz to 18 kHz. range_db: how far below the strongest point the scale reaches. alt: what there is to see.
    """
    pictures = [
        _log_spectrogram_db(audio, sample_rate) - _finite(loudness_of(audio, sample_rate)) for _, audio in _some(items)
    ]
    titles = [_with_loudness(title, audio, sample_rate) for title, audio in items]
    top = max(float(picture.max()) for picture in pictures)

    def draw(sheet: Sheet) -> None:
        columns = 2 if len(items) > 1 and not sheet.narrow else 1
        axes = sheet.axes(math.ceil(len(items) / columns), columns, sharex=True, sharey=True)
        for axis, (_, audio), title, picture in zip(axes.flat, items, titles, pictures, strict=False):
            seconds = audio.shape[-1] / sample_rate
            image = axis.imshow(
                picture,
                origin="lower",
                aspect="auto",
                vmin=top - range_db,
                vmax=top,
                extent=(0, seconds, math.log2(_LOWEST_HZ), math.log2(_HIGHEST_HZ)),
            )
            ticks = _TICKS_HZ[1::3] if sheet.narrow else _TICKS_HZ
            axis.set_yticks([math.log2(hz) for hz in ticks], [_hz(hz) for hz in ticks])
            axis.grid(False)
            axis.set_title(title)
        _label_outer(axes, len(items), "time (s)", "frequency (Hz)")
        # An upright bar takes width, which a phone has not.
        place = (
            {"location": "bottom", "shrink": 0.9, "aspect": 28} if sheet.narrow else {"pad": 0.015, "fraction": 0.03}
        )
        bar = sheet.figure.colorbar(image, ax=axes, **place)
        below = np.arange(0, range_db + 1, 15)
        bar.set_ticks((top - below).tolist(), labels=[f"{value:.0f}" for value in below])
        bar.set_label("dB below the strongest point")
        bar.outline.set_visible(False)

    wide_rows = math.ceil(len(items) / 2)
    return figure(draw, alt=alt, height_px=45 + 170 * wide_rows, narrow_height_px=95 + 140 * len(items))


def plot_waveforms(items: Sequence[Item], sample_rate: int, columns: int = 600, *, alt: str) -> PageFigure:
    """Waveforms one above the other: left channel upwards, right channel downwards, peaks pale and RMS full.

    items: (title, audio [channels, samples]), drawn at their own levels on one scale. alt: what there is to see.
    """
    titles = [_with_loudness(title, audio, sample_rate) for title, audio in _some(items)]
    limit = 1.05 * max(float(audio.abs().max()) for _, audio in items) or 1.0

    def draw(sheet: Sheet) -> None:
        axes = sheet.axes(len(items), 1, sharex=True, sharey=True)
        for index, (axis, (_, audio), title) in enumerate(zip(axes.flat, items, titles, strict=True)):
            peak, rms = _envelopes(audio, columns // 2 if sheet.narrow else columns)
            seconds = np.linspace(0, audio.shape[-1] / sample_rate, peak.shape[1])
            colour = COLOURS[index % len(COLOURS)]
            axis.fill_between(seconds, peak[0], -peak[-1], color=colour, alpha=0.35, linewidth=0)
            axis.fill_between(seconds, rms[0], -rms[-1], color=colour, linewidth=0)
            axis.axhline(0, color=PAPER, linewidth=0.6)
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):g}"))
            axis.set_title(title)
        axes.flat[0].set_ylim(-limit, limit)
        axes.flat[0].set_xlim(0, max(audio.shape[-1] for _, audio in items) / sample_rate)
        _label_outer(axes, len(items), "time (s)", "")
        sheet.figure.supylabel("amplitude (left up, right down)")

    return figure(draw, alt=alt, height_px=45 + 90 * len(items))


def plot_track_levels(
    names: Sequence[str], dry: torch.Tensor, mixes: Sequence[tuple[str, torch.Tensor]], sample_rate: int, *, alt: str
) -> PageFigure:
    """The level balance: how loud each track is beside the whole mix, in the raw sum and in every mix.

    names: of the tracks. dry: [tracks, channels, samples]. mixes: (title, wet tracks [tracks, 2, samples]).
    The level of a track is its integrated loudness minus that of the mix, in LU: 0 is as loud as the whole mix.
    Tracks that are silent in a mix have no mark there. alt: what there is to see.
    """
    versions = [("raw sum", dry), *mixes]
    if any(len(tracks) != len(names) for _, tracks in versions):
        raise UserError(f"{len(names)} names, but {[len(tracks) for _, tracks in versions]} tracks: they must agree")
    levels = [track_levels(tracks, sample_rate) for _, tracks in versions]

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        for index, ((title, _), offset) in enumerate(zip(versions, _offsets(len(versions)), strict=True)):
            axis.plot(
                levels[index],
                np.arange(len(names)) + offset,
                linestyle="none",
                label=title,
                marker=MARKERS[index % len(MARKERS)],
                color=COLOURS[index % len(COLOURS)],
                markeredgecolor=PAPER,
            )
        _rows(axis, names)
        axis.set_xlabel("loudness of the track relative to the mix (LU)")
        axis.margins(x=0.06)
        sheet.legend(axis, len(versions))

    return figure(draw, alt=alt, height_px=85 + 33 * len(names), narrow_height_px=110 + 38 * len(names))


def plot_stereo_image(
    names: Sequence[str], mixes: Sequence[tuple[str, torch.Tensor]], sample_rate: int, *, alt: str
) -> PageFigure:
    """Where each track stands between the loudspeakers, and how wide it is, in every mix.

    names: of the tracks. mixes: (title, wet tracks [tracks, 2, samples]); sample_rate as in the other plots, in Hz.
    A mark is the level of right over left in dB (0: middle); the bar through it grows with the stereo width, the energy
    of the difference between the channels over the energy of their sum, and is 6 dB long for unrelated channels.
    Silent tracks have no mark. alt: what there is to see.
    """
    images = [stereo_image(tracks) for _, tracks in _some(mixes)]

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        for index, ((title, _), offset) in enumerate(zip(mixes, _offsets(len(mixes)), strict=True), start=1):
            balance, width = images[index - 1]
            axis.errorbar(
                balance,
                np.arange(len(names)) + offset,
                xerr=3 * np.minimum(width, 2.0),
                fmt=MARKERS[index % len(MARKERS)],
                label=title,
                color=COLOURS[index % len(COLOURS)],
                markeredgecolor=PAPER,
                elinewidth=3,
                alpha=0.95,
            )
        _rows(axis, names)
        axis.axvline(0, color=QUIET, linewidth=0.9, zorder=0)
        limit = max(6.0, 1.1 * float(np.abs(axis.get_xlim()).max()))
        axis.set_xlim(-limit, limit)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):g}"))
        left, right = (
            ("left (dB)", "right (dB)") if sheet.narrow else ("louder on the left (dB)", "louder on the right (dB)")
        )
        axis.set_xlabel(f"{left}   \N{LEFTWARDS ARROW} 0 \N{RIGHTWARDS ARROW}   {right}")
        sheet.legend(axis, len(mixes))

    return figure(draw, alt=alt, height_px=85 + 33 * len(names), narrow_height_px=110 + 38 * len(names))


def _offsets(versions: int) -> np.ndarray:
    """Where the marks of several versions lie in the row of a track."""
    return np.linspace(-0.26, 0.26, versions) if versions > 1 else np.zeros(1)


def stereo_image(tracks: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Level of right over left in dB, and side over mid energy, of wet tracks [tracks, 2, samples]; NaN for silence."""
    left, right = tracks.double().cpu().numpy().swapaxes(0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        balance = 10 * np.log10(np.mean(right**2, axis=-1) / np.mean(left**2, axis=-1))
        width = np.mean((left - right) ** 2, axis=-1) / np.mean((left + right) ** 2, axis=-1)
    return balance, width


def track_levels(tracks: torch.Tensor, sample_rate: int) -> np.ndarray:
    """Loudness of each track minus the loudness of their sum, in LU; NaN for silent tracks. tracks: [tracks, c, n]."""
    mix = loudness_of(tracks.sum(dim=0), sample_rate)
    levels = [loudness_of(track, sample_rate) - mix for track in tracks]
    return np.array([level if math.isfinite(level) else math.nan for level in levels])


def _log_spectrogram_db(audio: torch.Tensor, sample_rate: int, bins: int = 160, frames: int = 600) -> np.ndarray:
    """Power [bins, frames] in dB on log-spaced frequencies; bass bins interpolate between FFT lines."""
    samples = audio.detach().to("cpu", torch.float32).numpy()
    n_fft = 4096
    hop = max(256, math.ceil(samples.shape[-1] / frames))
    power = np.mean(np.abs(librosa.stft(samples, n_fft=n_fft, hop_length=hop)) ** 2, axis=0)
    lines = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, bins + 1)
    total = np.concatenate([np.zeros((1, power.shape[1])), np.cumsum(power, axis=0)])
    below = [np.interp(edges, np.append(lines, lines[-1] + lines[1]) - lines[1] / 2, column) for column in total.T]
    return 10 * np.log10(np.diff(np.array(below).T, axis=0) + 1e-10)


def _envelopes(audio: torch.Tensor, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Peak and RMS [channels, columns] of equal pieces of the audio."""
    samples = audio.detach().to("cpu", torch.float32).numpy()
    pieces = np.array_split(samples, min(columns, samples.shape[-1]), axis=-1)
    peak = np.stack([np.abs(piece).max(axis=-1) for piece in pieces], axis=-1)
    rms = np.stack([np.sqrt(np.mean(piece**2, axis=-1)) for piece in pieces], axis=-1)
    return peak, rms


def _some(items: Sequence[Item]) -> Sequence[Item]:
    if not items:
        raise UserError("nothing to plot: give at least one (title, audio) pair")
    return items


def _label_outer(axes: np.ndarray, used: int, xlabel: str, ylabel: str) -> None:
    """Label the outer axes only, and hide the empty places of the grid."""
    columns = axes.shape[1]
    for number, axis in enumerate(axes.flat):
        axis.set_visible(number < used)
        if number >= used - columns:
            axis.set_xlabel(xlabel)
            axis.tick_params(labelbottom=True)
        if number % columns == 0:
            axis.set_ylabel(ylabel)


def _rows(axis: Axes, names: Sequence[str]) -> None:
    """One row for each track, the first on top, with lines between them."""
    for boundary in range(len(names) - 1):
        axis.axhline(boundary + 0.5, color=GRID, linewidth=0.8)
    axis.grid(axis="y", visible=False)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)


def _with_loudness(title: str, audio: torch.Tensor, sample_rate: int) -> str:
    lufs = loudness_of(audio, sample_rate)
    return f"{title}: {lufs:.1f} LUFS".replace("-", "\N{MINUS SIGN}") if math.isfinite(lufs) else f"{title}: silent"


def _finite(lufs: float) -> float:
    return lufs if math.isfinite(lufs) else 0.0


def _hz(frequency: float) -> str:
    return f"{frequency / 1000:g}k" if frequency >= 1000 else f"{frequency:g}"
