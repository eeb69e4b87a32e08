"""From dry tracks and effect embeddings to wet tracks: any processor, any length, level and balance set once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE, SILENT_DB, db_to_gain, framed_level_db, framed_power, has_image, large_zeros
from megami.embeddings.dynamics import apply_level
from megami.embeddings.effect_embedding import EmbeddingConfig, decode, level_db
from megami.processor.panorama import largest_balance_db
from megami.progress import Progress

ContentOf = Callable[[Tensor], Tensor]
"""Describes what a track plays, for processors that want to know: what the processor hears [1, 1, n] -> [1, c]."""

QUIETEST_DB, LOUDEST_DB = -70.0, 3.0
LARGEST_GAIN_DIFFERENCE_DB = 20.0
SMALLEST_POWER = 1e-12  # of a rendered track: its level is not raised from nothing
MOST_SAMPLES_AT_ONCE = 2 * 240 * SAMPLE_RATE  # two tracks of four minutes
SHORTEST_SECONDS = 0.5
"""Shorter tracks are measured and rendered with silence after them."""


class EffectProcessor(Protocol):
    """What renders an effect embedding onto a dry track; FilmTCN and StructuredProcessor are two.

    Called: dry [b, 1, n], z [b, dim], content [b, c] or None -> wet [b, 2, n], differentiable, level of no meaning.
    `render`: the same result without gradients, in memory that hardly grows with n; `block` in samples, each class has
    its own default. `render_image`: that, and the same done to the stereo track [b, 2, n] that `dry` is folded from.
    One that also has `measure(dry, image)` is given what that says as `measured`, and is asked once for all takes.
    """

    def __call__(self, dry: Tensor, z: Tensor, content: Tensor | None = None) -> Tensor: ...

    def render(self, dry: Tensor, z: Tensor, content: Tensor | None = None, block: int = ...) -> Tensor: ...

    def render_image(
        self, dry: Tensor, image: Tensor, z: Tensor, content: Tensor | None = None, block: int = ...
    ) -> tuple[Tensor, Tensor]: ...


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
    return apply_level(wet, reachable_level_db(have_db, wanted_db), SAMPLE_RATE, have_db)


def reachable_level_db(have_db: Tensor, wanted_db: Tensor) -> Tensor:
    """The levels in dB [b, 2] that `set_level` gives channels that have some [b, 2], for those wanted [b, 2]."""
    gain_db = wanted_db - have_db
    leading = gain_db.gather(-1, wanted_db.argmax(-1, keepdim=True))
    gain_db = gain_db.clamp(leading - LARGEST_GAIN_DIFFERENCE_DB, leading + LARGEST_GAIN_DIFFERENCE_DB)
    return have_db + gain_db


def set_level_of_image(wet: Tensor, wet_image: Tensor, image: Tensor, wanted_db: Tensor) -> Tensor:
    """Give a rendered stereo track the level and balance of its mono fold, rendered likewise: [b, 2, n].

    wet [b, 2, n] is the rendered fold, wet_image the rendered track, image the track before. Left and right are turned
    up as those of the fold are, so that a balance moves the image as a console does; one that leans as the plan wants
    it already is not moved twice. Then both together, to the power that the fold would have in its loudest 400 ms.
    """
    have_db = framed_level_db(wet, SAMPLE_RATE)
    reached_db = reachable_level_db(have_db, wanted_db)
    gain_db = reached_db - have_db
    mono = apply_level(wet, reached_db, SAMPLE_RATE, have_db)
    own, asked = (level[:, 0] - level[:, 1] for level in (framed_level_db(image, SAMPLE_RATE), reached_db))
    twice = torch.where(own * asked > 0, own.sign() * torch.minimum(own.abs(), asked.abs()), torch.zeros_like(own))
    balanced = wet_image * db_to_gain(gain_db - torch.stack([twice, -twice], dim=-1) / 2)[..., None]
    have, wanted = (loudest_power(audio) for audio in (balanced, mono))
    common_db = 10 * torch.log10((wanted + SMALLEST_POWER) / (have + SMALLEST_POWER))
    common_db = common_db.clamp(-LARGEST_GAIN_DIFFERENCE_DB, LARGEST_GAIN_DIFFERENCE_DB)
    return balanced * db_to_gain(common_db)[:, None, None]


def loudest_power(audio: Tensor) -> Tensor:
    """Power of the channels of [b, 2, n] together in their loudest 400 ms: [b]."""
    return framed_power(audio, SAMPLE_RATE).sum(dim=1).amax(dim=-1)


@dataclass
class Known:
    """What was measured of a dry track when it was rendered before: no take of a song needs to measure it again."""

    level_db: float | None = None  # of the loudest 400 ms of the louder channel
    by_processor: dict[str, Any] | None = None  # what the processor's own `measure` said, where it has one


def render_track(
    processor: EffectProcessor,
    dry: Tensor,
    z: Tensor,
    embedding_config: EmbeddingConfig,
    fxnorm: Callable[..., Tensor] | None = None,
    content_of: ContentOf | None = None,
    image: Tensor | None = None,
    known: Known | None = None,
) -> Tensor:
    """One whole track: dry [1, 1, n], z [1, dim] -> wet [1, 2, n]. A track below -60 dB comes back silent.

    `image` [1, 2, n] is the stereo track that `dry` is folded from: it is what is rendered, as is decided from `dry`.
    `known` is of this same track, image, processor and FxNorm; what it lacks is measured and entered.
    """
    known = known or Known()
    samples = dry.shape[-1]
    # Too short for a level frame or a window: silence after the end, cut off again.
    missing = max(0, int(SHORTEST_SECONDS * SAMPLE_RATE) - samples)
    padded = F.pad(dry, (0, missing))
    played = padded if image is None else F.pad(image, (0, missing))
    if known.level_db is None:
        known.level_db = float(framed_level_db(played, SAMPLE_RATE).max())
    if known.level_db < SILENT_DB:
        return dry.new_zeros(1, 2, samples)
    source = padded if fxnorm is None else fxnorm(padded)
    content = None if content_of is None else content_of(source)
    level = plausible_level_db(embedding_config, z)
    own = None if image is None else played if fxnorm is None else fxnorm(padded, played)
    if known.by_processor is None:
        measure = getattr(processor, "measure", None)
        known.by_processor = {} if measure is None else {"measured": measure(source, own)}
    if own is None:
        return set_level(processor.render(source, z, content, **known.by_processor), level)[..., :samples]
    wet, wet_image = processor.render_image(source, own, z, content, **known.by_processor)
    return set_level_of_image(wet, wet_image, played, level)[..., :samples]


@torch.no_grad()
def render_tracks(
    processor: EffectProcessor,
    dry: Tensor,
    z: Tensor,
    fxnorm: Callable[..., Tensor] | None = None,
    content_of: ContentOf | None = None,
    *,
    embedding_config: EmbeddingConfig,
    progress: Progress | None = None,
    stereo: Tensor | None = None,
    workers: int = 1,
    known: Sequence[Known] | None = None,
) -> Tensor:
    """Render every track of a song with its own effect embedding.

    dry [tracks, 1, n], z [tracks, dim] -> wet [tracks, 2, n]. `fxnorm` prepares each track for the processor, and
    `content_of` describes what is so prepared, for processors conditioned on content. Works through each track in
    blocks without seams: the result is that of one pass over the song. Level and balance are set once per track from z;
    near-silent tracks stay silent; any n > 0; tracks do not influence each other. `stereo` [tracks, 2, n] holds the
    tracks that `dry` is folded from: those whose channels differ keep their image. `workers`: how many tracks may be
    rendered at a time, each by a thread of its own; long ones are not, for they would not fit into memory together.
    `known`: what was measured of each track when it was rendered before, in which what is measured now is entered.
    """
    wet = large_zeros(len(dry), 2, dry.shape[-1], like=dry)

    def render(index: int) -> None:
        one = slice(index, index + 1)
        source = dry[one].to(z.device)
        image = stereo[one].to(z.device) if stereo is not None and has_image(stereo[index]) else None
        with torch.no_grad():  # which a thread has to be told by itself
            before = None if known is None else known[index]
            wet[one] = render_track(processor, source, z[one], embedding_config, fxnorm, content_of, image, before)

    at_once = min(workers, max(1, MOST_SAMPLES_AT_ONCE // dry.shape[-1]))
    with ThreadPoolExecutor(at_once) as threads:
        try:
            for index, done in enumerate([threads.submit(render, index) for index in range(len(dry))]):
                if progress is not None:
                    progress("rendering", index, len(dry))
                done.result()
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return wet
