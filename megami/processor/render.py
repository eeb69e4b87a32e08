"""From dry tracks and effect embeddings to wet tracks: any processor, any length, level and balance set once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE, SILENT_DB, framed_level_db
from megami.embeddings.dynamics import apply_level
from megami.embeddings.effect_embedding import EmbeddingConfig, decode, level_db
from megami.processor.panorama import largest_balance_db
from megami.progress import Progress

ContentOf = Callable[[Tensor], Tensor]
"""Describes what a track plays, for processors that want to know: what the processor hears [1, 1, n] -> [1, c]."""

QUIETEST_DB, LOUDEST_DB = -70.0, 3.0
LARGEST_GAIN_DIFFERENCE_DB = 20.0
SHORTEST_SECONDS = 0.5
"""Shorter tracks are measured and rendered with silence after them."""


class EffectProcessor(Protocol):
    """What renders an effect embedding onto a dry track; FilmTCN and StructuredProcessor are two.

    Called: dry [b, 1, n], z [b, dim], content [b, c] or None -> wet [b, 2, n], differentiable, level of no meaning.
    `render`: the same result without gradients, in memory that hardly grows with n; `block` in samples, each class has
    its own default.
    """

    def __call__(self, dry: Tensor, z: Tensor, content: Tensor | None = None) -> Tensor: ...

    def render(self, dry: Tensor, z: Tensor, content: Tensor | None = None, block: int = ...) -> Tensor: ...


def plausible_level_db(config: EmbeddingConfig, z: Tensor) -> Tensor:
    """Framed level of left and right that z asks for [b, 2], kept within -70..+3 dB: a generated z can say anything.

    Where z tells how much side there is, the balance is none that would need more. A generated z is never exact, and a
    tenth of a dB between channels that should be the same would move a mono track out of the middle.
    """
    level = level_db(config, z).nan_to_num(QUIETEST_DB).clamp(QUIETEST_DB, LOUDEST_DB)
    if not config.spectrum_dim:
        return level
    limit = largest_balance_db(decode(config, z)["side_bands_db"].nan_to_num(0.0))
    return level.clamp_min(level.amax(-1, keepdim=True) - limit[..., None])  # the louder channel is believed


def set_level(wet: Tensor, wanted_db: Tensor) -> Tensor:
    """Give each channel of [b, 2, n] its level in dB [b, 2], the louder one exactly.

    The gains of the two channels may differ by 20 dB at most, so that a channel in which the processor left next to
    nothing is not blown up. MEGAMI (level from the embedding), with that cap.
    """
    have_db = framed_level_db(wet, SAMPLE_RATE)
    gain_db = wanted_db - have_db
    leading = gain_db.gather(-1, wanted_db.argmax(-1, keepdim=True))
    gain_db = gain_db.clamp(leading - LARGEST_GAIN_DIFFERENCE_DB, leading + LARGEST_GAIN_DIFFERENCE_DB)
    return apply_level(wet, have_db + gain_db)


def render_track(
    processor: EffectProcessor,
    dry: Tensor,
    z: Tensor,
    embedding_config: EmbeddingConfig,
    fxnorm: Callable[[Tensor], Tensor] | None = None,
    content_of: ContentOf | None = None,
) -> Tensor:
    """One whole track: dry [1, 1, n], z [1, dim] -> wet [1, 2, n]. A track below -60 dB comes back silent."""
    samples = dry.shape[-1]
    # Too short for a level frame or a window: silence after the end, cut off again.
    padded = F.pad(dry, (0, max(0, int(SHORTEST_SECONDS * SAMPLE_RATE) - samples)))
    if float(framed_level_db(padded, SAMPLE_RATE).max()) < SILENT_DB:
        return dry.new_zeros(1, 2, samples)
    source = padded if fxnorm is None else fxnorm(padded)
    content = None if content_of is None else content_of(source)
    wet = processor.render(source, z, content)
    return set_level(wet, plausible_level_db(embedding_config, z))[..., :samples]


@torch.no_grad()
def render_tracks(
    processor: EffectProcessor,
    dry: Tensor,
    z: Tensor,
    fxnorm: Callable[[Tensor], Tensor] | None = None,
    content_of: ContentOf | None = None,
    *,
    embedding_config: EmbeddingConfig,
    progress: Progress | None = None,
) -> Tensor:
    """Render every track of a song with its own effect embedding.

    dry [tracks, 1, n], z [tracks, dim] -> wet [tracks, 2, n]. `fxnorm` prepares each track for the processor, and
    `content_of` describes what is so prepared, for processors conditioned on content. Works through each track in
    blocks without seams: the result is that of one pass over the song. Level and balance are set once per track from z;
    near-silent tracks stay silent; any n > 0; tracks do not influence each other.
    """
    wet = dry.new_zeros(len(dry), 2, dry.shape[-1])
    for index in range(len(dry)):
        if progress is not None:
            progress("rendering", index, len(dry))
        one = slice(index, index + 1)
        source = dry[one].to(z.device)
        wet[one] = render_track(processor, source, z[one], embedding_config, fxnorm, content_of).to(dry.device)
    return wet
