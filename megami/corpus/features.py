"""What the recipes learn from, computed once: mixes by the engineers, views of chains, crops for the processor.

Rendering effects costs far more than a training step, and log-mels do not depend on any weights; so audio is heard once
and kept as features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import ContentConfig, ContentEncoder, describe_source
from megami.audio import SAMPLE_RATE, SILENT_DB, db_to_gain, level_db
from megami.corpus.code_mark import FEATURES, claim_code
from megami.corpus.ears import hear_tracks, hear_variants
from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import SPLITS, CorpusConfig, FrontEnd, claim_cache, load_song, song_paths, to_int16
from megami.effects import EFFECTS, Delay, EffectChain, Reverb, identity_chain, random_chain, single_effect_chain
from megami.embeddings import (
    MIRROR,
    FxEncoder,
    FxEncoderConfig,
    dynamics_features,
    mid_bands_db,
    mirror_dynamics,
    side_bands_db,
)
from megami.studio import ENGINEERS, INSTRUMENTS, Song

ACTIVE_DB = -45.0
"""A clip is worth hearing if its level is above this."""
USUAL = FrontEnd()


@cache
def _fx_frontend(front_end: FrontEnd) -> FxEncoder:
    with torch.random.fork_rng(devices=[]):  # its weights, which nobody uses, are to move no random state
        return FxEncoder(FxEncoderConfig(**asdict(front_end)))


@cache
def _content_frontend(front_end: FrontEnd) -> ContentEncoder:
    with torch.random.fork_rng(devices=[]):
        return ContentEncoder(ContentConfig(**asdict(front_end)))


@torch.no_grad()
def describe(wet: Tensor, front_end: FrontEnd = USUAL) -> dict[str, np.ndarray]:
    """What an effect embedding is made of, without weights: wet [b, 2, n] -> mels, cepstra, dynamics, bands.

    The mels are those that an effect encoder with this front end looks at (`FrontEnd.of(encoder.config)`).
    """
    return {
        "mels": _fx_frontend(front_end).features(wet).half().numpy(),
        "cepstra": _fx_frontend(front_end).cepstra(wet).half().numpy(),
        "dynamics": dynamics_features(wet).numpy(),
        "mid": mid_bands_db(wet).numpy(),
        "side": side_bands_db(wet).numpy(),
    }


def mirrored(features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `describe` says of the same tracks with left and right exchanged, from what it said of them as they are."""
    dynamics = mirror_dynamics(torch.from_numpy(features["dynamics"])).numpy()
    return {
        "mels": features["mels"][:, MIRROR],
        "cepstra": features["cepstra"][:, ::-1].copy(),
        "dynamics": dynamics,
        "mid": features["mid"],
        "side": features["side"],
    }


@torch.no_grad()
def content_mels(audio: Tensor, front_end: FrontEnd = USUAL) -> np.ndarray:
    """Content encoder's input [b, 1, mels, frames] in half precision."""
    return _content_frontend(front_end).features(audio).half().numpy()


def describe_variants(wet: Tensor) -> np.ndarray:
    """Spectrum and dynamics of wet tracks [b, 2, n] over the whole song and its halves: [3, b, 32]."""
    half = wet.shape[-1] // 2
    return torch.stack([describe_source(cut) for cut in (wet, wet[..., :half], wet[..., half:])]).numpy()


def mix_paths(folder: Path, split: str, config: CorpusConfig) -> list[Path]:
    """Files of a split's engineered mixes, all mixes of the first song first."""
    songs, mixes = config.songs(split), config.mixes_per_song
    return [folder / "mixes" / f"{split}_{song:04d}_{mix:02d}.npz" for song in range(songs) for mix in range(mixes)]


