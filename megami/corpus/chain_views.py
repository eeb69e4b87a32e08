"""What a small contrastive encoder can learn from: many random effect chains, each heard on three different sounds.

The sounds are clips of studio tracks, kept as small log-mel views. Beside them stand chains that are for testing only,
which are rendered onto clips of the sample songs when they are needed, so that they can be listened to. They ship with
the book as book/data/chain_views.npz for the chapter "Effect embeddings".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, SILENT_DB, db_to_gain, level_db, read_multitrack
from megami.corpus.features import active_clip
from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import load_song
from megami.effects import EffectChain, random_chain
from megami.embeddings.mel import LogMel, normalise_for_encoder
from megami.studio import Song
from megami.studio.sample_songs import SAMPLE_TRACKS

SECONDS = 3.0
SAMPLES = round(SECONDS * SAMPLE_RATE)
MELS, HOP = 32, 4096
PARTS = ("left", "right", "side")
CHANNELS = len(PARTS) * MELS
STEP = 0.075  # of standardised log-mels: 1.5 dB
LOWEST = -2.0  # the floor of `LogMel`, -90 dB
VIEWS = 3
CHAINS_PER_FILE = 20
TRAINING, HELD_OUT = 31, 32  # streams of random numbers

SONGS = ("corner_store", "night_bus", "paper_boats", "porch_light")
"""The sample songs whose tracks are heard through the chains that are held out."""


@dataclass(frozen=True)
class Clip:
    """A piece of a sample song's track, 3 s from start_s on."""

    song: str
    track: str
    start_s: float

    @property
    def instrument(self) -> str:
        """The class of the instrument, one of `megami.studio.INSTRUMENTS`."""
        return SAMPLE_TRACKS[self.song][self.track][1]


@dataclass(frozen=True)
class HeldOutChain:
    """A chain that is for testing only, and the clips of different instruments on which it is heard."""

    chain: EffectChain
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class ChainViews:
    """Views of training chains, [chains, 3, 96, frames], and the chains that are held out.

    A view is a standardised log-mel picture (see `small_view`); the three of a chain show different sounds. `chains`
    are the training chains, `instruments` [chains][3] the classes of what they are heard on.
    """

    views: Tensor
    instruments: tuple[tuple[str, ...], ...]
    chains: tuple[EffectChain, ...]
    held_out: tuple[HeldOutChain, ...]


@cache
@torch.inference_mode(False)  # kept: a tensor that inference made could not be learned through later
def _log_mel() -> LogMel:
    return LogMel(n_fft=HOP, hop=HOP, mels=MELS, mid_side=True)


@torch.no_grad()
def small_view(audio: Tensor) -> Tensor:
    """Look at wet stereo audio through a small window: [b, 2, n] -> [b, 96, frames].

    32 mel bands of the left channel, then of the right, then of the side, in frames of 93 ms, standardised as by
    `megami.embeddings.LogMel`. Level is taken out first, as for the effect encoder.
    """
    left, right, _, side = _log_mel()(normalise_for_encoder(audio)).unbind(1)
    return torch.cat([left, right, side], dim=1)


def pack_views(views: Tensor) -> np.ndarray:
    """Round views [..., frames] to steps of 1.5 dB and keep the changes from frame to frame, which compress well."""
    whole = ((views - LOWEST) / STEP).round().clamp(0, 255).to(torch.int64).numpy()
    return np.diff(whole, axis=-1, prepend=0).astype(np.int16).astype(np.uint8)  # modulo 256


def unpack_views(packed: np.ndarray) -> Tensor:
    """Undo `pack_views` up to rounding."""
    whole = np.cumsum(packed, axis=-1, dtype=np.int64) % 256
    return torch.from_numpy(whole).float() * STEP + LOWEST


def read_chain_views(path: Path | str) -> ChainViews:
    """Read the file of `make_chain_views`."""
    with np.load(path, allow_pickle=False) as file:
        tested = zip(file["held_chains"], file["held_tracks"], file["held_starts_s"], strict=True)
        held_out = [
            HeldOutChain(EffectChain.from_json(str(chain)), tuple(map(_read_clip, names, starts)))
            for chain, names, starts in tested
        ]
        return ChainViews(
            unpack_views(file["views"]),
            tuple(tuple(map(str, row)) for row in file["instruments"]),
            tuple(EffectChain.from_json(str(chain)) for chain in file["chains"]),
            tuple(held_out),
        )


def _read_clip(name: object, start_s: float) -> Clip:
    song, track = str(name).split("/")
    return Clip(song, track, float(start_s))


def read_clips(samples: Path | str, clips: Sequence[Clip]) -> Tensor:
    """Cut dry clips out of the folder of sample songs: [clips, 1, samples]."""
    names = sorted({clip.song for clip in clips})
    songs = {name: read_multitrack(Path(samples) / name) for name in names}
    cut = []
    for clip in clips:
        audio = songs[clip.song].audio[songs[clip.song].names.index(clip.track)]
        start = round(clip.start_s * SAMPLE_RATE)
        cut.append(audio[:1, start : start + SAMPLES])
    return torch.stack(cut)


