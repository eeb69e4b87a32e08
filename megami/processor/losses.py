"""How far a rendered track is from its target: the published spectral loss, the small one, and errors one can read."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import bring_to_rms
from megami.embeddings import mid_bands_db, side_bands_db

PAPER_SCALES = ((4096, 1024), (2048, 512), (1024, 256), (512, 128))
"""(window, hop) in samples of the published loss."""
SMALL_SCALES = (256, 1024, 4096)
"""Windows in samples of the small loss; the hop is half of each (a quarter doubles the time of a step)."""

SILENCE_POWER = 1e-10
MATCHED_RMS = 0.1
LOG_FLOOR = 1e-4


@dataclass(frozen=True)
class SpectralTerms:
    """Every term of the published spectral loss; scales run from the longest window to the shortest."""

    midside_magnitude: Tensor  # [scales, 2]: mid, side
    midside_log: Tensor  # [scales, 2]
    left_right_magnitude: Tensor  # [scales]
    left_right_log: Tensor  # [scales]
    log_weight: float = 0.1

    @property
    def midside(self) -> Tensor:
        """Mean of mid and side of the weighted terms, SUMMED over scales."""
        return self._weighted(self.midside_magnitude.mean(1), self.midside_log.mean(1))

    @property
    def left_right(self) -> Tensor:
        """The weighted terms of left and right together, SUMMED over scales."""
        return self._weighted(self.left_right_magnitude, self.left_right_log)

    def _weighted(self, magnitude: Tensor, log: Tensor) -> Tensor:
        return (1 - self.log_weight) * magnitude.sum() + self.log_weight * log.sum()


def _stft(audio: Tensor, window_length: int, hop: int) -> Tensor:
    """Centred STFT with a periodic Hann: [b, c, n] -> complex [b, c, bins, frames]."""
    window = torch.hann_window(window_length, device=audio.device, dtype=audio.dtype)
    flat = audio.reshape(-1, audio.shape[-1])
    half = window_length // 2
    # Reflection needs more samples than it adds; shorter clips are continued with silence.
    padded = F.pad(flat, (half, half), mode="reflect" if flat.shape[-1] > half else "constant")
    spectrum = torch.stft(padded, window_length, hop, window=window, center=False, return_complex=True)
    return spectrum.reshape(*audio.shape[:-1], *spectrum.shape[-2:])


def _paper_magnitudes(audio: Tensor, window_length: int, hop: int) -> Tensor:
    """Magnitudes [b, c, bins - 1, frames] as published: no DC bin, and no last frame where it is only padding."""
    spectrum = torch.view_as_real(_stft(audio, window_length, hop))
    magnitude = (spectrum.square().sum(-1) + 1e-7).sqrt()[:, :, 1:]
    return magnitude[..., :-1] if audio.shape[-1] % round(window_length / 4) == 0 else magnitude


def spectral_loss_terms(prediction: Tensor, target: Tensor) -> SpectralTerms:
    """All terms of the published multi-scale loss over left/right and over mid/side (L + R and L - R, no factor).

    prediction, target [b, 2, n], n > 2048, full scale 1. Magnitude terms are mean absolute differences, log terms mean
    squared differences of log10. MEGAMI (effect processor).
    """
    magnitude: list[Tensor] = []
    log: list[Tensor] = []
    lr_magnitude: list[Tensor] = []
    lr_log: list[Tensor] = []
    mid_side = torch.tensor([[1.0, 1.0], [1.0, -1.0]], device=target.device, dtype=target.dtype)
    for window_length, hop in PAPER_SCALES:
        for form, magnitudes, logs in ((mid_side, magnitude, log), (None, lr_magnitude, lr_log)):
            pair = [audio if form is None else form @ audio for audio in (prediction, target)]
            a, b = (_paper_magnitudes(audio, window_length, hop) for audio in pair)
            over = (0, 1, 2, 3) if form is None else (0, 2, 3)
            magnitudes.append((a - b).abs().mean(over))
            logs.append((torch.log10(a + 1e-6) - torch.log10(b + 1e-6)).square().mean(over))
    return SpectralTerms(torch.stack(magnitude), torch.stack(log), torch.stack(lr_magnitude), torch.stack(lr_log))


def embedding_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """One minus the mean cosine of two sets of effect embeddings [b, d]."""
    return 1 - F.cosine_similarity(prediction, target, dim=-1).mean()


def processor_loss_paper(
    prediction: Tensor,
    target: Tensor,
    projection_prediction: Tensor,
    projection_target: Tensor,
    weights: tuple[float, float, float] = (1.0, 1.0, 1.5),
) -> Tensor:
    """The published training loss of the effect processor: mid/side + left/right + embedding, a scalar.

    Audio [b, 2, n] at the level the network works at (-16 dB per channel); projections [b, d] of the effect encoder.
    """
    terms = spectral_loss_terms(prediction, target)
    midside, left_right, embedding = weights
    return (
        midside * terms.midside
        + left_right * terms.left_right
        + embedding * embedding_loss(projection_prediction, projection_target)
    )


def match_level_per_channel(audio: Tensor, target: Tensor) -> Tensor:
    """Give each channel of `audio` [b, 2, n] the RMS of the same channel of `target`; silence stays silence.

    Level and balance are no business of the processor: they are set from the embedding afterwards.
    """
    return bring_to_rms(audio, target.square().mean(-1, keepdim=True).sqrt(), -1, SILENCE_POWER)


def level_per_channel(audio: Tensor, rms: float = MATCHED_RMS) -> Tensor:
    """Bring each channel of [b, 2, n] to one RMS; silence stays silence."""
    return bring_to_rms(audio, rms, -1, SILENCE_POWER)


def _level_together(audio: Tensor, rms: float = MATCHED_RMS) -> Tensor:
    """Bring each item to one RMS over both channels, which keeps their balance."""
    return bring_to_rms(audio, rms, (-2, -1), SILENCE_POWER)


def _left_right_mid_side(audio: Tensor, window_length: int) -> Tensor:
    """Magnitudes [b, 4, bins, frames] of L, R, M, S; a tone of amplitude A measures about A, noise its RMS."""
    left, right = _stft(audio, window_length, window_length // 2).unbind(1)
    spectra = torch.view_as_real(torch.stack([left, right, (left + right) / 2, (left - right) / 2], dim=1))
    energy_of_window = 0.375 * window_length
    return (spectra.square().sum(-1) / energy_of_window + 1e-12).sqrt()


def small_spectral_errors(prediction: Tensor, target: Tensor, keep_balance: bool = False) -> Tensor:
    """The spectral error of each item of a batch: [b, 2, n] x 2 -> [b], 0 when equal up to a level per channel.

    The prediction is matched in RMS to the target, channel by channel; the target is first brought to a fixed level,
    per channel or, with `keep_balance`, as a pair (what is heard once the balance is restored). For each window: the
    distance of magnitudes relative to the energy of left and right (never of side, which can be zero), plus the mean
    absolute log ratio with a floor at -60 dB; means over L, R, M, S and windows.
    """
    target = _level_together(target) if keep_balance else level_per_channel(target)
    prediction = match_level_per_channel(prediction, target)
    errors = []
    for window_length in SMALL_SCALES:
        a, b = (_left_right_mid_side(audio, window_length) for audio in (prediction, target))
        energy = b[:, :2].square().mean((1, 2, 3)) + SILENCE_POWER
        distance = ((a - b).square().mean((2, 3)) / energy[:, None] + 1e-8).sqrt().mean(1)
        log_ratio = (torch.log(a + LOG_FLOOR) - torch.log(b + LOG_FLOOR)).abs().mean((1, 2, 3))
        errors.append(distance + log_ratio)
    return torch.stack(errors).mean(0)


def small_spectral_loss(prediction: Tensor, target: Tensor, keep_balance: bool = False) -> Tensor:
    """Mean of `small_spectral_errors` over the batch: the training loss of the small processors."""
    return small_spectral_errors(prediction, target, keep_balance).mean()


DECAY_WINDOW, DECAY_HOP = 1024, 512
DECAY_EDGES_HZ = (88.0, 177.0, 354.0, 707.0, 1414.0, 2828.0, 5657.0, 11314.0)
DECAY_RANGE_DB = 60.0


def decay_curves_db(audio: Tensor, stop: Tensor, sample_rate: int = 44100) -> Tensor:
    """Energy decay per octave band after sample `stop` [b]: [b, 2, n] -> [b, 2, bands, frames] in dB.

    The energy of a band that is still to come after each frame, over the band's energy in the whole clip (Schroeder
    1965, on the sound itself), not below -60 dB. Constant before `stop`.
    """
    power = torch.view_as_real(_stft(audio, DECAY_WINDOW, DECAY_HOP)).square().sum(-1)  # [b, 2, bins, frames]
    edges = [round(hz * DECAY_WINDOW / sample_rate) for hz in DECAY_EDGES_HZ]
    bands = torch.stack([power[:, :, a:b].sum(2) for a, b in itertools.pairwise(edges)], dim=2)
    # The first frame that no longer hears what is before the stop.
    first = (stop + DECAY_WINDOW // 2) // DECAY_HOP + 1
    after = torch.arange(bands.shape[-1], device=audio.device) >= first[:, None]
    left = (bands * after[:, None, None]).flip(-1).cumsum(-1).flip(-1)
    return 10 * torch.log10(left / (bands.sum(-1, keepdim=True) + SILENCE_POWER) + 10 ** (-DECAY_RANGE_DB / 10))


def last_sound(dry: Tensor) -> Tensor:
    """The sample after which a dry track [b, 1, n] is silent: [b]."""
    index = torch.arange(1, dry.shape[-1] + 1, device=dry.device)
    return ((dry[:, 0] != 0) * index).amax(-1)


def decay_errors_db(prediction: Tensor, target: Tensor, dry: Tensor) -> Tensor:
    """How far the energy decay is wrong once the dry track has fallen silent: mean over time and bands [b] in dB.

    prediction, target [b, 2, n], dry [b, 1, n]. 0 for a dry track that sounds to its end. A spectral error, in which a
    tail 30 dB down is one frame among many, hardly notices.
    """
    stop = last_sound(dry)
    a, b = (decay_curves_db(audio, stop) for audio in (prediction, target))
    ends = stop < dry.shape[-1] - 4 * DECAY_WINDOW
    return (a - b).abs().mean((1, 2, 3)) * ends


def mid_side_error_db(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Errors one can read: by how many dB the colour of the mid and the width are wrong, band by band.

    [b, 2, n] x 2, the prediction at its final level and balance -> absolute errors in mid bands [b, 24] (30 Hz to
    18 kHz, relative to the whole mid) and in side bands [b, 8] (side over mid). Spectral losses hardly see the side.
    """
    mid = (mid_bands_db(prediction) - mid_bands_db(target)).abs()
    side = (side_bands_db(prediction) - side_bands_db(target)).abs()
    return mid, side