@dataclass(frozen=True)
class BuildMix:
    """One engineer's mix of one song, as features per track and as chains; the first draws use each engineer once."""

    folder: Path
    config: CorpusConfig

    def __call__(self, path: Path) -> None:
        split, song_index, mix_index = path.stem.rsplit("_", 2)
        song = load_song(self.folder / "songs" / f"{split}_{song_index}.npz")
        engineer = ENGINEERS[(int(song_index) + int(mix_index)) % len(ENGINEERS)]
        mix = engineer.mix(song, seed=int(mix_index))
        write_arrays(
            path,
            {
                **describe(mix.tracks, self.config.fx_front_end),
                "wet_content": content_mels(mix.tracks, self.config.content_front_end),
                "wet_heard": hear_variants(mix.tracks).numpy(),
                "wet_source": describe_variants(mix.tracks),
                "engineer": np.array(mix.engineer),
                "chains": np.array([chain.to_json() for chain in mix.chains]),
            },
        )


def dry_paths(folder: Path, split: str, config: CorpusConfig) -> list[Path]:
    """Files of the dry features, one per song."""
    return [folder / "dry" / path.name for path in song_paths(folder, split, config)]


@dataclass(frozen=True)
class BuildDry:
    """Content features and spectrum of a song's dry tracks, with their classes."""

    folder: Path
    config: CorpusConfig

    def __call__(self, path: Path) -> None:
        song = load_song(self.folder / "songs" / path.name)
        audio = song.multitrack.audio
        write_arrays(
            path,
            {
                "content": content_mels(audio, self.config.content_front_end),
                "heard": hear_tracks(audio).numpy(),
                "source": describe_source(audio).numpy(),
                "mid": mid_bands_db(audio).numpy(),
                "level": level_db(audio).numpy(),
                "instruments": np.array(song.instruments),
                "roles": np.array(song.roles),
                "genre": np.array(song.genre),
            },
        )


def active_clip(song: Song, samples: int, rng: np.random.Generator, tries: int = 8) -> tuple[np.ndarray, int] | None:
    """Draw (clip [1, samples], track) that is loud enough; None if none was found."""
    audio = song.multitrack.audio
    for _ in range(tries):
        track = int(rng.integers(len(audio)))
        start = int(rng.integers(max(1, audio.shape[-1] - samples)))
        clip = audio[track, :, start : start + samples]
        if clip.shape[-1] == samples and float(level_db(clip)) > ACTIVE_DB:
            return clip.numpy(), track
    return None


def engineer_chain(
    folder: Path, config: CorpusConfig, split: str, song: int, track: int, rng: np.random.Generator
) -> EffectChain:
    """A chain that an engineer made for this track of this song."""
    mix = int(rng.integers(min(config.chain_mixes, config.mixes_per_song)))
    with np.load(folder / "mixes" / f"{split}_{song:04d}_{mix:02d}.npz", allow_pickle=False) as file:
        return EffectChain.from_json(str(file["chains"][track]))


def draw_clip(folder: Path, config: CorpusConfig, split: str, samples: int, rng: np.random.Generator):
    """Draw (song number, track, instrument number, clip [1, samples]) from a split, its gain varied by up to 6 dB.

    Raises ValueError for clips longer than the songs, of which there are none to be found.
    """
    if samples > config.seconds * SAMPLE_RATE:
        raise ValueError(f"clips of {samples} samples do not fit into songs of {config.seconds} s")
    while True:
        song_index = int(rng.integers(config.songs(split)))
        song = load_song(song_paths(folder, split, config)[song_index])
        found = active_clip(song, samples, rng)
        if found is not None:
            clip, track = found
            gain = np.float32(db_to_gain(rng.uniform(-6, 6)))
            return song_index, track, INSTRUMENTS.index(song.instruments[track]), clip * gain


def view_paths(folder: Path, split: str, config: CorpusConfig, chains: int) -> list[Path]:
    """Files of the effect encoder's views, one per chain; their clips are drawn from all songs of the split."""
    views = folder / f"views_of_{config.songs(split)}_songs"
    return [views / f"{split}_{index:05d}.npz" for index in range(chains)]


