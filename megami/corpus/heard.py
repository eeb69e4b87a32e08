"""How the stems of studio songs are heard: what the stem bank is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import describe_source
from megami.corpus.code_mark import HEARD, claim_code
from megami.corpus.ears import hear_tracks
from megami.corpus.features import content_mels
from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import CorpusConfig, claim_cache, load_song, song_paths
from megami.embeddings.spectrum import MID_BANDS
from megami.studio import INSTRUMENTS, ROLES, Song

KIT, KIT_MICROPHONES = "drum kit", ("kick", "snare", "overheads")


@dataclass(frozen=True)
class HeardStems:
    """Stems of some songs: heard [stems, 274], the content encoder's log-mels in half precision, class numbers."""

    heard: Tensor
    mels: Tensor
    role: Tensor
    instrument: Tensor


def with_whole_kit(song: Song) -> tuple[Tensor, list[str], list[str]]:
    """The stems of a song [stems, 1, n] with roles and instruments; a kit of several microphones also as one stem.

    In real folders drums mostly come as one stem; few studio songs have it so.
    """
    audio, roles, instruments = song.multitrack.audio, list(song.roles), list(song.instruments)
    close = [index for index, name in enumerate(instruments) if name in KIT_MICROPHONES]
    if {instruments[index] for index in close} >= set(KIT_MICROPHONES):
        audio = torch.cat([audio, audio[close].sum(dim=0, keepdim=True)])
        roles.append("drums")
        instruments.append(KIT)
    return audio, roles, instruments


@dataclass(frozen=True)
class BuildHeard:
    """What the stems of one song sound like, as a file."""

    folder: Path
    config: CorpusConfig

    def __call__(self, path: Path) -> None:
        audio, roles, instruments = with_whole_kit(load_song(self.folder / "songs" / path.name))
        write_arrays(
            path,
            {
                "heard": torch.cat([hear_tracks(audio), describe_source(audio)[:, :MID_BANDS]], dim=-1).numpy(),
                "mels": content_mels(audio, self.config.content_front_end),
                "role": np.array([ROLES.index(name) for name in roles]),
                "instrument": np.array([INSTRUMENTS.index(name) for name in instruments]),
            },
        )


def build_heard(folder: Path, config: CorpusConfig, songs: int, workers: int | None = None) -> HeardStems:
    """Hear the stems of the first training songs, which must have been rendered."""
    claim_cache(folder, config)
    claim_code(folder, HEARD)
    paths = [folder / "heard" / path.name for path in song_paths(folder, "train", config)[:songs]]
    build_files(BuildHeard(folder, config), paths, workers, "stems by ear")
    files = [dict(np.load(path, allow_pickle=False)) for path in paths]
    columns = ("heard", "mels", "role", "instrument")
    return HeardStems(*(torch.from_numpy(np.concatenate([file[name] for file in files])) for name in columns))
