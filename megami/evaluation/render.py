"""Renders what the systems decided and keeps what is heard: one file per system and song, built once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio import SILENT_DB, db_to_gain, integrated_loudness
from megami.corpus import FrontEnd, assemble_embeddings, load_song
from megami.corpus.features import describe
from megami.corpus.parallel import write_arrays
from megami.effects import EffectChain
from megami.evaluation.listeners import small_encoders
from megami.evaluation.measures.descriptors import descriptors
from megami.evaluation.measures.pairwise import pairwise_metrics
from megami.mixing import Mixer
from megami.studio import Song
from megami.studio.engineers.listening import choose_lead, framed_level, loudness

EMBEDDED = 10  # mixes of a song whose tracks are embedded again; the others are only described
HEARD_LUFS = -16.0  # of every mix that is measured
PAIRED = 1  # mixes of a song that are compared one to one with mixes of the engineers


@cache
def mixer_of(weights: str) -> Mixer:
    """The mixer, made once in each process and on the CPU."""
    torch.set_num_threads(1)
    return Mixer.from_pretrained(weights, "cpu")


@dataclass(frozen=True)
class HearMixes:
    """Renders the plan of one system for one song (a file of `write_plan`), and describes tracks and mixes.

    Every mix is heard at the same loudness, as in a listening test (ITU-R BS.1534) and as `Mixer` gives it: how far up
    the master fader stands is nobody's decision about a song.

    The answer: `tracks` [mixes, tracks, d], `mixes` [mixes, d], `z` [<= EMBEDDED, tracks, dim], `lead_over_rest_db`
    [mixes], and `pairs`, the pairwise metrics against the engineers' first mixes where those are given.
    """

    plans: Path
    songs: Path
    weights: str
    engineers: Path | None = None  # folder of plans whose first mixes are the targets of the pairwise metrics
    target_lufs: float = HEARD_LUFS

    @torch.no_grad()
    def __call__(self, path: Path) -> None:
        plan = self.plans / path.parent.name / path.name
        song = load_song(self.songs / path.name)
        mixer = mixer_of(self.weights)
        fx_encoder, _ = small_encoders(mixer.networks)
        dry = [track.mean(0, keepdim=True).numpy() for track in song.multitrack.audio]
        lead = choose_lead(song, dry, [framed_level(x, song.multitrack.sample_rate) > SILENT_DB for x in dry])
        heard: dict[str, list] = {key: [] for key in ("tracks", "mixes", "z", "lead_over_rest_db", "pairs")}
        with np.load(plan, allow_pickle=False) as file:
            for index in range(len(file["z"] if "z" in file else file["chains"])):
                wet = self.render(song, file, index, mixer)
                mix = wet.sum(0)
                heard["tracks"].append(descriptors(wet))
                heard["mixes"].append(descriptors(mix[None])[0])
                heard["lead_over_rest_db"].append(lead_over_rest_db(wet, lead, song.multitrack.sample_rate))
                if index < EMBEDDED:
                    features = describe(wet, FrontEnd.of(fx_encoder.config))
                    heard["z"].append(assemble_embeddings(mixer.preset.embedding, fx_encoder, features))
                if index < PAIRED and self.engineers is not None:
                    with np.load(self.engineers / path.name, allow_pickle=False) as target:
                        wanted = self.render(song, target, index, mixer).sum(0)
                    heard["pairs"].append(list(pairwise_metrics(wanted[None], mix[None]).values()))
        arrays = {key: np.stack([np.asarray(item) for item in values]) for key, values in heard.items() if values}
        write_arrays(path, {**arrays, "lead": np.array(lead)})

    def render(self, song: Song, plan: Mapping[str, np.ndarray], index: int, mixer: Mixer) -> Tensor:
        """The wet tracks [tracks, 2, n] of one mix of a plan, all with the gain that brings the mix to its loudness."""
        wet = render_plan(song, plan, index, mixer)
        return match_loudness(wet, self.target_lufs, song.multitrack.sample_rate)


def match_loudness(wet: Tensor, target_lufs: float, sample_rate: int) -> Tensor:
    """Give all wet tracks [tracks, 2, n] the one gain that brings their sum to `target_lufs`; silence stays silent."""
    now = integrated_loudness(wet.sum(0), sample_rate)
    return wet if math.isinf(now) else wet * db_to_gain(target_lufs - now)


def render_plan(song: Song, plan: Mapping[str, np.ndarray], index: int, mixer: Mixer) -> Tensor:
    """The wet tracks [tracks, 2, n] of mix number `index` of a plan: by its chains, or by the mixer's processor."""
    if "chains" in plan:
        rate = song.multitrack.sample_rate
        chains = [EffectChain.from_json(str(text)) for text in plan["chains"][index]]
        dry = [track.mean(0, keepdim=True).numpy() for track in song.multitrack.audio]
        return torch.from_numpy(np.stack([chain.apply(x, rate) for chain, x in zip(chains, dry, strict=True)]))
    return mixer.process(song.multitrack, torch.from_numpy(plan["z"][index]))


def lead_over_rest_db(wet: Tensor, lead: int, sample_rate: int) -> float:
    """Loudness of the lead minus that of all other tracks together, in LU."""
    rest = wet.sum(0) - wet[lead]
    levels = [loudness(part.numpy(), sample_rate) for part in (wet[lead], rest)]
    return float(np.clip(levels[0] - levels[1], -40, 40))


def write_plan(path: Path, z: Tensor | None = None, chains: list[list[str]] | None = None) -> None:
    """Keep what a system decided: embeddings [mixes, tracks, dim], or chains as JSON, mix by mix."""
    write_arrays(path, {"z": z.numpy()} if z is not None else {"chains": np.array(chains)})
