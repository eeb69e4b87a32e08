"""The small picture of a piece of audio in the player: how loud each channel is over time, and how bright it sounds."""

from __future__ import annotations

import itertools

import numpy as np
import torch

COLUMNS = 480
FIELDS = 5  # bytes per column: left RMS, left peak, right RMS, right peak, brightness
_HEIGHT_EXPONENT = 0.6  # between linear amplitude (quiet passages vanish) and decibels (everything looks full)
_DARKEST_HZ, _BRIGHTEST_HZ = 120.0, 2000.0


def overview(audio: torch.Tensor, sample_rate: int, reference: float, columns: int = COLUMNS) -> bytes:
    """Five bytes per column: RMS and peak of left, of right (255 = `reference` amplitude), and spectral brightness.

    audio: [channels, samples], mono is drawn on both sides. Brightness is the centre of log frequency,
    0 at 120 Hz (a bass guitar) and 255 at 2 kHz (a hi-hat). Returns columns x 5 bytes, column by column.
    """
    samples = audio.detach().to("cpu", torch.float32).numpy()
    stereo = np.broadcast_to(samples, (2, samples.shape[-1])) if samples.shape[0] == 1 else samples[:2]
    if stereo.shape[-1] == 0:
        return bytes(columns * FIELDS)
    edges = np.linspace(0, stereo.shape[-1], columns + 1).astype(int)
    rows = np.zeros((columns, FIELDS))
    for column, (start, end) in enumerate(itertools.pairwise(edges)):
        piece = stereo[:, start : max(end, start + 1)]
        rows[column, 0:4:2] = np.sqrt(np.mean(piece**2, axis=-1))
        rows[column, 1:4:2] = np.abs(piece).max(axis=-1)
    rows[:, :4] = np.clip(rows[:, :4] / max(reference, 1e-9), 0.0, 1.0) ** _HEIGHT_EXPONENT
    rows[:, 4] = _smooth(_brightness(stereo.mean(axis=0), sample_rate, edges))
    return np.round(255 * rows).astype(np.uint8).tobytes()


def _brightness(mono: np.ndarray, sample_rate: int, edges: np.ndarray, n_fft: int = 2048) -> np.ndarray:
    """Centre of log frequency of one frame per column, mapped to 0..1; [columns]."""
    frequencies = np.fft.rfftfreq(n_fft, 1 / sample_rate)[1:]
    octaves = np.log2(frequencies)
    padded = np.pad(mono, (n_fft // 2, n_fft))
    centres = (edges[:-1] + edges[1:]) // 2
    frames = padded[centres[:, None] + np.arange(n_fft)] * np.hanning(n_fft)
    magnitude = np.abs(np.fft.rfft(frames))[:, 1:] + 1e-9
    tilted = magnitude / np.sqrt(frequencies)  # 3 dB an octave: bins crowd at high frequencies
    centroid = (tilted * octaves).sum(axis=1) / tilted.sum(axis=1)
    low, high = np.log2(_DARKEST_HZ), np.log2(_BRIGHTEST_HZ)
    return np.clip((centroid - low) / (high - low), 0.0, 1.0)


def _smooth(values: np.ndarray, width: int = 3) -> np.ndarray:
    kernel = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(values, width // 2, mode="edge"), kernel / kernel.sum(), mode="valid")
