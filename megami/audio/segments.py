"""Where the music is loudest, and cutting audio into overlapping blocks and back."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDING = 1e-12  # windows whose energy differs by less than this share of the whole count as equally loud


def loudest_segment(audio: Tensor, length: int) -> int:
    """First sample of the window of `length` samples with the most energy, summed over all leading dimensions.

    [..., samples], by differences of one cumulative sum in float64; the earliest of equals wins; 0 where the audio is
    no longer than the window. Raises ValueError for a length below 1.
    """
    if length < 1:
        raise ValueError(f"a segment has at least one sample, not {length}")
    if audio.shape[-1] <= length:
        return 0
    power = audio.detach().double().square().reshape(-1, audio.shape[-1]).sum(dim=0)
    total = torch.cat([power.new_zeros(1), power.cumsum(dim=0)])
    energy = total[length:] - total[:-length]
    enough = energy >= energy.max() - ROUNDING * total[-1]
    return int(enough.to(torch.uint8).argmax())


def block_starts(num_samples: int, block: int, overlap: int) -> tuple[int, ...]:
    """First samples of blocks of `block` samples that cover `num_samples`, each sharing `overlap` with the next.

    The last block ends with the audio and may be shorter, but is longer than `overlap`; audio no longer than one block
    is one block. Raises ValueError unless 0 <= 2 * overlap <= block and both lengths are positive.
    """
    if num_samples < 1 or block < 1 or not 0 <= 2 * overlap <= block:
        raise ValueError(f"cannot cut {num_samples} samples into blocks of {block} overlapping by {overlap}")
    starts = [0]
    while starts[-1] + block < num_samples:
        starts.append(starts[-1] + block - overlap)
    return tuple(starts)


def fade_edges(audio: Tensor, fade_in: bool, fade_out: bool, overlap: int) -> Tensor:
    """Fade the first and last `overlap` samples of a block [..., n > overlap] by the halves of a periodic Hann window.

    Works in place and returns the block. Where a block that fades out meets one that fades in, the two sum to 1.
    """
    rise = torch.hann_window(2 * overlap, periodic=True, dtype=torch.float64)[:overlap].to(audio)
    if fade_in and overlap:
        audio[..., :overlap] *= rise
    if fade_out and overlap:
        audio[..., -overlap:] *= 1.0 - rise
    return audio
