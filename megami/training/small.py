"""The whole small preset from a seed: `megami train small` runs these stages one after another.

Every stage can be interrupted and started again: caches are files that are built once, networks resume from their last
checkpoint, and a finished network is a weights file in the output folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from megami.adaptation import ContentEncoder, DomainAdaptor, content_tokens
from megami.corpus import datasets, features
from megami.corpus.songs import CorpusConfig, build_songs
from megami.embeddings import FxEncoder, to_tokens
from megami.errors import UserError
from megami.generator import Denoiser
from megami.presets import NETWORKS, GeneratorConfig, Preset, build_generator, load_network, preset, save_network
from megami.processor import FilmTCN, StructuredProcessor
from megami.training.loop import LoopConfig, fit
from megami.training.recipes import adaptation, baselines, fx_encoder, generator, processor


@dataclass(frozen=True)
class SmallRecipe:
    """Everything that decides what `megami train small` makes."""

    corpus: CorpusConfig = CorpusConfig()
    fx_encoder: LoopConfig = fx_encoder.LOOP
    content_encoder: LoopConfig = adaptation.CONTENT_LOOP
    adaptor: LoopConfig = adaptation.ADAPTOR_LOOP
    generator_true_dry: LoopConfig = generator.LOOP
    generator: LoopConfig = generator.LOOP
    generator_regression: LoopConfig = baselines.REGRESSION_LOOP
    generator_per_track: LoopConfig = baselines.PER_TRACK_LOOP
    processor_structured: LoopConfig = processor.STRUCTURED_LOOP
    processor_tcn: LoopConfig = processor.TCN_LOOP
    preset: Preset = field(default_factory=lambda: preset("small"))

    def with_seed(self, seed: int) -> SmallRecipe:
        """The same recipe drawn from another seed: songs, engineers, initial weights and batches."""
        loops = {name: replace(getattr(self, name), seed=seed) for name in RUNNERS if hasattr(self, name)}
        return replace(self, corpus=replace(self.corpus, seed=seed), **loops)


@dataclass(frozen=True)
class Workplace:
    """Where a training run keeps its files and on what it runs."""

    folder: Path
    device: str = "cpu"
    devices: int = 1
    workers: int | None = None

    @property
    def cache(self) -> Path:
        """Songs, features, views and crops."""
        return self.folder / "cache"

    @property
    def weights(self) -> Path:
        """Finished networks, in the form that `Mixer.from_pretrained(folder)` reads."""
        return self.folder / "weights"


def train_small(place: Workplace, recipe: SmallRecipe, stages: tuple[str, ...] = ()) -> Path:
    """Run the given stages (none: all but the oracles) in order and return the folder of weights.

    Raises UserError for an unknown stage.
    """
    unknown = [stage for stage in stages if stage not in RUNNERS]
    if unknown:
        raise UserError(f"unknown stage {unknown[0]!r}: choose from {', '.join(RUNNERS)}")
    for stage, run in RUNNERS.items():
        if stage in (stages or STAGES):
            run(place, recipe)
    return place.weights


def run_songs(place: Workplace, recipe: SmallRecipe) -> None:
    """Compose and render the corpus."""
    build_songs(place.cache, recipe.corpus, workers=place.workers)


def run_features(place: Workplace, recipe: SmallRecipe) -> None:
    """Let the engineers mix, and cache views and crops."""
    features.build_features(place.cache, recipe.corpus, ("train", "validation", "extra"), place.workers)
    features.build_views(place.cache, recipe.corpus, "train", recipe.corpus.chains, place.workers)
    for crops, long in ((recipe.corpus.crops, False), (recipe.corpus.long_crops, True)):
        features.build_crops(place.cache, recipe.corpus, "train", crops, place.workers, long)


def run_fx_encoder(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the effect encoder."""
    views = datasets.Views.load(features.view_paths(place.cache, "train", recipe.corpus, recipe.corpus.chains))
    encoder = _seeded(lambda: FxEncoder(recipe.preset.fx_encoder), recipe)
    task = fx_encoder.FxEncoderTask(encoder)
    _train(place, recipe, "fx_encoder", task, "encoder", fx_encoder.DrawViews(views))


