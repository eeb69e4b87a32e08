"""`megami evaluate --quick`: every network of a set of weights against its trivial baseline, on held-out material.

Held-out songs come from unseen seeds, a third of them in styles that training never heard; chains are new draws.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import content_tokens
from megami.corpus import (
    CorpusConfig,
    Crops,
    Views,
    build_crops,
    build_features,
    build_songs,
    build_views,
    load_mixes,
    load_song,
    mix_contents,
    song_paths,
)
from megami.data import ENGINEERS, ROLES
from megami.embeddings import FxEncoder, from_tokens, renormalise
from megami.errors import UserError
from megami.evaluation.distribution import distance_rows, mean_embedding, random_training_mixes
from megami.evaluation.encoders import adaptor_rows, effect_encoder_rows
from megami.evaluation.processors import leave_dry, processor_rows, score
from megami.evaluation.report import Row, Table, markdown_table, to_json
from megami.generator import sample_mixes
from megami.processor import FxNorm, average_curve
from megami.weights import Networks, from_pretrained
from megami.weights.store import write_atomically

TABLES = (
    Table(
        "effect encoder",
        "Effect encoder",
        "Share of clips whose chain is found on other content among 100 chains (higher "
        "is better); accuracy of a linear probe for the instrument (lower is better).",
    ),
    Table(
        "adaptor",
        "Domain adaptor",
        "Mean cosine between content embeddings of an engineer's wet track and its dry source.",
    ),
    Table(
        "processor",
        "Effect processors",
        "Means over all held-out crops; every system has the target's true level and "
        "balance. Lower is better, except for the cosine of effect embeddings.",
    ),
    Table("processor by chain", "Spectral error by kind of chain", "Lower is better; 0 is equality."),
    Table(
        "generator",
        "Generator",
        "Kernel distance (KAD x 100) of effect embeddings to the engineers' mixes of the same "
        "songs; the engineers against themselves are the floor.",
    ),
)


@dataclass(frozen=True)
class QuickConfig:
    """How much is measured: with the defaults minutes on two cores."""

    corpus: CorpusConfig = CorpusConfig(train_songs=24, test_songs=18, mixes_per_song=2 * len(ENGINEERS))
    chains: int = 200
    crops: int = 300
    mixes_per_song: int = len(ENGINEERS)
    steps: int = 25


def evaluate_quick(
    weights: str, cache: Path, workers: int | None = None, config: QuickConfig = QuickConfig(), seed: int = 0
) -> list[Row]:
    """Measure all networks of `weights` (a name or folder) and return the rows of every table.

    Songs and features are kept in `cache`. Raises UserError if the weights or the SoundFont are not there, and for the
    published weights, whose encoders do not work on the features that are kept.
    """
    if weights == "paper":
        raise UserError("the quick evaluation needs features of our own encoders and cannot measure paper: use small")
    networks = from_pretrained(weights)
    corpus = config.corpus
    build_songs(cache, corpus, ("train", "test"), workers)
    build_features(cache, corpus, ("test",), workers)
    training = replace(corpus, mixes_per_song=2)
    build_features(cache, training, ("train",), workers)
    rows = encoder_section(networks, cache, config, workers)
    rows += processor_section(weights, networks, cache, config, workers)
    return rows + generator_section(networks, cache, config, training, seed)


def encoder_section(networks: Networks, cache: Path, config: QuickConfig, workers: int | None) -> list[Row]:
    """Effect encoder and adaptor."""
    views = Views.load(build_views(cache, config.corpus, "test", config.chains, workers))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untrained = FxEncoder(networks.preset.fx_encoder).eval()
    rows = effect_encoder_rows(networks.fx_encoder, untrained, views)
    pairs = mix_contents(cache, config.corpus, networks.content_encoder, "test")
    return rows + adaptor_rows(networks.adaptor, pairs)


def processor_section(
    weights: str, networks: Networks, cache: Path, config: QuickConfig, workers: int | None
) -> list[Row]:
    """Both processors against the dry track and against FxNorm."""
    paths = build_crops(cache, config.corpus, "test", config.crops, workers)
    crops = Crops.load(paths, networks.preset.embedding, networks.fx_encoder, networks.content_encoder)
    fxnorm = FxNorm(average_curve(crops.take(np.arange(len(crops)))["dry"]))
    systems: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
        "dry track": leave_dry,
        "FxNorm": lambda dry, z, content: fxnorm(dry).expand(-1, 2, -1),
        "structured": from_pretrained(weights, processor="structured").processor,
        "FiLM-TCN": from_pretrained(weights, processor="tcn").processor,
    }
    scores = {name: score(render, crops, networks.fx_encoder) for name, render in systems.items()}
    return processor_rows(scores, crops.kinds)


@torch.no_grad()
def generator_section(
    networks: Networks, cache: Path, config: QuickConfig, training: CorpusConfig, seed: int
) -> list[Row]:
    """The generator, given dry tracks of the held-out songs, against the engineers' mixes of these songs."""
    preset, corpus = networks.preset, config.corpus
    listeners = (networks.fx_encoder, networks.content_encoder, networks.adaptor)
    engineers = load_mixes(cache, corpus, "test", preset.embedding, *listeners).effects
    per_song = [engineers[i : i + corpus.mixes_per_song] for i in range(0, len(engineers), corpus.mixes_per_song)]
    reference = [torch.stack(mixes[: config.mixes_per_song]) for mixes in per_song]
    others = [torch.stack(mixes[config.mixes_per_song :]) for mixes in per_song]
    dry = [pair[1] for pair in mix_contents(cache, corpus, networks.content_encoder, "test")[:: corpus.mixes_per_song]]
    generated = [
        generate(networks, networks.adaptor(content), config.mixes_per_song, config.steps, seed + index)
        for index, content in enumerate(dry)
    ]
    train = load_mixes(cache, training, "train", preset.embedding, *listeners)
    counts = [mixes.shape[1] for mixes in reference]
    systems = {
        "MEGAMI (small)": generated,
        "random training mix": random_training_mixes(counts, config.mixes_per_song, train, seed),
        "mean embedding": mean_embedding(counts, config.mixes_per_song, train, preset.embedding),
        "engineers against themselves": others,
    }
    songs = [load_song(path) for path in song_paths(cache, "test", corpus)]
    return distance_rows(reference, systems, [[ROLES.index(role) for role in song.roles] for song in songs])


def generate(networks: Networks, content: Tensor, mixes: int, steps: int, seed: int) -> Tensor:
    """Effect embeddings [mixes, tracks, dim] for adapted content [tracks, content_dim]."""
    preset = networks.preset
    tokens = sample_mixes(networks.generator, content_tokens(content), mixes, steps + 1, seed, churn=preset.churn)
    return renormalise(preset.embedding, from_tokens(preset.embedding, tokens))


def print_report(rows: list[Row]) -> str:
    """All tables as Markdown."""
    return "\n".join(markdown_table(rows, table, by_group=table.name == "processor by chain") for table in TABLES)


def write_results(path: Path, rows: list[Row], weights: str) -> None:
    """Write the rows and how they were made as JSON; raises UserError if the file cannot be written."""
    made_by = {
        "command": "megami evaluate --quick",
        "weights": Path(weights).name,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
    write_atomically(path, (json.dumps(to_json(rows, made_by), indent=1) + "\n").encode("utf-8"))
