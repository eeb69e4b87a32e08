"""Cached features as the tensors that training and evaluation take."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from megami.adaptation import ContentEncoder, DomainAdaptor, EarEncoder, doubt, join_content
from megami.corpus.code_mark import check_code
from megami.corpus.features import dry_paths, mirrored, mix_paths
from megami.corpus.parallel import write_arrays
from megami.corpus.songs import CorpusConfig
from megami.corpus.source_hash import source_hash
from megami.corpus.space import read_spaces
from megami.device import device_of
from megami.embeddings import EmbeddingConfig, FxEncoder, join_features
from megami.errors import UserError
from megami.studio import INSTRUMENTS, ROLES

ContentListener = ContentEncoder | EarEncoder


@dataclass(frozen=True)
class Views:
    """Log-mels of every chain on several clips: mels [chains, views, 4, mels, frames] in half precision.

    instrument [chains, views] are class numbers; chain [chains] numbers the chains, for one may have been drawn twice.
    cepstra [chains, views, 2, lags, windows] in half precision, and space [chains, SPACE] says what reverb and echo
    each chain has (`megami.corpus.space`).
    """

    mels: Tensor
    instrument: Tensor
    chain: Tensor
    cepstra: Tensor
    space: Tensor

    @staticmethod
    def load(paths: list[Path]) -> Views:
        """Read the files of `build_views`."""
        files = [np.load(path, allow_pickle=False) for path in paths]
        chains = [str(file["chain"]) for file in files]
        return Views(
            torch.from_numpy(np.stack([file["mels"] for file in files])),
            torch.from_numpy(np.stack([file["instrument"] for file in files])),
            torch.from_numpy(np.unique(chains, return_inverse=True)[1]),
            torch.from_numpy(np.stack([file["cepstra"] for file in files])),
            read_spaces(chains),
        )


@dataclass(frozen=True)
class DryTracks:
    """Dry tracks: mels [tracks, 1, mels, frames] in half precision, mid bands in dB [tracks, bands], class numbers."""

    mels: Tensor
    mid_db: Tensor
    instrument: Tensor
    role: Tensor

    @staticmethod
    def load(paths: list[Path]) -> DryTracks:
        """Read the files of `BuildDry`."""
        files = [np.load(path, allow_pickle=False) for path in paths]
        return DryTracks(
            torch.from_numpy(np.concatenate([file["content"] for file in files])),
            torch.from_numpy(np.concatenate([file["mid"] for file in files])),
            torch.tensor([INSTRUMENTS.index(name) for file in files for name in file["instruments"]]),
            torch.tensor([ROLES.index(name) for file in files for name in file["roles"]]),
        )


def assemble_embeddings(
    config: EmbeddingConfig, encoder: FxEncoder, features: dict[str, np.ndarray], batch: int = 64
) -> Tensor:
    """Effect embeddings [b, dim] of cached features (see `megami.corpus.features.describe`), by the trained encoder."""
    heard = [torch.from_numpy(features[name]).split(batch) for name in ("mels", "cepstra")]
    device = device_of(encoder)
    with torch.no_grad():
        parts = ([part.to(device).float() for part in pair] for pair in zip(*heard, strict=True))
        fx = torch.cat([encoder.encode(mels, cepstra).cpu() for mels, cepstra in parts])
        return join_features(config, fx, *(torch.from_numpy(features[name]) for name in ("dynamics", "mid", "side")))


def heard_spaces(config: EmbeddingConfig, encoder: FxEncoder, paths: list[Path]) -> tuple[Tensor, Tensor]:
    """Effect embeddings of the views in the files of `build_views`, and what reverb and echo they have.

    [views, dim] and [views, SPACE].
    """
    embeddings, spaces = [], []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            z = assemble_embeddings(config, encoder, file)
            embeddings.append(z)
            spaces.append(read_spaces([str(file["chain"])]).expand(len(z), -1))
    return torch.cat(embeddings), torch.cat(spaces)


@dataclass(frozen=True)
class Crops:
    """Crops in 16 bits with their embeddings: dry [b, 1, n], wet [b, 2, n], z and content [b, dim], kinds.

    space [b, SPACE] says what reverb and echo each crop was given (`megami.corpus.space`).
    """

    dry: np.ndarray
    dry_scale: np.ndarray
    wet: np.ndarray
    wet_scale: np.ndarray
    z: Tensor
    content: Tensor
    kinds: np.ndarray
    space: Tensor

    def __len__(self) -> int:
        return len(self.z)

    @staticmethod
    def load(paths: list[Path], config: EmbeddingConfig, encoder: FxEncoder, content_encoder: ContentListener) -> Crops:
        """Read the files of `build_crops` and embed them."""
        names = ("dry", "dry_scale", "wet", "wet_scale", "z", "content", "kinds", "space")
        parts: dict[str, list] = {key: [] for key in names}
        for path in paths:
            with np.load(path, allow_pickle=False) as file:
                for key in ("dry", "dry_scale", "wet", "wet_scale", "kinds"):
                    parts[key].append(file[key])
                parts["space"].append(read_spaces(file["chains"]))
                parts["z"].append(assemble_embeddings(config, encoder, file))
                cached = torch.from_numpy(file[cached_names(content_encoder)[0]]).float()
                parts["content"].append(encode_content(content_encoder, cached))
        joined: dict[str, Any] = {
            k: torch.cat(v) if k in ("z", "content", "space") else np.concatenate(v) for k, v in parts.items()
        }
        return Crops(**joined)

    def take(self, index: np.ndarray) -> dict[str, Tensor]:
        """Crops by number, as float32 audio."""
        dry = self.dry[index].astype(np.float32) * self.dry_scale[index]
        wet = self.wet[index].astype(np.float32) * self.wet_scale[index][..., None]
        rows = torch.from_numpy(index)
        return {
            "dry": torch.from_numpy(dry),
            "wet": torch.from_numpy(wet),
            "z": self.z[rows],
            "content": self.content[rows],
            "space": self.space[rows],
        }


@dataclass(frozen=True)
class MixEmbeddings:
    """Embeddings of engineered mixes: per mix, effect embeddings [tracks, dim] and content [variants, tracks, dim].

    `doubt` [dim, dim] is how unsure that content is (see `megami.adaptation.doubt`). `songs` numbers the song of each
    mix, whose mixes have the same tracks in the same order; without it, each mix is of another song.
    """

    effects: list[Tensor]
    contents: list[Tensor]
    doubt: Tensor
    songs: tuple[int, ...] = ()


def mix_contents(
    folder: Path, config: CorpusConfig, encoder: ContentListener, split: str
) -> list[tuple[Tensor, Tensor]]:
    """Content of the wet and dry tracks of every mix of a split: ([variants, tracks, dim], [tracks, dim]).

    The variants are the whole song and its two halves, so that content does not depend on one segment. What one encoder
    heard is kept in a file, for the adaptor and the generator both need it.
    """
    check_code(folder)
    paths = mix_paths(folder, split, config)
    mark = f"{mixes_mark(split, config)}_{encoder.config.total_dim}_{listener_mark(encoder)}"
    kept = folder / "contents" / f"{mark}.npz"
    if not kept.exists():
        songs = dry_paths(folder, split, config)
        pairs = [
            embed_pair(encoder, path, songs[index // config.mixes_per_song])
            for index, path in enumerate(tqdm(paths, desc=f"contents ({split})", mininterval=1.0))
        ]
        write_arrays(
            kept,
            {
                "wet": torch.cat([wet for wet, _ in pairs], dim=1).numpy(),
                "dry": torch.cat([dry for _, dry in pairs]).numpy(),
                "tracks": np.array([len(dry) for _, dry in pairs]),
            },
        )
    with np.load(kept, allow_pickle=False) as file:
        counts = file["tracks"].tolist()
        wet, dry = torch.from_numpy(file["wet"]), torch.from_numpy(file["dry"])
    return list(zip(wet.split(counts, dim=1), dry.split(counts), strict=True))


@torch.no_grad()
def embed_pair(encoder: ContentListener, mix: Path, song: Path) -> tuple[Tensor, Tensor]:
    """Content of one mix's wet tracks [3, tracks, dim] and of its song's dry tracks [tracks, dim]."""
    wet, wet_source = read_content(mix, cached_names(encoder)[1], "wet_source")
    half = wet.shape[-1] // 2
    # What MusiCNN heard is kept for the song and its halves; log-mels can be cut.
    cuts = wet if encoder.config.by_ear else (wet, wet[..., :half], wet[..., half:])
    variants = torch.stack([encode_content(encoder, cut) for cut in cuts])
    return join_content(encoder.config, variants, wet_source), embed_dry(encoder, song)


def embed_dry(encoder: ContentListener, song: Path) -> Tensor:
    """Content [tracks, dim] of the dry tracks of a song, by its file of dry features."""
    cached, source = read_content(song, cached_names(encoder)[0], "source")
    return join_content(encoder.config, encode_content(encoder, cached), source)


def cached_names(encoder: ContentListener) -> tuple[str, str]:
    """What files of features call that which an encoder encodes, of dry tracks and of wet ones."""
    return ("heard", "wet_heard") if encoder.config.by_ear else ("content", "wet_content")


@torch.no_grad()
def encode_content(encoder: ContentListener, cached: Tensor) -> Tensor:
    """The learned part of content [b, dim] of what is cached for an encoder (on any device): its `features`."""
    return encoder.encode(cached.to(device_of(encoder))).cpu()


@torch.no_grad()
def adapt_content(adaptor: DomainAdaptor, wet: Tensor, effects: Tensor) -> Tensor:
    """Wet content, and the effect embeddings of the same tracks, as an adaptor on any device adapts it."""
    device = device_of(adaptor)
    return adaptor.adapt_wet(wet.to(device), effects.to(device)).cpu()


def read_content(path: Path, cached: str, source: str) -> tuple[Tensor, Tensor]:
    """Two arrays of a file of features: what an encoder encodes, and measurements.

    Raises UserError for a file of a version without them.
    """
    with np.load(path, allow_pickle=False) as file:
        if source not in file or cached not in file:
            raise UserError(f"{path} was made by an older version: delete {path.parent.parent} and start again")
        return torch.from_numpy(file[cached]).float(), torch.from_numpy(file[source])


def mix_effects(
    folder: Path, config: CorpusConfig, split: str, embedding: EmbeddingConfig, encoder: FxEncoder, mirror: bool = False
) -> list[Tensor]:
    """Effect embeddings [tracks, dim] of every mix of a split; what one encoder heard is kept in a file.

    With `mirror`, of the mixes with left and right exchanged.
    """
    check_code(folder)
    paths = mix_paths(folder, split, config)
    mark = f"{mixes_mark(split, config)}{'_mirrored' if mirror else ''}_{listener_mark(encoder)}"
    kept = folder / "effects" / f"{mark}.npz"
    if not kept.exists():
        effects = []
        for path in tqdm(paths, desc=f"effect embeddings ({split}{', mirrored' if mirror else ''})", mininterval=1.0):
            with np.load(path, allow_pickle=False) as file:
                effects.append(assemble_embeddings(embedding, encoder, mirrored(file) if mirror else file))
        write_arrays(kept, {"z": torch.cat(effects).numpy(), "tracks": np.array([len(z) for z in effects])})
    with np.load(kept, allow_pickle=False) as file:
        return list(torch.from_numpy(file["z"]).split(file["tracks"].tolist()))


def mixes_mark(split: str, config: CorpusConfig) -> str:
    """Names which mixes a file is about, and the code that heard them."""
    return f"{split}_{config.songs(split)}x{config.mixes_per_song}_{source_hash('megami.corpus.datasets')}"


def fingerprint(network: nn.Module) -> str:
    """Eight digits that change with a network's weights."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]


