"""From mixes to settings and sessions: what was done to each track is read once more from what it was done with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from megami.audio import fold_to_mono, has_image, resample
from megami.errors import UserError
from megami.mixing.mix import Mix, Origin
from megami.processor import StructuredProcessor
from megami.processor.readout import read_chain
from megami.progress import Progress, silent
from megami.session import (
    ChannelStrip,
    MixedTrack,
    Session,
    estimated_strip,
    read_strip,
    silent_strip,
    take_of,
    write_session,
)
from megami.session.build import check_suffix

CEILING_DB = -1.0  # true peak of mastered mixes
UNITS = (
    "gain, equaliser, threshold, make-up, drive and sends in dB; frequencies in Hz; attack and release in ms; decay in "
    "s; pan from -1 (left) to 1 (right); width is the energy of the side over that of the mid"
)
"""Said beside settings that are written for people to read."""


def strips_of(mix: Mix, progress: Progress | None = None, stage: str = "settings") -> list[ChannelStrip]:
    """The strip of every track, read from the structured processor's knobs, else estimated from dry and wet.

    Renders every track once more. Raises UserError for a mix that does not know what it was made from.
    """
    origin, report = origin_of(mix), progress or silent
    networks, compat = origin.mixer.networks, origin.mixer.compat
    reads = isinstance(networks.processor, StructuredProcessor) and networks.fxnorm is None and not compat.block_pass
    prepared = origin.mixer.prepared(origin.song) if reads else None
    mono = fold_to_mono(prepared.audio) if prepared is not None else None
    strips = []
    with origin.mixer.steady():
        for index, (name, z, wet) in enumerate(zip(mix.names, mix.embeddings, mix.tracks, strict=True)):
            report(stage, index, len(mix.names))
            dry = dry_clip(mix, index)
            if not bool(z.any()):
                strips.append(silent_strip(name))
            elif prepared is None or mono is None:
                strips.append(estimated_strip(name, dry, wet, mix.sample_rate))
            else:
                device = origin.mixer.device
                image = prepared.audio[index : index + 1].to(device) if has_image(prepared.audio[index]) else None
                processor = networks.processor
                assert isinstance(processor, StructuredProcessor)
                chain = read_chain(processor, mono[index : index + 1].to(device), z[None].to(device), image)
                strips.append(read_strip(name, chain, dry, wet, mix.sample_rate))
    return strips


def session_of(
    mixes: Sequence[Mix],
    title: str,
    progress: Progress | None = None,
    known: Sequence[Sequence[ChannelStrip]] | None = None,
) -> Session:
    """A session of mixes of one song, each a take; all but the first are muted.

    known: the strips of each mix, as `strips_of` gives them, where somebody has them already.
    """
    takes, clips = [], dict[int, np.ndarray]()
    for number, mix in enumerate(mixes, 1):
        strips = known[number - 1] if known else strips_of(mix, progress, f"settings of mix {number}")
        tracks = []
        for index, (strip, wet) in enumerate(zip(strips, mix.tracks, strict=True)):
            if index not in clips:
                clips[index] = dry_clip(mix, index).numpy()
            tracks.append(MixedTrack(strip, clips[index], wet.numpy()))
        takes.append(take_of(f"Mix {number}", tracks, muted=number > 1))
    if not takes or any(mix.names != mixes[0].names or mix.sample_rate != mixes[0].sample_rate for mix in mixes):
        raise UserError("a session holds one or more mixes of one song")
    return Session(title, mixes[0].sample_rate, tuple(takes), CEILING_DB)


def export_mixes(
    mixes: Sequence[Mix], path: str | Path, title: str | None = None, progress: Progress | None = None
) -> Path:
    """Write mixes of one song as a session (.dawproject or .rpp), each a take; returns the path.

    Dry tracks with fader, pan, equaliser and compressor, each with its wet track beside it, muted. Raises UserError for
    another suffix, a file that is there already, a place that cannot be written, and mixes of different songs.
    """
    check_suffix(Path(path))
    return write_session(session_of(mixes, title or Path(path).stem, progress), path)


def dry_clip(mix: Mix, index: int) -> Tensor:
    """A dry track as it was mixed, [1, n] where it has no image, else [2, n], as long as the mix and at its rate."""
    origin = origin_of(mix)
    track = origin.song.audio[index]
    keeps_image = origin.mixer.compat.stems == "stereo" and has_image(track)
    clip = track if keeps_image else fold_to_mono(track[None])[0]
    if mix.sample_rate == origin.song.sample_rate:
        return clip
    samples = mix.tracks.shape[-1]
    converted = resample(clip, origin.song.sample_rate, mix.sample_rate)[..., :samples]
    return F.pad(converted, (0, samples - converted.shape[-1]))


def origin_of(mix: Mix) -> Origin:
    """What a mix was made from. Raises UserError where it does not know."""
    if mix.origin is None:
        raise UserError("this mix does not know what it was made from: mix the song again with Mixer.mix")
    return mix.origin