@dataclass(frozen=True)
class BuildViews:
    """One chain (random, or an engineer's) heard on several clips of different songs."""

    folder: Path
    config: CorpusConfig

    def __call__(self, path: Path) -> None:
        split, index = path.stem.rsplit("_", 1)
        rng = np.random.default_rng([self.config.seed, 11, SPLITS.index(split), int(index)])
        samples = int(self.config.view_seconds * SAMPLE_RATE)
        clips = [draw_clip(self.folder, self.config, split, samples, rng) for _ in range(self.config.views)]
        if int(index) % 3 == 2:
            chain = engineer_chain(self.folder, self.config, split, clips[0][0], clips[0][1], rng)
        else:
            chain = random_chain(rng)
        wet = torch.stack([torch.from_numpy(chain.apply(clip, SAMPLE_RATE)) for *_, clip in clips])
        write_arrays(
            path,
            {
                **describe(wet, self.config.fx_front_end),
                "instrument": np.array([clip[2] for clip in clips]),
                "chain": np.array(chain.to_json()),
            },
        )


CROPS_PER_FILE = 100
FADE = 220  # samples, 5 ms
DECAY_RANGE_S = (0.2, 3.0)
SILENT_ENDS = 0.4
"""This share of the crops fall silent in their second half, so that echo and decay stand alone."""
ENDS, EARLY_ENDS = (0.5, 0.95), (0.45, 0.55)
"""Where they do, as shares of the crop: in training, and where decay is measured."""


