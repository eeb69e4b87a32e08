"""The systems that are compared: what each one decides about the tracks of a song, as embeddings or as effect chains.

Chains are rendered as they are; embeddings all go through the same effect processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import content_tokens
from megami.audio import db_to_gain
from megami.effects import EffectChain, Gain, Pan
from megami.embeddings import embeddings_from_tokens
from megami.generator import mix_generator, sample
from megami.mixing import Mixer
from megami.studio import Song
from megami.studio.engineers.engineer import MIX_LEVEL_DB, part_of, section
from megami.studio.engineers.listening import framed_level, loudness

ROLE_LEVELS_DB = {  # loudness against the vocal or lead, a textbook balance
    "kick": -3.0, "snare": -3.0, "drums": -2.0, "percussion": -9.0, "bass": -3.0,
    "chords": -6.0, "lead": -2.0, "pad": -9.0, "vocal": 0.0,
}  # fmt: skip
CENTRE = ("kick", "snare", "drums", "bass", "vocal", "lead")
WIDEST = 0.7


@torch.no_grad()
def draw_per_track(mixer: Mixer, content: Tensor, mixes: int, seed: int) -> Tensor:
    """Embeddings [mixes, tracks, dim] by a mixer whose generator knows single tracks: no decision knows of another.

    content [tracks, dim]; each track is sampled as a song of its own, with the options of the preset.
    """
    cond = content_tokens(content.to(mixer.device))[None].expand(mixes, -1, -1, -1).flatten(0, 1)[:, None]
    sources = [mix_generator(seed + 1, item) for item in range(len(cond))]
    tokens = sample(mixer.networks.generator, cond, mixer.preset.sampling, generator=sources)
    embedding = mixer.preset.embedding
    return embeddings_from_tokens(embedding, tokens[:, 0]).unflatten(0, (mixes, len(content))).cpu()


@torch.no_grad()
def regress(mixer: Mixer, content: Tensor) -> Tensor:
    """The one answer [1, tracks, dim] to content [tracks, dim] of a generator that was trained with squared error."""
    denoiser, embedding = mixer.networks.generator, mixer.preset.embedding
    cond = content_tokens(content.to(mixer.device))[None]
    sizes = denoiser.network.config
    nothing = torch.zeros(1, len(content), sizes.io_channels, sizes.tokens, device=mixer.device)
    answer = denoiser(nothing, denoiser.config.sigma_max, cond, None)
    return embeddings_from_tokens(embedding, answer).cpu()


@dataclass(frozen=True)
class TrainingTracks:
    """Tracks of training mixes: effect embeddings [items, dim], dry content [items, dim], chains, and their mix."""

    effects: Tensor
    content: Tensor
    chains: tuple[str, ...]
    mix: np.ndarray  # [items] number of the mix


Chosen = np.ndarray
"""[mixes, tracks] numbers of items of TrainingTracks."""


def choose_random(training: TrainingTracks, tracks: int, mixes: int, seed: int) -> Chosen:
    """Each mix borrows the tracks of one random training mix: right in general, blind to the song."""
    rng = np.random.default_rng(seed)
    chosen = []
    for _ in range(mixes):
        own = np.flatnonzero(training.mix == rng.integers(training.mix.max() + 1))
        order = rng.permutation(max(tracks, len(own)))[:tracks]
        chosen.append(own[order % len(own)])
    return np.stack(chosen)


def choose_nearest(training: TrainingTracks, content: Tensor, mixes: int) -> Chosen:
    """Mix k gives each track what was done to its k-th nearest training track (cosine of dry content)."""
    likeness = content @ training.content.T
    return likeness.topk(mixes, dim=1).indices.T.numpy()


def level_mix(chains_db: Sequence[float], wet: Sequence[np.ndarray], sample_rate: int) -> float:
    """Gain in dB that brings the sum of wet tracks at these gains to the level of a mix."""
    faded = (audio * np.float32(db_to_gain(gain)) for audio, gain in zip(wet, chains_db, strict=True))
    mix = reduce(np.add, faded)
    return MIX_LEVEL_DB - framed_level(mix, sample_rate)


def gain_pan_chains(song: Song, gains_db: Sequence[float], positions: Sequence[float]) -> tuple[EffectChain, ...]:
    """A fader and a pan pot per track, the faders moved together so that the mix has its level."""
    rate = song.multitrack.sample_rate
    panned = [
        EffectChain((Pan(position=float(place)),)).apply(track.mean(0, keepdim=True).numpy(), rate)
        for track, place in zip(song.multitrack.audio, positions, strict=True)
    ]
    overall = level_mix(gains_db, panned, rate)
    return tuple(
        EffectChain((Pan(position=float(place)), Gain(gain_db=float(gain + overall))))
        for gain, place in zip(gains_db, positions, strict=True)
    )


def raw_sum(song: Song) -> tuple[EffectChain, ...]:
    """All faders equal, nothing panned."""
    return gain_pan_chains(song, [0.0] * song.multitrack.num_tracks, [0.0] * song.multitrack.num_tracks)


def equal_loudness(song: Song) -> tuple[EffectChain, ...]:
    """Every track as loud as the others (BS.1770), nothing panned; silent tracks are left alone."""
    gains = [_to_loudness(track.numpy(), 0.0, song.multitrack.sample_rate) for track in song.multitrack.audio]
    return gain_pan_chains(song, gains, [0.0] * len(gains))


def rule_based(song: Song, seed: int) -> tuple[EffectChain, ...]:
    """A mix by the book: a level for each role, bass, drums and lead in the middle, all else spread to both sides.

    The rules know the true role of every track. The seed varies levels by about 1 dB and decides who sits left.
    """
    rng = np.random.default_rng([song.seed, seed, 31])
    rate = song.multitrack.sample_rate
    parts = [part_of(*names) for names in zip(song.roles, song.instruments, strict=True)]
    company = [section(part) for part in parts]
    gains = []
    for track, part in zip(song.multitrack.audio, parts, strict=True):
        target = ROLE_LEVELS_DB[part] - 7 * np.log10(company.count(section(part))) + rng.normal(0, 1)
        gains.append(_to_loudness(track.numpy(), float(target), rate))
    sides = [i for i, part in enumerate(parts) if part not in CENTRE]
    places = np.linspace(-WIDEST, WIDEST, len(sides)) if len(sides) > 1 else np.full(len(sides), WIDEST / 2)
    positions = np.zeros(len(parts))
    positions[rng.permutation(sides).astype(int)] = places
    return gain_pan_chains(song, gains, positions.tolist())


def _to_loudness(track: np.ndarray, target_lufs: float, sample_rate: int) -> float:
    """Gain in dB that brings a dry track [1, n] to a loudness; 0 for what is too quiet to measure."""
    heard = loudness(np.repeat(track, 2, 0), sample_rate)
    return target_lufs - heard if heard > -70 else 0.0
