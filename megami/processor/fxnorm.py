"""FxNorm: take a track's own colour and level away before effects are put on, so that wet and dry inputs look alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.audio import normalising_gain

ROWS_AT_ONCE = 512
FRAMES_AT_ONCE = 1024
MAGNITUDE_FLOOR = 1e-6
SILENT_PEAK = 1e-7


@dataclass(frozen=True)
class FxNormConfig:
    """Settings of the spectral normalisation; the defaults are the published ones but for `shared_division`."""

    n_fft: int = 4096
    window: int = 2048
    hop: int = 1024
    largest_gain: float = 100.0  # 40 dB; there is no lower limit
    level_db: float = -16.0
    gate: bool = True  # level of the loudest 400 ms (else of the whole clip)
    shared_division: bool = False  # divide the batch by its one maximum, as published: tracks then influence each other

    @property
    def bins(self) -> int:
        """Frequencies of a curve, 0 Hz to half the sample rate."""
        return self.n_fft // 2 + 1


def smoothing_rows(rows: Tensor, bins: int) -> Tensor:
    """Rows of the matrix that smooths a spectrum over a constant share of the frequency: [len(rows), bins].

    Gaussians of standard deviation f / (3 pi), each row of sum one; bin 0 is left as it is.
    """
    place = torch.arange(bins, dtype=torch.float64, device=rows.device)
    centre = rows.double()[:, None]
    spread = centre.clamp(min=1e-9) / (3 * math.pi)
    weights = torch.exp(-((place - centre) ** 2) / (2 * spread**2))
    return (weights / weights.sum(-1, keepdim=True)).float()


def smooth_curve(curve: Tensor, rows: Tensor | None = None) -> Tensor:
    """Smooth a curve [bins] of any length by `smoothing_rows`: at all its bins, or at those in `rows` only.

    Some rows at a time, as the whole matrix for 32769 bins would need 4.3 GB.
    """
    rows = torch.arange(len(curve), device=curve.device) if rows is None else rows
    return torch.cat([smoothing_rows(some, len(curve)) @ curve for some in rows.split(ROWS_AT_ONCE)]).clamp(min=0)


def target_from_fine_curve(curve: Tensor, bins: int = 2049) -> Tensor:
    """Target curve [bins] from one measured with a longer FFT (published: 32769 bins): smooth, then interpolate.

    Linear, with half-pixel centres; the fine curve is smoothed only where the interpolation looks.
    """
    place = ((torch.arange(bins, dtype=torch.float64) + 0.5) * len(curve) / bins - 0.5).clamp(0, len(curve) - 1)
    below = place.long()
    above = (below + 1).clamp(max=len(curve) - 1)
    share = (place - below).float()
    return (1 - share) * smooth_curve(curve, below) + share * smooth_curve(curve, above)


class FxNorm(nn.Module):
    """Equalise mono tracks to one average spectrum and bring them to one level. MEGAMI (FxNorm-automix).

    forward: [b, 1, n] -> [b, 1, n], any n > 0; silence stays silence; long tracks are done some frames at a time. Each
    track depends on itself alone, unless the config asks for the published division by the maximum of the batch. With
    `image` [b, 2, n], the stereo tracks that the input is folded from, these are given what the input would be given.
    """

    target_curve: Tensor
    window: Tensor
    smoothing: Tensor

    def __init__(self, target_curve: Tensor, config: FxNormConfig = FxNormConfig()) -> None:
        super().__init__()
        if target_curve.shape != (config.bins,):
            raise ValueError(f"the target curve has shape {tuple(target_curve.shape)}, not ({config.bins},)")
        self.config = config
        self.register_buffer("target_curve", target_curve.float().clone())
        self.register_buffer("window", torch.hann_window(config.window).sqrt(), persistent=False)
        self.register_buffer("smoothing", smoothing_rows(torch.arange(config.bins), config.bins), persistent=False)

    def forward(self, audio: Tensor, image: Tensor | None = None) -> Tensor:
        scaled, gains = self._measured(audio)
        equalised = self._filter(scaled, gains)
        gain = normalising_gain(equalised, self.config.level_db, self.config.gate)
        if image is None:
            return equalised * gain
        peak = self.largest(audio)
        return torch.cat([self._filter(channel / peak, gains) for channel in image.split(1, dim=1)], dim=1) * gain

    def equalise(self, audio: Tensor) -> Tensor:
        """The spectral part alone: [b, 1, n] -> [b, 1, n]."""
        return self._filter(*self._measured(audio))

    def _measured(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """The tracks with peaks of one [b, 1, n], and the gains [b, bins] that they are to be given."""
        scaled = self.divide(audio)
        return scaled, self.gain_curves(self.mean_magnitude(scaled))[1]

    def divide(self, audio: Tensor) -> Tensor:
        """Bring peaks to one: by each track's own largest magnitude, or by the largest value of the batch."""
        return audio / self.largest(audio)

    def largest(self, audio: Tensor) -> Tensor:
        """What `divide` divides by; one for silence."""
        peak = audio.amax() if self.config.shared_division else audio.abs().amax((-2, -1), keepdim=True)
        return torch.where(peak.abs() < SILENT_PEAK, torch.ones_like(peak), peak)

    def mean_magnitude(self, audio: Tensor) -> Tensor:
        """Root mean power over time of each bin: [b, 1, n] -> [b, bins]; the window's norm is divided out."""
        power, count = audio.new_zeros(()), 0
        for frames in self._frames(audio):
            power = power + torch.view_as_real(self._spectra(frames)).square().sum((-1, 1))
            count += frames.shape[1]
        return (power / count).sqrt() / self.window.square().sum().sqrt()

    def gain_curves(self, magnitude: Tensor) -> tuple[Tensor, Tensor]:
        """Gains [b, bins] towards the target: limited to 40 dB, and smoothed after that."""
        gain = (self.target_curve / (magnitude + MAGNITUDE_FLOOR)).clamp(max=self.config.largest_gain)
        return gain, (gain @ self.smoothing.T).clamp(min=0)

    def _frames(self, audio: Tensor) -> Iterator[Tensor]:
        """Windows of the track [b, some frames, window], centred on multiples of the hop, the ends reflected."""
        window, hop = self.config.window, self.config.hop
        length = max(audio.shape[-1] + -audio.shape[-1] % hop, window)
        padded = F.pad(F.pad(audio[:, 0], (0, length - audio.shape[-1])), (window // 2, window // 2), mode="reflect")
        yield from padded.unfold(-1, window, hop).split(FRAMES_AT_ONCE, dim=1)

    def _spectra(self, frames: Tensor) -> Tensor:
        return torch.fft.rfft(frames * self.window, self.config.n_fft)

    def _filter(self, audio: Tensor, gains: Tensor) -> Tensor:
        """Multiply every frame by the gains and add the frames up again; the squared windows sum to one."""
        window, hop = self.config.window, self.config.hop
        pieces = []
        for frames in self._frames(audio):
            filtered = torch.fft.irfft(self._spectra(frames) * gains[:, None], self.config.n_fft)[..., :window]
            pieces.append((filtered * self.window).reshape(len(audio), -1, window // hop, hop))
        frames = torch.cat(pieces, dim=1)
        out = frames.new_zeros(len(audio), frames.shape[1] + window // hop - 1, hop)
        for part in range(window // hop):
            out[:, part : part + frames.shape[1]] += frames[:, :, part]
        # The first half window lies before the track.
        return out.flatten(1)[:, None, window // 2 : window // 2 + audio.shape[-1]]


def average_curve(clips: Iterable[Tensor], config: FxNormConfig = FxNormConfig()) -> Tensor:
    """Target curve [bins] of a collection: the smoothed average spectrum of mono clips [b, 1, n] of peak one.

    Silent clips do not count. Raises ValueError if nothing is left.
    """
    probe = FxNorm(torch.ones(config.bins), config)
    total, count = torch.zeros(config.bins), 0
    for clip in clips:
        heard = clip[clip.abs().amax((-2, -1)) > SILENT_PEAK]
        if len(heard):
            peaks = heard.abs().amax((-2, -1), keepdim=True)
            total = total + probe.mean_magnitude(heard / peaks).sum(0)
            count += len(heard)
    if not count:
        raise ValueError("no clip with sound in it: there is no average spectrum")
    return (probe.smoothing @ (total / count)).clamp(min=0)
