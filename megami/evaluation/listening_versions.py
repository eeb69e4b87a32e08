"""The versions of a song that listeners compare: by simple systems, by MEGAMI, by an engineer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio import read_multitrack
from megami.effects import EffectChain
from megami.evaluation.render import HEARD_LUFS, match_loudness
from megami.evaluation.systems import raw_sum, regress, rule_based
from megami.generator import Denoiser
from megami.mixing import Mixer, weights_folder
from megami.presets import load_network
from megami.progress import Progress, silent
from megami.studio import Song, mix_with_random_engineer
from megami.studio.sample_songs import as_song

TAKES = ("take 1", "take 2", "take 3")
VERSIONS = ("raw sum", "rules", "regression", *TAKES, "engineer")
"""What each version is called in the results of a listening test; takes are MEGAMI's."""
SYSTEM_OF = {version: "MEGAMI" if version in TAKES else version for version in VERSIONS}
"""Who made each version."""
LISTENED_SONGS = {"gravel_road": "Gravel Road", "rooftop": "Rooftop"}
"""The sample songs of the listening test, by their folders: long enough for one."""


def excerpt_of(folder: Path | str, start_s: float = 0.0, seconds: float | None = None) -> Song:
    """Read a passage of a sample song, all of it if no length is given.

    folder: of its tracks, under the song's own name. Raises UserError if it cannot be read.
    """
    folder = Path(folder)
    tracks = read_multitrack(folder)
    start = round(start_s * tracks.sample_rate)
    end = None if seconds is None else start + round(seconds * tracks.sample_rate)
    return as_song(replace(tracks, audio=tracks.audio[..., start:end].clone()), folder.name)


def regression_mixer(mixer: Mixer, weights: str | Path = "small") -> Mixer:
    """Give the same mixer with the generator that was trained with squared error, out of the folder of `weights`."""
    generator = load_network(weights_folder(weights), "generator_regression")
    assert isinstance(generator, Denoiser)
    return Mixer(replace(mixer.networks, generator=generator), mixer.device)


def listening_versions(
    song: Song,
    mixer: Mixer,
    regression: Mixer,
    seed: int = 0,
    progress: Progress | None = None,
    names: Collection[str] = VERSIONS,
) -> dict[str, Tensor]:
    """Mix a song in the ways that listeners compare: audio [2, samples] by its name out of VERSIONS, all at -16 LUFS.

    The raw sum; a mix by rules, which know the role of each track; one by the network that was trained with squared
    error (`regression`, of `regression_mixer`); three takes by MEGAMI; and one by an engineer, drawn from the song's
    seed. Nothing is limited: mixes differ by what was decided for the tracks. seed: of rules, takes and engineer.
    names: of the versions to make. The chapter "Asking listeners" uses it.
    """
    report = progress or silent
    tracks = song.multitrack
    content = mixer.content(tracks)
    plans = mixer.generate(content, num_mixes=len(TAKES), seed=seed)
    ways: dict[str, Callable[[], Tensor]] = {
        "raw sum": lambda: rendered(song, raw_sum(song)),
        "rules": lambda: rendered(song, rule_based(song, seed)),
        "regression": lambda: mixer.process(tracks, regress(regression, content)[0]),
        **{take: partial(mixer.process, tracks, plan) for take, plan in zip(TAKES, plans, strict=True)},
        "engineer": lambda: mix_with_random_engineer(song, seed).tracks,
    }
    wanted = [version for version in VERSIONS if version in names]
    made = {}
    for done, version in enumerate(wanted):
        report(version, done, len(wanted))
        made[version] = match_loudness(ways[version](), HEARD_LUFS, tracks.sample_rate).sum(0)
    return made


def rendered(song: Song, chains: Iterable[EffectChain]) -> Tensor:
    """The wet tracks [tracks, 2, samples] of a song by one chain for each."""
    rate, dry = song.multitrack.sample_rate, song.multitrack.mono().numpy()
    return torch.from_numpy(np.stack([chain.apply(x, rate) for chain, x in zip(chains, dry, strict=True)]))
