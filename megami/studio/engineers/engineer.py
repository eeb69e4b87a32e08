"""Simulated engineers: each turns a dry song into a stereo mix, deciding over all its tracks together.

An engineer's style is known and drawn per song, so the true conditional distribution p(mix | dry) is known and has
several modes; whether a model captures it can be measured (the synthetic stand-in for the human mixes of MEGAMI).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from megami.audio import SILENT_DB, db_to_gain
from megami.effects import EffectChain, Gain
from megami.studio.engineers.channel_strip import SharedSpace, Strip, build_strip
from megami.studio.engineers.equalising import colour_gains_db
from megami.studio.engineers.listening import beat_seconds, choose_lead, framed_level, loudness, region_levels_db
from megami.studio.engineers.panning import Seat, place
from megami.studio.engineers.styles import MIX_STYLES, MixStyle
from megami.studio.song import Song

MIX_LEVEL_DB = -8.0  # loudest 400 ms of the sum, mean over channels (reference: training, fxgenerator, level)
ANY_ENGINEER = 977  # separates the draw of the engineer from the engineers' own draws


@dataclass(frozen=True)
class EngineeredMix:
    """A mixed song: `tracks` [tracks, 2, samples] are what `chains` make of the dry tracks, to the sample."""

    song: Song
    engineer: str
    chains: tuple[EffectChain, ...]
    tracks: Tensor

    @property
    def audio(self) -> Tensor:
        """The mix itself, the sum of the tracks [2, samples]; its loudest 400 ms lie at -8 dB, so it may exceed ±1."""
        return self.tracks.sum(0)


@dataclass(frozen=True)
class Plan:
    """What is decided before the first fader moves: who leads, who sits where, and the space around all."""

    lead: int
    parts: tuple[str, ...]
    heard_db: np.ndarray  # [tracks, 5] colour of each dry track
    positions: np.ndarray  # [tracks]
    space: SharedSpace
    has_bass: bool


@dataclass(frozen=True)
class Engineer:
    """A way of mixing. `mix` gives the same song and seed the same mix; other seeds vary within the style."""

    style: MixStyle

    @property
    def name(self) -> str:
        """The style's name."""
        return self.style.name

    def mix(self, song: Song, seed: int) -> EngineeredMix:
        """Mixes all tracks of `song`; tracks whose loudest 400 ms lie below -60 dB stay as they are, never lifted."""
        rng = np.random.default_rng([song.seed, seed, self.style.number])
        rate = song.multitrack.sample_rate
        dry = [track.mean(0, keepdim=True).numpy() for track in song.multitrack.audio]
        audible = [framed_level(track, rate) > SILENT_DB for track in dry]
        untouched = EffectChain((Gain(gain_db=0.0),))
        results = [(untouched, untouched.apply(track, rate)) for track in dry]
        if any(audible):
            plan = plan_song(song, dry, audible, self.style, rng)
            heard = [i for i, is_audible in enumerate(audible) if is_audible]
            strips = {i: self._strip(plan, i, dry[i], rate, rng) for i in heard}
            faders = set_faders(strips, plan, self.style, rng)
            for i in heard:
                results[i] = strips[i].finish(faders[i])
        tracks = torch.from_numpy(np.stack([wet for _, wet in results]))
        return EngineeredMix(song, self.name, tuple(chain for chain, _ in results), tracks)

    def _strip(self, plan: Plan, i: int, dry: np.ndarray, rate: int, rng: np.random.Generator) -> Strip:
        lead_heard = None if i == plan.lead else plan.heard_db[plan.lead]
        gains = colour_gains_db(plan.heard_db[i], plan.parts[i], self.style, lead_heard, plan.has_bass, rng)
        treatment = self.style.treatment(plan.parts[i])
        return build_strip(dry, rate, gains, treatment, self.style, plan.positions[i], plan.space, rng)


def part_of(role: str, instrument: str) -> str:
    """The row of a style's table for a track: kick and snare have their own, all others go by their role."""
    return instrument if role == "drums" and instrument in ("kick", "snare") else role


def section(part: str) -> str:
    """The group of parts that shares one level: the microphones of a drum kit are one section."""
    return "drums" if part in ("kick", "snare") else part


