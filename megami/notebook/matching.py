"""Loudness matching: what is compared by ear must be equally loud, or the louder one wins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from megami.audio import integrated_loudness, true_peak_db


@dataclass(frozen=True)
class Match:
    """How an item is brought to the common loudness: its own loudness (LUFS), and the gain (dB) it is played with."""

    loudness_lufs: float
    gain_db: float

    @property
    def played_lufs(self) -> float:
        """The loudness that is heard."""
        return self.loudness_lufs + self.gain_db


def loudness_of(audio: torch.Tensor, sample_rate: int) -> float:
    """Integrated loudness in LUFS of [channels, samples] as heard from two loudspeakers; silence is -inf.

    BS.1770 adds the channels' power, so a mono recording measures 3 LU less than the same played by both loudspeakers,
    which is what a player does: mono is doubled first.
    """
    return integrated_loudness(audio.expand(2, -1) if audio.shape[0] == 1 else audio, sample_rate)


def match_loudness(
    audios: Sequence[torch.Tensor], sample_rate: int, target_lufs: float = -16.0, ceiling_dbtp: float = -1.5
) -> tuple[Match, ...]:
    """Gains that make all items equally loud, then turn all of them down together so that none clips.

    audios: each [channels, samples]. ceiling_dbtp: highest true peak allowed; lossy coding overshoots by about 0.5 dB,
    hence half a decibel below the usual -1 dBTP. Silent items keep a gain of 0 dB.
    """
    loudness = [loudness_of(audio, sample_rate) for audio in audios]
    gains = [target_lufs - lufs if math.isfinite(lufs) else 0.0 for lufs in loudness]
    return _turn_down_together(audios, sample_rate, loudness, gains, ceiling_dbtp)


def keep_balance(audios: Sequence[torch.Tensor], sample_rate: int, ceiling_dbtp: float = -1.5) -> tuple[Match, ...]:
    """One gain for all items: their balance stays as it is, the loudest true peak comes to the ceiling."""
    loudness = [loudness_of(audio, sample_rate) for audio in audios]
    peaks = [
        true_peak_db(audio, sample_rate) for audio, lufs in zip(audios, loudness, strict=True) if math.isfinite(lufs)
    ]
    gain = ceiling_dbtp - max(peaks) if peaks else 0.0
    return tuple(Match(lufs, gain) for lufs in loudness)


def _turn_down_together(
    audios: Sequence[torch.Tensor], sample_rate: int, loudness: list[float], gains: list[float], ceiling_dbtp: float
) -> tuple[Match, ...]:
    peaks = [
        true_peak_db(audio, sample_rate) + gain
        for audio, lufs, gain in zip(audios, loudness, gains, strict=True)
        if math.isfinite(lufs)
    ]
    too_much = max(0.0, max(peaks) - ceiling_dbtp) if peaks else 0.0
    return tuple(
        Match(lufs, gain - too_much if math.isfinite(lufs) else 0.0) for lufs, gain in zip(loudness, gains, strict=True)
    )
