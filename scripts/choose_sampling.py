"""How to sample: compare solvers, steps, churn and what the generator is told, on the validation songs.

    python scripts/choose_sampling.py CACHE [--weights small] [--mixes 20]

Plans only, nothing is rendered but the engineers' mixes (kept in CACHE; `megami train small` and `megami evaluate` use
the same folder). For choosing defaults, so that the test songs stay unseen.
Prints two tables in Markdown. Every way to sample: KAD of effect embeddings, energy distance of mixes (0: the same
distribution), how far a drawn mix is from the nearest of the engineers' (`near`), the share of mixes that are as near
as another mix by the same engineer would be (`precise`), the share of engineers that are reached so (`reached`), and
that of tracks that follow one (`agreement`). And with the preset's churn and temperature: how much larger the energy
distance is than with 100 evaluations, song by song.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import DomainAdaptor
from megami.corpus import CorpusConfig, build_features, build_songs, mix_contents, mix_effects
from megami.corpus.features import mix_paths
from megami.evaluation.measures.distances import kad_row
from megami.evaluation.measures.plan_distance import PlanMetric, energy_distance, plan_agreement
from megami.evaluation.measures.style_coverage import same_style_radius, styles_reached
from megami.evaluation.results import mean_row
from megami.generator import SamplingOptions
from megami.mixing import Mixer, Networks

WAYS = [
    ("dry", SamplingOptions(steps, solver, churn))
    for solver, steps, churn in (
        *(("euler", steps, churn) for steps in (4, 8, 12, 16, 25, 50) for churn in (0.0, 10.0)),
        *(("multistep", steps, 0.0) for steps in (8, 12, 25)),
        *(("heun", steps, 0.0) for steps in (6, 12)),
    )
] + [("adapted", SamplingOptions(8, churn=10.0)), ("dry", SamplingOptions(8, churn=10.0, guidance=1.5))]
WAYS += [
    ("dry", SamplingOptions(steps, churn=churn, temperature=temperature))
    for steps in (8, 25)
    for churn in (0.0, 10.0)
    for temperature in (0.7, 0.5, 0.35, 0.25)
]
EVALUATIONS = (100, 4, 6, 8, 10, 12, 16, 25)  # the first is what the others are compared with
SEEDS = 3  # draws of every song, for one seed decides little


@dataclass(frozen=True)
class Song:
    """One validation song: engineers' embeddings [mixes, tracks, dim], their names, and the content of its tracks."""

    effects: Tensor
    engineers: np.ndarray
    contents: dict[str, Tensor]


def load_songs(cache: Path, networks: Networks, mixes: int) -> list[Song]:
    """The validation songs, mixed `mixes` times by the engineers in turn."""
    heard = networks.fx_encoder.config, networks.content_encoder.config
    corpus = CorpusConfig(mixes_per_song=mixes).heard_by(*heard)
    build_songs(cache, corpus, ("validation",))
    build_features(cache, corpus, ("validation",))
    effects = mix_effects(cache, corpus, "validation", networks.preset.embedding, networks.fx_encoder)
    pairs = mix_contents(cache, corpus, networks.content_encoder, "validation")
    paths = mix_paths(cache, "validation", corpus)
    return [
        Song(torch.stack(effects[k : k + mixes]), names(paths[k : k + mixes]), told(networks.adaptor, pairs[k][1]))
        for k in range(0, len(paths), mixes)
    ]


def names(paths: Sequence[Path]) -> np.ndarray:
    """Who made the mixes."""
    return np.array([str(np.load(path, allow_pickle=False)["engineer"]) for path in paths])


@torch.no_grad()
def told(adaptor: DomainAdaptor, dry: Tensor) -> dict[str, Tensor]:
    """What a generator may be told of dry tracks."""
    return {"dry": dry, "adapted": adaptor(dry)}


