"""Wet stems of another song as evidence: what was done to each of them, for the tracks that play the same part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE, SILENT_DB, Multitrack, db_to_gain, loudest_segment, read_multitrack
from megami.embeddings import EffectEmbedder, EmbeddingConfig
from megami.errors import UserError
from megami.mixing.quiet_tracks import levels_db

if TYPE_CHECKING:
    from megami.embeddings import FxEncoder, FxEncoderPlusPlus
    from megami.mixing.mixer import Mixer

LEAST_LIKENESS = 0.5
"""Cosine of what two tracks are taken for (`Heard.plays`), from which on one may follow the other."""

TOLERANCE = 4.0
"""Of a stem's plan for another song: in units of how far one engineer's plans for a role are apart between songs.

More than 1, since the numbers of a plan go together, and are evidence for fewer things than there are numbers.
"""


@dataclass(frozen=True, eq=False)
class WetStems:
    """The stems of a finished mix: names, what was done to each [stems, dim], what each plays [stems, n] (`Heard`)."""

    names: tuple[str, ...]
    embeddings: Tensor
    plays: Tensor


def hear_wet_stems(mixer: Mixer, stems: str | Path | Multitrack) -> WetStems:
    """Hear the wet stems of a song, a folder or a multitrack: what was done to each, and what it plays.

    All are first brought to the level of a mix, by one gain; silent ones are left out. Raises UserError for what is no
    song, for stems that are all silent, and for networks without an effect encoder.
    """
    from megami.studio.engineers.engineer import MIX_LEVEL_DB  # here, because it loads scipy
    from megami.studio.engineers.listening import framed_level

    song = mixer.prepared(stems if isinstance(stems, Multitrack) else read_multitrack(stems))
    playing = [index for index, level in enumerate(levels_db(song.audio)) if level >= SILENT_DB]
    if not playing:
        raise UserError("the stems of the reference are all silent: there is nothing to follow")
    networks, song = mixer.networks, song.select(playing)
    with mixer.steady():
        wet = song.audio.expand(-1, 2, -1)
        gain = db_to_gain(MIX_LEVEL_DB - framed_level(wet.sum(0).numpy(), SAMPLE_RATE))
        preset = networks.preset
        plan = plan_of_wet(gain * wet, preset.embedding, networks.fx_encoder, preset.segment_seconds, "wet stems")
    return WetStems(song.names, plan, mixer.hear(song).plays)


@torch.no_grad()
def plan_of_wet(
    wet: Tensor,
    embedding: EmbeddingConfig,
    fx_encoder: FxEncoder | FxEncoderPlusPlus | None,
    seconds: float,
    what: str,
) -> Tensor:
    """The effect embeddings of wet tracks [tracks, 2, n]: [tracks, dim]; of each the loudest `seconds` are heard.

    Raises UserError where there is no effect encoder, naming `what` needs it.
    """
    if fx_encoder is None:
        raise UserError(f"{what} need the effect encoder, which these networks come without: use 'small'")
    embedder, device = EffectEmbedder(embedding, fx_encoder), next(fx_encoder.parameters()).device
    length = min(wet.shape[-1], round(seconds * SAMPLE_RATE))
    starts = [loudest_segment(track, length) for track in wet]
    segments = (track[None, :, start : start + length] for track, start in zip(wet, starts, strict=True))
    return torch.cat([embedder(segment.to(device)).cpu() for segment in segments])


def match_stems(plays: Tensor, stems: WetStems) -> dict[int, int]:
    """Which stem goes with which track, by what they play (`Heard.plays`): [tracks, n] -> {track: stem}.

    Each stem goes to one track at most, so that their likeness is largest in all (the Hungarian method, Kuhn 1955).
    Tracks without a stem that is like them are left out.
    """
    from scipy.optimize import linear_sum_assignment  # here, because it takes long to import

    likeness = F.normalize(plays, dim=-1).double() @ F.normalize(stems.plays, dim=-1).double().T
    gained = (likeness - LEAST_LIKENESS).clamp_min(0)
    tracks, chosen = linear_sum_assignment(gained.numpy(), maximize=True)
    return {int(track): int(stem) for track, stem in zip(tracks, chosen, strict=True) if gained[track, stem] > 0}
