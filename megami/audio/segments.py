"""Where the music is loudest, and cutting audio into overlapping blocks and back."""

from __future__ import annotations

from collections.abc import Sequence

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


def overlap_add(blocks: Sequence[Tensor], starts: Sequence[int], num_samples: int, overlap: int) -> Tensor:
    """Join blocks [..., samples of the block] at `starts` into [..., num_samples], cross-fading where they overlap.

    The fades are the halves of a periodic Hann window of 2 * overlap samples, which sum to 1; the song's first and last
    edge are not faded. Raises ValueError where a block is missing, or does not reach `overlap` samples into the next.
    """
    _check_blocks(blocks, starts, num_samples, overlap)
    fade_in = torch.hann_window(2 * overlap, periodic=True, dtype=torch.float64)[:overlap]
    fade_in = fade_in.to(dtype=blocks[0].dtype, device=blocks[0].device)
    out = blocks[0].new_zeros(*blocks[0].shape[:-1], num_samples)
    for place, (block, start) in enumerate(zip(blocks, starts, strict=True)):
        block = block.clone()
        if place > 0 and overlap:
            block[..., :overlap] *= fade_in
        if place < len(starts) - 1 and overlap:
            block[..., -overlap:] *= 1.0 - fade_in
        out[..., start : start + block.shape[-1]] += block
    return out


def _check_blocks(blocks: Sequence[Tensor], starts: Sequence[int], num_samples: int, overlap: int) -> None:
    if not blocks or len(blocks) != len(starts):
        raise ValueError(f"{len(blocks)} blocks for {len(starts)} places")
    ends = [start + block.shape[-1] for start, block in zip(starts, blocks, strict=True)]
    joined = all(end == start + overlap for end, start in zip(ends[:-1], starts[1:], strict=True))
    if starts[0] != 0 or ends[-1] != num_samples or not joined:
        raise ValueError("the blocks do not cover the song with the stated overlap")