def radius_of(metric: PlanMetric, songs: Sequence[Song]) -> float:
    """How near the second half of the engineers' mixes come to the first half of the same engineer's, most of them."""
    half = len(songs[0].effects) // 2
    apart = [metric.distances(song.effects[half:], song.effects[:half]).numpy() for song in songs]
    theirs, ours = ([song.engineers[cut] for song in songs] for cut in (slice(half, None), slice(half)))
    return same_style_radius(apart, theirs, ours)


def measure(metric: PlanMetric, radius: float, songs: Sequence[Song], drawn: Sequence[Tensor]) -> str:
    """The cells of one row: `drawn` [mixes, tracks, dim] per song against the first half of the engineers' mixes."""
    half = len(songs[0].effects) // 2
    pairs = [(song.effects[:half], song.engineers[:half], plans) for song, plans in zip(songs, drawn, strict=True)]
    apart = [metric.distances(plans, theirs).numpy() for theirs, _, plans in pairs]
    near = [distances.min(1).mean() for distances in apart]
    precise = [(distances.min(1) <= radius).mean() for distances in apart]
    reached = [styles_reached(distances, pair[1], radius) for distances, pair in zip(apart, pairs, strict=True)]
    energy = [energy_distance(metric, plans, theirs) for theirs, _, plans in pairs]
    agreement = [plan_agreement(metric, plans, theirs, names) for theirs, names, plans in pairs]
    kad = kad_row("", "", *([pair[k].flatten(0, 1) for pair in pairs] for k in (0, 2)))
    cells = (f"{np.mean(column):.3f}" for column in (energy, near, precise, reached, agreement))
    return f"{kad.value:.3f} ({kad.low:.3f}–{kad.high:.3f}) | " + " | ".join(cells)


def print_lags(mixer: Mixer, metric: PlanMetric, songs: Sequence[Song]) -> None:
    """How much farther from the engineers few evaluations end than 100, of the solvers that pay one a step."""
    usual, mixes = mixer.preset.sampling, len(songs[0].effects)

    def distance(song: Song, way: SamplingOptions, seed: int) -> float:
        plans = mixer.generate(song.contents["dry"], mixes, seed=seed, sampling=way, together=True)
        return energy_distance(metric, plans, song.effects)

    print("\n| solver | evaluations | energy over that of 100 |\n|---|---|---|")
    for solver in ("euler", "multistep"):
        most = None
        for steps in EVALUATIONS:
            way = usual.but(steps=steps, solver=solver)
            apart = [np.mean([distance(song, way, 100 * k + i) for k in range(SEEDS)]) for i, song in enumerate(songs)]
            most = np.array(apart) if most is None else most
            lag = mean_row("", "", apart - most)
            print(f"| {solver} | {steps} | {lag.value:.3f} ({lag.low:.3f}–{lag.high:.3f}) |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--weights", default="small")
    parser.add_argument("--mixes", type=int, default=20)
    chosen = parser.parse_args()
    mixer = Mixer.from_pretrained(chosen.weights, "cpu")
    songs = load_songs(chosen.cache, mixer.networks, chosen.mixes)
    embedding, half = mixer.preset.embedding, chosen.mixes // 2
    metric = PlanMetric.of(embedding, [song.effects[:half] for song in songs])
    ways = "| told | solver | steps | churn | guidance | temperature "
    print(ways + "| KAD | energy | near | precise | reached | agreement |\n|" + "---|" * 12)
    radius = radius_of(metric, songs)
    floor = [song.effects[half:] for song in songs]
    print(f"| | engineers, other mixes | | | | | {measure(metric, radius, songs, floor)} |")
    for what, way in WAYS:
        drawn = [
            mixer.generate(song.contents[what], half, seed=seed, sampling=way, together=True)
            for seed, song in enumerate(songs)
        ]
        words = f"{what} | {way.solver} | {way.steps} | {way.churn:g} | {way.guidance:g} | {way.temperature:g}"
        print(f"| {words} | {measure(metric, radius, songs, drawn)} |", flush=True)
    print_lags(mixer, PlanMetric.of(embedding, [song.effects for song in songs]), songs)


if __name__ == "__main__":
    main()