def crop_paths(
    folder: Path, split: str, config: CorpusConfig, crops: int, long: bool = False, tails: bool = False
) -> list[Path]:
    """Files of the processor's crops, of its long ones, or of those with tails, drawn from all songs of the split."""
    each = min(CROPS_PER_FILE, crops)
    prefix = "tail_" if tails else "long_" if long else ""
    kind = folder / f"{prefix}crops_of_{config.songs(split)}_songs_by_{each}"
    return [kind / f"{split}_{index:04d}.npz" for index in range(-(-crops // CROPS_PER_FILE))]


def draw_chain(kind: float, engineered: EffectChain, rng: np.random.Generator) -> tuple[str, EffectChain]:
    """Choose the chain of a crop by `kind` in [0, 1): engineers', random, single effects, echo and reverb, identity."""
    if kind < 0.4:
        return "engineer", engineered
    if kind < 0.6:
        return "random", random_chain(rng)
    if kind < 0.75:
        effect = EFFECTS[int(rng.integers(len(EFFECTS)))]
        return effect.__name__.lower(), single_effect_chain(rng, effect)
    if kind < 0.92:
        return space_chain(rng)
    return "identity", identity_chain()


def space_chain(rng: np.random.Generator) -> tuple[str, EffectChain]:
    """A chain of echo, of reverb, or of both in random order; every decay from 0.2 to 3 s is as likely as any other."""
    reverb = replace(Reverb.random(rng), decay_s=float(np.exp(rng.uniform(*np.log(DECAY_RANGE_S)))))
    effects = [(Delay.random(rng),), (reverb,), (Delay.random(rng), reverb), (reverb, Delay.random(rng))]
    chosen = effects[int(rng.integers(len(effects)))]
    return "_".join(sorted(type(effect).__name__.lower() for effect in chosen)), EffectChain(chosen)


def fall_silent(clip: np.ndarray, rng: np.random.Generator, places: tuple[float, float]) -> np.ndarray:
    """Mute a clip [1, n] from a random place on, between two shares of its length; what is left fades in 5 ms."""
    out = clip.copy()
    start = int(rng.uniform(*places) * clip.shape[-1])
    fade = np.cos(np.linspace(0, np.pi / 2, FADE, dtype=np.float32)) ** 2
    out[:, start : start + FADE] *= fade[: out.shape[-1] - start]
    out[:, start + FADE :] = 0
    return out


@dataclass(frozen=True)
class BuildCrops:
    """Pairs of dry and wet crops that begin from silence, with the features of the wet ones.

    With `tails` all fall silent in the middle, and all have an echo or a reverb, alone or in a random chain.
    """

    folder: Path
    config: CorpusConfig
    samples: int
    at_most: int  # crops in a file
    stream: int  # of random numbers
    tails: bool = False

    def __call__(self, path: Path) -> None:
        split, index = path.stem.rsplit("_", 1)
        rng = np.random.default_rng([self.config.seed, self.stream, SPLITS.index(split), int(index)])
        dry: list[np.ndarray] = []
        wet: list[np.ndarray] = []
        kinds: list[str] = []
        chains: list[str] = []
        while len(dry) < self.at_most:
            clip, kind, chain = self._draw(split, rng)
            out = chain.apply(clip, SAMPLE_RATE)
            if float(level_db(torch.from_numpy(out))) > SILENT_DB:
                dry.append(clip)
                wet.append(out)
                kinds.append(kind)
                chains.append(chain.to_json())
        dry_samples, dry_scale = to_int16(np.stack(dry))
        wet_samples, wet_scale = to_int16(np.stack(wet).reshape(len(wet), -1))
        write_arrays(
            path,
            {
                **describe(torch.from_numpy(np.stack(wet)), self.config.fx_front_end),
                "content": content_mels(torch.from_numpy(np.stack(dry)), self.config.content_front_end),
                "heard": hear_tracks(torch.from_numpy(np.stack(dry))).numpy(),
                "dry": dry_samples,
                "dry_scale": dry_scale,
                "wet": wet_samples.reshape(len(wet), 2, -1),
                "wet_scale": wet_scale,
                "kinds": np.array(kinds),
                "chains": np.array(chains),
            },
        )

    def _draw(self, split: str, rng: np.random.Generator) -> tuple[np.ndarray, str, EffectChain]:
        """One dry clip [1, samples], and the kind and the chain that it gets."""
        song, track, _, clip = draw_clip(self.folder, self.config, split, self.samples, rng)
        if self.tails:
            kind, chain = space_chain(rng) if rng.random() < 0.6 else ("random", random_chain(rng))
            while not any(isinstance(effect, Delay | Reverb) for effect in chain.effects):
                chain = random_chain(rng)
            return fall_silent(clip, rng, EARLY_ENDS), kind, chain
        engineered = engineer_chain(self.folder, self.config, split, song, track, rng)
        kind, chain = draw_chain(rng.uniform(), engineered, rng)
        return (fall_silent(clip, rng, ENDS) if rng.random() < SILENT_ENDS else clip), kind, chain


def build_features(folder: Path, config: CorpusConfig, splits: tuple[str, ...], workers: int | None = None) -> None:
    """Dry features and engineered mixes of the splits."""
    claim_cache(folder, config)
    claim_code(folder, FEATURES)
    for split in splits:
        build_files(BuildDry(folder, config), dry_paths(folder, split, config), workers, f"dry features ({split})")
        build_files(BuildMix(folder, config), mix_paths(folder, split, config), workers, f"mixes ({split})")


def build_views(folder: Path, config: CorpusConfig, split: str, chains: int, workers: int | None = None) -> list[Path]:
    """Views of `chains` chains."""
    claim_cache(folder, config)
    claim_code(folder, FEATURES)
    paths = view_paths(folder, split, config, chains)
    build_files(BuildViews(folder, config), paths, workers, f"views of chains ({split})")
    return paths


def build_crops(
    folder: Path,
    config: CorpusConfig,
    split: str,
    crops: int,
    workers: int | None = None,
    long: bool = False,
    tails: bool = False,
) -> list[Path]:
    """Crops for the processor, short or `long`, or long ones with `tails` that stand alone, to measure them.

    Each kind has a stream of random numbers of its own.
    """
    claim_cache(folder, config)
    claim_code(folder, FEATURES)
    paths = crop_paths(folder, split, config, crops, long, tails)
    samples = config.long_crop_samples if long or tails else config.crop_samples
    stream = 14 if tails else 13 if long else 12
    build = BuildCrops(folder, config, samples, min(CROPS_PER_FILE, crops), stream, tails)
    build_files(
        build, paths, workers, f"{'crops with tails' if tails else 'long crops' if long else 'crops'} ({split})"
    )
    return paths