def listener_mark(encoder: nn.Module) -> str:
    """Names an encoder in the files of what it heard; a GPU rounds differently, so its files lie beside the CPU's."""
    device = device_of(encoder).type
    return fingerprint(encoder) if device == "cpu" else f"{fingerprint(encoder)}_{device}"


def load_mixes(
    folder: Path,
    config: CorpusConfig,
    splits: tuple[str, ...],
    embedding: EmbeddingConfig,
    encoder: FxEncoder,
    content_encoder: ContentListener,
    adaptor: DomainAdaptor,
    mirror: bool = False,
    true_dry: bool = False,
) -> MixEmbeddings:
    """Embed the engineers' mixes of some splits: effect embeddings, and adapted content of the wet tracks.

    mirror    each mix once more, with left and right exchanged, after those of its split
    true_dry  content of the dry tracks in the place of the adapted content, an oracle; the doubt stays the adaptor's

    The doubt is that of the last split: of `("train", "extra")` songs, the latter are new to the adaptor.
    """
    effects: list[Tensor] = []
    contents: list[Tensor] = []
    songs: list[int] = []
    for split in splits:
        first, each = len(set(songs)), config.mixes_per_song
        turns = (False, True) if mirror else (False,)
        own = [z for turned in turns for z in mix_effects(folder, config, split, embedding, encoder, turned)]
        pairs = mix_contents(folder, config, content_encoder, split) * len(turns)
        adapted = [adapt_content(adaptor, wet, z) for (wet, _), z in zip(pairs, own, strict=True)]
        effects += own
        contents += [dry.expand_as(wet) for wet, dry in pairs] if true_dry else adapted
        songs += [first + number // each for number in range(len(own) // len(turns))] * len(turns)
    last = torch.cat([variants[0] for variants in adapted]), torch.cat([dry for _, dry in pairs])
    return MixEmbeddings(effects, contents, doubt(*last), tuple(songs))
