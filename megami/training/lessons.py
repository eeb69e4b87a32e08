"""What each network of the small preset learns, and from what: its task, and batches of a split of the corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from megami.adaptation import DomainAdaptor, content_tokens
from megami.corpus import datasets, features
from megami.embeddings import to_tokens
from megami.generator import Denoiser
from megami.presets import GeneratorConfig, build_generator, build_network, load_network
from megami.processor import FilmTCN, StructuredProcessor
from megami.training.loop import DrawBatch
from megami.training.recipes import adaptation, baselines, fx_encoder, generator, processor
from megami.training.workplace import SmallRecipe, Workplace

Network = TypeVar("Network", bound=nn.Module)

TRAIN, VALIDATION = "train", "validation"
VALIDATION_SHARE = 16
"""So many times fewer views and crops than for training are made of the validation songs."""


@dataclass(frozen=True)
class Lesson:
    """One network's task, the name of the network in it, and what draws batches from a split of the corpus."""

    task: nn.Module
    part: str
    draw: Callable[[str], DrawBatch]


def amount(count: int, split: str) -> int:
    """How many views or crops are made of a split, if there are `count` for training."""
    return count if split == TRAIN else max(2, count // VALIDATION_SHARE)


def build_material(place: Workplace, recipe: SmallRecipe, split: str) -> None:
    """Let the engineers mix the songs of a split, and cache views and crops of them."""
    corpus = recipe.corpus
    splits = (TRAIN, "extra") if split == TRAIN else (split,)
    features.build_features(place.cache, corpus, splits, place.workers)
    features.build_views(place.cache, corpus, split, amount(corpus.chains, split), place.workers)
    for crops, long in ((corpus.crops, False), (corpus.long_crops, True)):
        features.build_crops(place.cache, corpus, split, amount(crops, split), place.workers, long)


def teach_fx_encoder(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The effect encoder learns from views of chains."""
    config: Any = recipe.preset.fx_encoder

    def draw(split: str) -> DrawBatch:
        chains = amount(recipe.corpus.chains, split)
        views = datasets.Views.load(features.view_paths(place.cache, split, recipe.corpus, chains))
        return fx_encoder.DrawViews(views, hop=config.hop)

    encoder = seeded(lambda: build_network(config), recipe)
    return Lesson(fx_encoder.FxEncoderTask(encoder), "encoder", draw)


def teach_content_encoder(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The content encoder learns from dry tracks."""

    def draw(split: str) -> DrawBatch:
        tracks = datasets.DryTracks.load(features.dry_paths(place.cache, split, recipe.corpus))
        return adaptation.DrawTracks(tracks)

    config: Any = recipe.preset.content
    encoder = seeded(lambda: build_network(config), recipe)
    return Lesson(adaptation.ContentTask(encoder), "encoder", draw)


def teach_adaptor(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The adaptor learns from pairs of wet and dry content; it is told the effects, of half the pairs mirrored."""

    def draw(split: str) -> DrawBatch:
        encoder, fx = (listener(place, name) for name in ("content_encoder", "fx_encoder"))
        pairs = datasets.mix_contents(place.cache, recipe.corpus, encoder, split)
        as_is, turned = (
            datasets.mix_effects(place.cache, recipe.corpus, split, recipe.preset.embedding, fx, mirror)
            for mirror in (False, True)
        )
        variants = len(pairs[0][0])
        rows = [
            (wet.flatten(0, 1), dry.repeat(variants, 1), z.repeat(variants, 1))
            for (wet, dry), z in zip(pairs * 2, as_is + turned, strict=True)
        ]
        wet, dry, effects = (torch.cat(column) for column in zip(*rows, strict=True))
        return adaptation.DrawPairs(wet, dry, effects)

    adaptor = seeded(lambda: DomainAdaptor(recipe.preset.adaptor), recipe)
    return Lesson(adaptation.AdaptorTask(adaptor), "adaptor", draw)


def teach_generator(place: Workplace, recipe: SmallRecipe, true_dry: bool = False, size: int = 32) -> Lesson:
    """The generator learns from the engineers' mixes, so many to a batch."""
    mixes = load_mixes(place, recipe, TRAIN, true_dry)

    def draw(split: str) -> generator.DrawMixes:
        return generator.DrawMixes(mixes if split == TRAIN else load_mixes(place, recipe, split, true_dry), size)

    task = generator.GeneratorTask(build_denoiser(recipe, mixes), recipe.preset.embedding, content_noise(recipe, mixes))
    return Lesson(task, "denoiser", draw)


def teach_generator_true_dry(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """An oracle: the generator, told the content of the dry tracks and not what the adaptor makes of the wet."""
    return teach_generator(place, recipe, true_dry=True)


def teach_generator_regression(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The deterministic baseline: the generator's network with squared error."""
    lesson = teach_generator(place, recipe)
    task: Any = lesson.task
    return replace(lesson, task=baselines.RegressionTask(task.denoiser, task.embedding, task.content_noise))


def teach_generator_per_track(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The independent baseline: the generator on single tracks, a hundred to a batch, each a song of its own."""
    lesson = teach_generator(place, recipe, size=16)
    return replace(lesson, draw=lambda split: baselines.DrawLoneTracks(lesson.draw(split)))


def teach_processor_structured(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The structured processor learns from crops."""
    config: Any = recipe.preset.structured
    return teach_processor(place, recipe, lambda: StructuredProcessor(config))


def teach_processor_tcn(place: Workplace, recipe: SmallRecipe) -> Lesson:
    """The processor of the paper's form at small size learns from crops."""
    return teach_processor(place, recipe, lambda: FilmTCN(recipe.preset.tcn))


def teach_processor(place: Workplace, recipe: SmallRecipe, make: Callable[[], nn.Module], batch: int = 4) -> Lesson:
    """A processor learns from crops, short and long."""
    encoder, content_encoder = (listener(place, part) for part in ("fx_encoder", "content_encoder"))
    network: Any = seeded(make, recipe)
    with_space = isinstance(network, StructuredProcessor) and network.config.echoes

    def crops(split: str, count: int, long: bool) -> datasets.Crops:
        paths = features.crop_paths(place.cache, split, recipe.corpus, amount(count, split), long)
        return datasets.Crops.load(paths, recipe.preset.embedding, encoder, content_encoder)

    def draw(split: str) -> DrawBatch:
        short, long = crops(split, recipe.corpus.crops, False), crops(split, recipe.corpus.long_crops, True)
        chains = amount(recipe.corpus.chains, split)
        views = features.view_paths(place.cache, split, recipe.corpus, chains) if with_space else []
        heard = datasets.heard_spaces(recipe.preset.embedding, encoder, views) if views else None
        return processor.DrawCrops(short, batch, long, heard=heard)

    return Lesson(processor.ProcessorTask(network, encoder), "processor", draw)


def load_mixes(
    place: Workplace, recipe: SmallRecipe, split: str = TRAIN, true_dry: bool = False
) -> datasets.MixEmbeddings:
    """What the generators learn from: every mix as it is and mirrored, for no engineer prefers a side.

    (But for the first echo of a ping-pong delay, which falls left.)
    """
    fx, content, adaptor = (listener(place, name) for name in ("fx_encoder", "content_encoder", "adaptor"))
    splits = (TRAIN, "extra") if split == TRAIN and recipe.corpus.extra_songs else (split,)
    embedding = recipe.preset.embedding
    return datasets.load_mixes(
        place.cache, recipe.corpus, splits, embedding, fx, content, adaptor, mirror=True, true_dry=true_dry
    )


def build_denoiser(recipe: SmallRecipe, mixes: datasets.MixEmbeddings) -> Denoiser:
    """A generator with initial weights; its linear part, where it has one, knows the training mixes already."""
    chosen = recipe.preset
    config = GeneratorConfig(chosen.transformer, chosen.edm, chosen.linear_denoiser)
    denoiser = seeded(lambda: build_generator(config), recipe)
    linear: Any = denoiser.linear
    if linear is not None:
        effects, contents = torch.cat(mixes.effects), torch.cat([variants[0] for variants in mixes.contents])
        linear.fit(to_tokens(chosen.embedding, effects), content_tokens(contents))
    return denoiser


def content_noise(recipe: SmallRecipe, mixes: datasets.MixEmbeddings) -> float | Tensor:
    """Content noise of the preset; where it leaves that open, noise as large as the adaptor's errors."""
    return mixes.doubt if recipe.preset.content_noise is None else recipe.preset.content_noise


def listener(place: Workplace, name: str) -> Any:
    """Give a network that was trained by an earlier stage. Raises UserError if it was not."""
    return load_network(place.weights, name)


def seeded(make: Callable[[], Network], recipe: SmallRecipe) -> Network:
    """Build a network whose initial weights depend on the recipe's seed and not on what ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.corpus.seed)
        return make()


LESSONS: dict[str, Callable[[Workplace, SmallRecipe], Lesson]] = {
    "fx_encoder": teach_fx_encoder,
    "content_encoder": teach_content_encoder,
    "adaptor": teach_adaptor,
    "generator": teach_generator,
    "generator_regression": teach_generator_regression,
    "generator_per_track": teach_generator_per_track,
    "generator_true_dry": teach_generator_true_dry,
    "processor_structured": teach_processor_structured,
    "processor_tcn": teach_processor_tcn,
}
"""The networks in the order in which they are trained: each listens through those before it."""