def render_held_out(samples: Path | str, held_out: Sequence[HeldOutChain]) -> Tensor:
    """Put chains onto their clips of the sample songs: [chains, clips, 2, samples] at 44.1 kHz."""
    dry = read_clips(samples, [clip for chain in held_out for clip in chain.clips]).numpy()
    chains = [chain.chain for chain in held_out for _ in chain.clips]
    wet = [torch.from_numpy(chain.apply(clip)) for chain, clip in zip(chains, dry, strict=True)]
    return torch.stack(wet).unflatten(0, (len(held_out), -1))


def make_chain_views(
    path: Path, songs: Sequence[Path], samples: Path, folder: Path, chains: int, held_out: int
) -> None:
    """Write views of `chains` training chains on clips of studio songs, and draw `held_out` chains for testing.

    songs: files of `build_songs`. samples: the folder of sample songs. `folder` keeps the views, some chains to a file,
    so that an interrupted run goes on. `chains` is a multiple of CHAINS_PER_FILE.
    """
    if chains % CHAINS_PER_FILE:
        raise ValueError(f"chains are made {CHAINS_PER_FILE} at a time, so there cannot be {chains}")
    files = [folder / f"views_{number:04d}.npz" for number in range(chains // CHAINS_PER_FILE)]
    build_files(BuildChainViews(tuple(songs)), files, title="views of chains")
    parts = [dict(np.load(file, allow_pickle=False)) for file in files]
    tested = draw_held_out(samples, held_out)
    arrays = {
        **{name: np.concatenate([part[name] for part in parts]) for name in ("views", "instruments", "chains")},
        "held_chains": np.array([one.chain.to_json() for one in tested]),
        "held_tracks": np.array([[f"{clip.song}/{clip.track}" for clip in one.clips] for one in tested]),
        "held_starts_s": np.array([[clip.start_s for clip in one.clips] for one in tested], dtype=np.float32),
    }
    write_arrays(path, arrays, compressed=True)


@dataclass(frozen=True)
class BuildChainViews:
    """Some training chains, each heard on three clips of different songs."""

    songs: tuple[Path, ...]

    def __call__(self, path: Path) -> None:
        first = int(path.stem.rsplit("_", 1)[1]) * CHAINS_PER_FILE
        load = cache(lambda index: load_song(self.songs[index]))
        drawn = [draw_views(number, len(self.songs), load) for number in range(first, first + CHAINS_PER_FILE)]
        chains, audio, instruments = zip(*drawn, strict=True)
        arrays = {
            "views": np.stack([pack_views(small_view(wet)) for wet in audio]),
            "instruments": np.array(instruments),
            "chains": np.array([chain.to_json() for chain in chains]),
        }
        write_arrays(path, arrays)


def draw_views(number: int, songs: int, load: Callable[[int], Song]) -> tuple[EffectChain, Tensor, list[str]]:
    """Draw training chain `number`, put it onto clips of three of so many songs, which `load` gives by their number.

    Returns the chain, the wet clips [3, 2, samples] and the classes of their instruments.
    """
    rng = np.random.default_rng([TRAINING, number])
    chain = random_chain(rng)
    heard: list[Tensor] = []
    played: list[str] = []
    for index in rng.permutation(songs):
        song = load(int(index))
        found = active_clip(song, SAMPLES, rng)
        if found is None:
            continue
        wet = torch.from_numpy(chain.apply(found[0] * np.float32(db_to_gain(rng.uniform(-6, 6)))))
        if float(level_db(wet)) > SILENT_DB:
            heard.append(wet)
            played.append(song.instruments[found[1]])
        if len(heard) == VIEWS:
            break
    return chain, torch.stack(heard), played


def draw_held_out(samples: Path, count: int) -> list[HeldOutChain]:
    """Draw chains for testing, each with two clips of different instruments in which something is played."""
    rng = np.random.default_rng(HELD_OUT)
    songs = {name: read_multitrack(samples / name) for name in SONGS}
    tracks = sorted((song, track) for song in SONGS for track in SAMPLE_TRACKS[song])
    drawn: list[HeldOutChain] = []
    while len(drawn) < count:
        chain = random_chain(rng)
        clips: list[Clip] = []
        while len(clips) < 2:
            song, track = tracks[int(rng.integers(len(tracks)))]
            audio = songs[song].audio[songs[song].names.index(track), 0]
            clip = Clip(song, track, round(float(rng.uniform(0, audio.shape[-1] / SAMPLE_RATE - SECONDS)), 2))
            start = round(clip.start_s * SAMPLE_RATE)
            halves = audio[start : start + SAMPLES].unflatten(0, (2, -1))
            loud = all(float(level_db(half[None])) > SILENT_DB + 10 for half in halves)
            if loud and clip.instrument not in [other.instrument for other in clips]:
                clips.append(clip)
        drawn.append(HeldOutChain(chain, tuple(clips)))
    return drawn