def shared_space(beat_s: float, style: MixStyle, rng: np.random.Generator) -> SharedSpace:
    """Draws the room and sets the echo to the song's beat."""
    return SharedSpace(
        decay_s=float(rng.uniform(*style.decay_s)),
        pre_delay_ms=float(rng.uniform(*style.pre_delay_ms)),
        damping_hz=float(rng.uniform(*style.damping_hz)),
        seed=int(rng.integers(2**31)),
        echo_ms=1000 * beat_s * style.beats_per_echo,
        feedback=float(rng.uniform(0.2, 0.4)),
        ping_pong=style.ping_pong,
    )


def plan_song(
    song: Song, dry: list[np.ndarray], audible: list[bool], style: MixStyle, rng: np.random.Generator
) -> Plan:
    """Listens to all dry tracks [1, samples] and decides lead, places and space; silent tracks take no seat."""
    rate = song.multitrack.sample_rate
    parts = tuple(part_of(role, instrument) for role, instrument in zip(song.roles, song.instruments, strict=True))
    heard_db = np.stack([region_levels_db(track, rate) for track in dry])
    lead = choose_lead(song, dry, audible)
    seated = [i for i, is_audible in enumerate(audible) if is_audible]
    low_share = 10 ** (heard_db[:, 0] / 10)
    seats = [Seat(parts[i], song.instruments[i], float(low_share[i]), style.treatment(parts[i]).spread) for i in seated]
    positions = np.zeros(len(dry))
    outermost = float(rng.uniform(*style.outermost))
    positions[seated] = place(seats, seated.index(lead), outermost, rng, style.pan_positions)
    drums = [dry[i] for i in seated if song.roles[i] == "drums"]
    beat_s = beat_seconds(reduce(np.add, drums or [dry[i] for i in seated]), rate)
    has_bass = any(song.roles[i] == "bass" for i in seated)
    return Plan(lead, parts, heard_db, positions, shared_space(beat_s, style, rng), has_bass)


def set_faders(strips: dict[int, Strip], plan: Plan, style: MixStyle, rng: np.random.Generator) -> dict[int, float]:
    """Fader gains in dB by track: loudness relative to the lead by part, lead held above the rest, mix at -8 dB.

    Tracks of one part share its level (most of the power of their sum), so that three guitars are hardly louder than
    one, and a kit on three microphones no louder than the same kit on one track.
    """
    rate = strips[plan.lead].sample_rate
    company = [section(plan.parts[i]) for i in strips if i != plan.lead]
    faders = {}
    for i, strip in strips.items():
        target = 0.0
        if i != plan.lead:
            share = 7.0 * np.log10(company.count(section(plan.parts[i])))
            target = style.treatment(plan.parts[i]).level_db - share + float(np.clip(rng.normal(0, 1.0), -2.0, 2.0))
        faders[i] = target - loudness(strip.audio, rate)
    rest = [strip.audio * np.float32(db_to_gain(faders[i])) for i, strip in strips.items() if i != plan.lead]
    mix = np.zeros_like(strips[plan.lead].audio)
    if rest:
        mix = np.sum(rest, axis=0)
        faders[plan.lead] = float(np.clip(0.0, *(loudness(mix, rate) + np.array(style.lead_over_rest_db))))
        faders[plan.lead] -= loudness(strips[plan.lead].audio, rate)
    mix = mix + strips[plan.lead].audio * np.float32(db_to_gain(faders[plan.lead]))
    overall = MIX_LEVEL_DB - framed_level(mix, rate)
    return {i: float(fader + overall) for i, fader in faders.items()}


ENGINEERS: tuple[Engineer, ...] = tuple(Engineer(style) for style in MIX_STYLES)


def random_engineer(song: Song, seed: int) -> Engineer:
    """One of ENGINEERS, drawn evenly from the song's seed and `seed`."""
    rng = np.random.default_rng([song.seed, seed, ANY_ENGINEER])
    return ENGINEERS[int(rng.integers(len(ENGINEERS)))]


def mix_with_random_engineer(song: Song, seed: int) -> EngineeredMix:
    """Mixes `song` by `random_engineer`."""
    return random_engineer(song, seed).mix(song, seed)
