"""What every system decides about the test songs, written as plans that are then rendered and heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import StemBank
from megami.corpus import load_mixes, load_song, mix_contents, song_paths
from megami.corpus.features import mix_paths
from megami.embeddings.spectrum import MID_BANDS
from megami.evaluation import systems
from megami.evaluation.listeners import small_encoders
from megami.evaluation.render import write_plan
from megami.evaluation.stage import TRUE_DRY, Stage
from megami.evaluation.systems import TrainingTracks
from megami.mixing.hearing import parts_of
from megami.studio import Song


@dataclass(frozen=True)
class Engineered:
    """What the engineers did to one test song: embeddings and adapted content per mix, chains and names."""

    effects: Tensor  # [mixes, tracks, dim]
    content: Tensor  # [mixes, tracks, dim], of the wet tracks
    heard: Tensor  # [tracks, dim], what a mixer hears of the dry tracks
    dry_content: Tensor  # [tracks, dim], of the dry tracks by the content encoder
    adapted_content: Tensor  # [tracks, dim], the same through the adaptor
    plays: Tensor  # [tracks, n], what the dry tracks are taken for (`megami.mixing.hearing.Heard`)
    wet_plays: Tensor  # [mixes, tracks, n], what the wet tracks are taken for
    chains: list[list[str]]
    names: np.ndarray  # [mixes]

    def told(self, adapt_dry: bool) -> Tensor:
        """What a generator is given, by the option of its preset: [tracks, dim]."""
        return self.adapted_content if adapt_dry else self.heard


@torch.no_grad()
def engineers_of(stage: Stage) -> list[Engineered]:
    """The engineers' mixes of every test song."""
    corpus, networks = stage.config.corpus, stage.mixer.networks
    fx_encoder, content_encoder = small_encoders(networks)
    listeners, bank = (fx_encoder, content_encoder, networks.adaptor), networks.stem_bank
    mixes = load_mixes(stage.cache, corpus, ("test",), networks.preset.embedding, *listeners)
    contents = mix_contents(stage.cache, corpus, content_encoder, "test")
    paths, per_song = mix_paths(stage.cache, "test", corpus), corpus.mixes_per_song
    answer = []
    songs = song_paths(stage.cache, "test", corpus)
    for first in range(0, len(paths), per_song):
        own = range(first, first + per_song)
        files = [np.load(paths[i], allow_pickle=False) for i in own]
        dry = contents[first][1]
        hearing = stage.mixer.hear(load_song(songs[first // per_song]).multitrack)
        wet = torch.stack([mixes.contents[i][0] for i in own])
        answer.append(
            Engineered(
                torch.stack([mixes.effects[i] for i in own]),
                wet,
                hearing.content,
                dry,
                networks.adaptor(dry.to(stage.mixer.device)).cpu(),
                hearing.plays,
                wet if bank is None else torch.stack([taken_for(bank, file) for file in files]),
                [[str(chain) for chain in file["chains"]] for file in files],
                np.array([str(file["engineer"]) for file in files]),
            )
        )
    return answer


def taken_for(bank: StemBank, features: Mapping[str, np.ndarray]) -> Tensor:
    """What the wet tracks of a mix are taken for, from its features: [tracks, n]."""
    heard, source = (torch.from_numpy(features[name][0]).float() for name in ("wet_heard", "wet_source"))
    device = bank.keys.device
    return parts_of(bank, bank.shares(torch.cat([heard, source[:, :MID_BANDS]], dim=-1).to(device))).cpu()


def training_tracks(stage: Stage) -> TrainingTracks:
    """The tracks that random and nearest_neighbour borrow from."""
    config, networks = stage.config, stage.mixer.networks
    fx_encoder, content_encoder = small_encoders(networks)
    corpus = replace(config.corpus, train_songs=config.training_songs, mixes_per_song=config.training_mixes)
    listeners = (fx_encoder, content_encoder, networks.adaptor)
    effects = load_mixes(stage.cache, corpus, ("train",), networks.preset.embedding, *listeners).effects
    dry = [pair[1] for pair in mix_contents(stage.cache, corpus, content_encoder, "train")]
    chains: list[str] = []
    for path in mix_paths(stage.cache, "train", corpus):
        with np.load(path, allow_pickle=False) as file:
            chains += [str(chain) for chain in file["chains"]]
    mix = np.repeat(np.arange(len(effects)), [len(item) for item in effects])
    return TrainingTracks(torch.cat(effects), torch.cat(dry), tuple(chains), mix)


def write_engineers(stage: Stage, engineers: list[Engineered]) -> None:
    """Plans of the reference, of the engineers against it, and of their embeddings through the processor."""
    half = stage.config.mixes
    for name, song in zip(stage.song_names(), engineers, strict=True):
        write_plan(stage.plan("reference", name), chains=song.chains[:half])
        write_plan(stage.plan("engineers", name), chains=song.chains[half : 2 * half])
        write_plan(stage.plan("engineers_processor", name), song.effects[half : 2 * half])


def write_chain_systems(stage: Stage, songs: list[Song]) -> None:
    """Plans of the systems that need no network."""
    for name, song in zip(stage.song_names(), songs, strict=True):
        by_rule = [systems.rule_based(song, stage.seed + k) for k in range(stage.config.mixes)]
        for system, chains in (
            ("raw_sum", [systems.raw_sum(song)]),
            ("equal_loudness", [systems.equal_loudness(song)]),
            ("rule_based_chain", by_rule),
        ):
            write_plan(stage.plan(system, name), chains=[[chain.to_json() for chain in mix] for mix in chains])


@torch.no_grad()
def write_embedding_systems(stage: Stage, songs: list[Engineered]) -> None:
    """Plans of all systems that decide by embeddings."""
    config, mixer = stage.config, stage.mixer
    training = training_tracks(stage)
    as_learned = mixer.preset.sampling.but(temperature=1.0)
    for index, (name, song) in enumerate(zip(stage.song_names(), songs, strict=True)):
        content = song.told(mixer.preset.adapt_dry)
        tracks, seed = len(content), stage.seed + index
        borrowed = {
            "random": systems.choose_random(training, tracks, config.mixes, seed),
            "nearest_neighbour": systems.choose_nearest(training, song.dry_content, config.mixes),
        }
        for system, chosen in borrowed.items():
            write_plan(stage.plan(system, name), training.effects[torch.from_numpy(chosen)])
            chains = [[training.chains[item] for item in mix] for mix in chosen]
            write_plan(stage.plan(f"{system}_chain", name), chains=chains)
        wet = [mixer.generate(song.content[k], 1, seed=seed + 1000 * k, together=True) for k in range(config.mixes)]
        drawn = {
            "megami": mixer.generate(content, config.many_mixes, seed=seed, together=True),
            "megami_wet_content": torch.cat(wet),
            "megami_adapted": mixer.generate(song.adapted_content, config.mixes, seed=seed, together=True),
            "megami_as_learned": mixer.generate(
                content, config.many_mixes, seed=seed, sampling=as_learned, together=True
            ),
            "per_track": systems.draw_per_track(stage.others["per_track"], content, config.many_mixes, seed),
            "regression": systems.regress(stage.others["regression"], content),
        }
        if TRUE_DRY in stage.others:
            drawn[TRUE_DRY] = stage.others[TRUE_DRY].generate(
                song.dry_content, config.many_mixes, seed=seed, together=True
            )
        for system, z in drawn.items():
            write_plan(stage.plan(system, name), z)
