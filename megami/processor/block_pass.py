"""The published walk through a song: blocks of 11.9 s, each normalised, rendered and levelled on its own, cross-faded.

`render_tracks` renders a song in one piece and is what we use. This pass is here to give what the published inference
gives, its defects at the seams included, and to measure what they do (golden numbers: `mixdown_blocks`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, block_starts, fade_edges, framed_level_db
from megami.embeddings.dynamics import apply_level
from megami.embeddings.effect_embedding import EmbeddingConfig, level_db
from megami.processor.render import ContentOf, EffectProcessor, plausible_level_db, set_level
from megami.progress import Progress


@dataclass(frozen=True)
class BlockPass:
    """Settings of the pass; the defaults are the published ones. Lengths in samples."""

    block: int = 525_312
    overlap: int = 8_192
    silent_db: float = -45.0  # a track at or below this level (loudest 400 ms) is left out of a block
    fxnorm_short: bool = False  # whether a song of one block is normalised too: the network only knows such input
    published_seams: bool = True  # with the defect described at `fades`
    level_per_block: bool = True  # every block at the generated level, so that crescendos between blocks are lost

    def __post_init__(self) -> None:
        if not 0 < 2 * self.overlap <= self.block:
            raise ValueError(f"blocks of {self.block} samples cannot overlap by {self.overlap}")


@torch.no_grad()
def render_in_blocks(
    processor: EffectProcessor,
    dry: Tensor,
    z: Tensor,
    fxnorm: Callable[[Tensor], Tensor] | None = None,
    content_of: ContentOf | None = None,
    *,
    embedding_config: EmbeddingConfig,
    settings: BlockPass = BlockPass(),
    progress: Progress | None = None,
) -> Tensor:
    """Render every track as the published inference does: dry [tracks, 1, n], z [tracks, dim] -> wet [tracks, 2, n].

    Tracks of a block are normalised together (`fxnorm` sees them as one batch), rendered one by one. Unlike the
    published code it goes on where all tracks of a block are silent, and where the last block is shorter than 0.4 s.
    """
    samples = dry.shape[-1]
    raw = samples <= settings.block and not settings.fxnorm_short  # no FxNorm, and no track left out
    if raw:
        fxnorm = None
    wet = dry.new_zeros(len(dry), 2, samples)
    starts = block_starts(samples, settings.block, settings.overlap)
    for number, start in enumerate(starts):
        if progress is not None:
            progress("rendering", number, len(starts))
        piece = dry[..., start : start + settings.block]
        playing = list(range(len(dry))) if raw else playing_tracks(piece, settings.silent_db)
        if not playing:
            continue
        rendered = _render_block(processor, piece[playing].to(z.device), z[playing], fxnorm, content_of)
        if settings.level_per_block:
            rendered = apply_level(rendered, level_db(embedding_config, z[playing]))
        if len(starts) > 1:
            fade_edges(rendered, *fades(number, len(starts), len(playing), settings.published_seams), settings.overlap)
        wet[playing, :, start : start + piece.shape[-1]] += rendered.to(dry.device)
    if not settings.level_per_block:
        wet = set_level(wet, plausible_level_db(embedding_config, z).to(dry.device))
    return wet


def playing_tracks(dry: Tensor, silent_db: float) -> list[int]:
    """Which of [tracks, 1, n] have 400 ms above a level in dB."""
    return [index for index, level in enumerate(framed_level_db(dry, SAMPLE_RATE)[:, 0].tolist()) if level > silent_db]


def _render_block(
    processor: EffectProcessor,
    dry: Tensor,
    z: Tensor,
    fxnorm: Callable[[Tensor], Tensor] | None,
    content_of: ContentOf | None,
) -> Tensor:
    """One block [tracks, 1, n] -> [tracks, 2, n], track by track: statistics are those of the track's block."""
    source = dry if fxnorm is None else fxnorm(dry)
    wet = []
    for track, own_z in zip(source.split(1), z.split(1), strict=True):
        wet.append(processor.render(track, own_z, None if content_of is None else content_of(track)))
    return torch.cat(wet)


def fades(number: int, blocks: int, playing: int, published: bool) -> tuple[bool, bool]:
    """Say whether block `number` of so many is faded in, and out.

    Repaired: all edges but the song's own. Published: a block counts as the first one where exactly one track plays in
    it, and never otherwise, since a loop over the tracks overwrites the block's number. So the beginning of a song is
    faded in, and a lone track is doubled at each seam and fades out at the end.
    """
    if not published:
        return number > 0, number < blocks - 1
    if playing == 1:
        return False, True
    return True, number < blocks - 1