def run_content_encoder(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the content encoder."""
    tracks = datasets.DryTracks.load(features.dry_paths(place.cache, "train", recipe.corpus))
    task = adaptation.ContentTask(_seeded(lambda: ContentEncoder(recipe.preset.content), recipe))
    _train(place, recipe, "content_encoder", task, "encoder", adaptation.DrawTracks(tracks))


def run_adaptor(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the domain adaptor on pairs of wet and dry content; it is told the effects, of half the pairs mirrored."""
    encoder, fx = (load_network(place.weights, name) for name in ("content_encoder", "fx_encoder"))
    pairs = datasets.mix_contents(place.cache, recipe.corpus, encoder, "train")
    as_is, turned = (
        datasets.mix_effects(place.cache, recipe.corpus, "train", recipe.preset.embedding, fx, mirror)
        for mirror in (False, True)
    )
    variants = len(pairs[0][0])
    columns = zip(*[
        (wet.flatten(0, 1), dry.repeat(variants, 1), z.repeat(variants, 1))
        for (wet, dry), z in zip(pairs * 2, as_is + turned, strict=True)
    ], strict=True)  # fmt: skip
    task = adaptation.AdaptorTask(_seeded(lambda: DomainAdaptor(recipe.preset.adaptor), recipe))
    _train(place, recipe, "adaptor", task, "adaptor", adaptation.DrawPairs(*map(torch.cat, columns)))


def run_generator(place: Workplace, recipe: SmallRecipe, name: str = "generator", true_dry: bool = False) -> None:
    """Train the generator on the engineers' mixes."""
    mixes = _mixes(place, recipe, true_dry)
    task = generator.GeneratorTask(_denoiser(recipe, mixes), recipe.preset.embedding, _noise(recipe, mixes))
    _train(place, recipe, name, task, "denoiser", generator.DrawMixes(mixes))


def run_generator_regression(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the deterministic baseline: the generator's network with squared error."""
    mixes = _mixes(place, recipe)
    task = baselines.RegressionTask(_denoiser(recipe, mixes), recipe.preset.embedding, _noise(recipe, mixes))
    _train(place, recipe, "generator_regression", task, "denoiser", generator.DrawMixes(mixes))


def run_generator_per_track(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the independent baseline: the generator on single tracks."""
    mixes = _mixes(place, recipe)
    task = generator.GeneratorTask(_denoiser(recipe, mixes), recipe.preset.embedding, _noise(recipe, mixes))
    draw = baselines.DrawLoneTracks(generator.DrawMixes(mixes, size=16))  # a hundred tracks, each a song of its own
    _train(place, recipe, "generator_per_track", task, "denoiser", draw)


def run_generator_true_dry(place: Workplace, recipe: SmallRecipe) -> None:
    """Train an oracle: the generator, told the content of the dry tracks and not what the adaptor makes of the wet."""
    run_generator(place, recipe, "generator_true_dry", true_dry=True)


def _denoiser(recipe: SmallRecipe, mixes: datasets.MixEmbeddings) -> Denoiser:
    """A generator with initial weights; its linear part, where it has one, knows the training mixes already."""
    chosen = recipe.preset
    config = GeneratorConfig(chosen.transformer, chosen.edm, chosen.linear_denoiser)
    denoiser = _seeded(lambda: build_generator(config), recipe)
    if denoiser.linear is not None:
        effects, contents = torch.cat(mixes.effects), torch.cat([variants[0] for variants in mixes.contents])
        denoiser.linear.fit(to_tokens(chosen.embedding, effects), content_tokens(contents))
    return denoiser


def _mixes(place: Workplace, recipe: SmallRecipe, true_dry: bool = False) -> datasets.MixEmbeddings:
    """What the generators learn from: every mix as it is and mirrored, for no engineer prefers a side.

    (But for the first echo of a ping-pong delay, which falls left.)
    """
    listeners = [load_network(place.weights, name) for name in ("fx_encoder", "content_encoder", "adaptor")]
    splits = ("train", "extra") if recipe.corpus.extra_songs else ("train",)
    options = {"mirror": True, "true_dry": true_dry}
    return datasets.load_mixes(place.cache, recipe.corpus, splits, recipe.preset.embedding, *listeners, **options)


def _noise(recipe: SmallRecipe, mixes: datasets.MixEmbeddings) -> float | Tensor:
    """Content noise of the preset; where it leaves that open, noise as large as the adaptor's errors."""
    return mixes.doubt if recipe.preset.content_noise is None else recipe.preset.content_noise


def run_processor_structured(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the structured processor."""
    _train_processor(place, recipe, "processor_structured", lambda: StructuredProcessor(recipe.preset.structured), 4)


def run_processor_tcn(place: Workplace, recipe: SmallRecipe) -> None:
    """Train the processor of the paper's form at small size."""
    _train_processor(place, recipe, "processor_tcn", lambda: FilmTCN(recipe.preset.tcn), 4)


def _train_processor(
    place: Workplace, recipe: SmallRecipe, name: str, make: Callable[[], nn.Module], batch: int
) -> None:
    encoder, content_encoder = (load_network(place.weights, part) for part in ("fx_encoder", "content_encoder"))
    corpus = recipe.corpus
    short = features.crop_paths(place.cache, "train", corpus, corpus.crops)
    long = features.crop_paths(place.cache, "train", corpus, corpus.long_crops, long=True)
    crops, long_crops = (
        datasets.Crops.load(paths, recipe.preset.embedding, encoder, content_encoder) for paths in (short, long)
    )
    task = processor.ProcessorTask(_seeded(make, recipe), encoder)
    _train(place, recipe, name, task, "processor", processor.DrawCrops(crops, batch, long_crops))


def _seeded(make: Callable[[], nn.Module], recipe: SmallRecipe) -> nn.Module:
    """Build a network whose initial weights depend on the recipe's seed and not on what ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.corpus.seed)
        return make()


def _train(place: Workplace, recipe: SmallRecipe, name: str, task: nn.Module, part: str, draw) -> None:
    """Fit a task and store the averaged weights of one of its parts under the stage's name."""
    loop: LoopConfig = getattr(recipe, name)
    average = fit(task, draw, loop, place.folder / name, place.device, place.devices, title=name)
    network = getattr(task, part).cpu()
    network.load_state_dict({k.removeprefix(f"{part}."): v for k, v in average.items() if k.startswith(f"{part}.")})
    save_network(
        place.weights,
        name,
        network,
        {
            "data": {"corpus": asdict(recipe.corpus), "songs": "synthetic studio of this package"},
            "recipe": {"command": "megami train small", "loop": asdict(loop), "device": place.device},
        },
    )


RUNNERS: dict[str, Callable[[Workplace, SmallRecipe], None]] = {
    "songs": run_songs,
    "features": run_features,
    "fx_encoder": run_fx_encoder,
    "content_encoder": run_content_encoder,
    "adaptor": run_adaptor,
    "generator": run_generator,
    "generator_regression": run_generator_regression,
    "generator_per_track": run_generator_per_track,
    "generator_true_dry": run_generator_true_dry,
    "processor_structured": run_processor_structured,
    "processor_tcn": run_processor_tcn,
}
"""What `megami train small` does, stage by stage, in this order."""

STAGES = tuple(
    stage for stage in RUNNERS if all(entry.name != stage or entry.purpose != "oracle" for entry in NETWORKS)
)
"""The stages that run if none is named. Oracles are for the table of what limits, and of no use to a mixer."""
