"""The published system from features of real recordings: `megami train paper` runs these stages one after another.

Three networks learn: domain adaptor, effect processor and generator. The fourth part, the effect encoder (FxEncoder++),
is published and stays frozen, as the content encoder (CLAP) does. Each stage can be interrupted and started again, and
needs features of one kind only: what there are no features for is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from megami.adaptation import DomainAdaptor
from megami.errors import UserError
from megami.presets import GeneratorConfig, build_generator, load_network, save_network
from megami.processor import FilmTCN, FxNorm, FxNormConfig
from megami.processor.fxnorm import average_curve
from megami.published import loading
from megami.published.addresses import published_folder
from megami.training.checkpoints import load_checkpoint
from megami.training.feature_items import DrawItems, FeatureItems, StepBatches, joined
from megami.training.loop import DrawBatch, LoopConfig, finished_part, fit
from megami.training.paper_workplace import (
    COMMAND,
    NEEDS,
    STORED_AS,
    TRAIN,
    VALIDATION,
    PaperData,
    PaperPlace,
    PaperRecipe,
    check_folder,
    claim_folder,
)
from megami.training.ranks import count_ranks, first_rank_ahead, is_first_rank, start_ranks, wait_for_ranks
from megami.training.recipes import published
from megami.training.validation import BEST_FILE

FROZEN = {
    "fx_encoder": "the effect encoder (FxEncoder++) is published and stays frozen: there is nothing to train; "
    "'megami train small --stages fx_encoder' trains the small preset's own",
    "content_encoder": "the content encoder (CLAP) is published and stays frozen: there is nothing to train",
    "fxnorm": "at size paper FxNorm keeps the published average spectrum, through which the features were heard",
}
CURVE_CROPS = 1000
"""Crops that FxNorm's average spectrum is measured of, at most."""


def train_paper(place: PaperPlace, recipe: PaperRecipe, data: PaperData, stages: tuple[str, ...] = ()) -> Path:
    """Run the given stages (none: all that there are features for) in order and return the folder of weights.

    Raises UserError for an unknown stage, a stage without features or without the networks before it, more devices than
    there are, a batch that they cannot share, and a folder of another run.
    """
    check_request(place, recipe, stages)
    chosen = choose_stages(data, stages, recipe.size)
    start_ranks(place.device, place.devices, nodes=place.nodes)
    if place.on_gpu:
        torch.set_float32_matmul_precision("high")  # TF32, as published
    with first_rank_ahead():
        if is_first_rank():
            claim_folder(place, recipe, chosen)
    for stage in chosen:
        try:
            RUNNERS[stage](place, recipe, data)
        except torch.OutOfMemoryError:
            raise UserError(too_little_memory(stage, place, recipe)) from None
    return place.weights


def too_little_memory(stage: str, place: PaperPlace, recipe: PaperRecipe) -> str:
    """What can be done where a step does not fit into the memory of a GPU."""
    devices, nodes = count_ranks(place.devices, place.nodes)
    parts = 2 * recipe.accumulate
    ways = [f"--accumulate {parts} (smaller parts)"] if recipe.batch % (devices * nodes * parts) == 0 else []
    ways += ["--recompute (less is kept for gradients)"] if stage == "processor" and not recipe.recompute else []
    ways += ["--precision bf16"] if recipe.precision == "fp32" else []
    tries = ", ".join(ways) or "more GPUs, or a smaller --batch"
    return f"{stage}: a step does not fit into the GPU's memory; what was learnt is kept, go on with {tries}"


def check_request(place: PaperPlace, recipe: PaperRecipe, stages: tuple[str, ...]) -> None:
    """Raise UserError for what can be refused before any features are looked at, or computed for hours."""
    order = stages_of(recipe.size)
    for stage in stages:
        if stage in FROZEN and stage not in order:
            raise UserError(FROZEN[stage])
        if stage not in order:
            raise UserError(f"unknown stage {stage!r}: choose from {', '.join(order)}")
    check_shares(place, recipe)
    check_folder(place, recipe, stages or order)


def stages_of(size: str) -> tuple[str, ...]:
    """The stages of a size, in their order."""
    return tuple(stage for stage in NEEDS if size != "paper" or stage not in FROZEN)


def choose_stages(data: PaperData, stages: tuple[str, ...] = (), size: str = "small") -> tuple[str, ...]:
    """The stages that are to run, in their order; those that there are features for, if none is named."""
    order = stages_of(size)
    for stage in stages:
        if not data.train.get(NEEDS[stage]):
            kinds = ", ".join(data.train) or "nothing"
            raise UserError(f"{stage} learns from features of kind {NEEDS[stage]!r}; --data has {kinds}")
    found = tuple(stage for stage in order if stage in stages or (not stages and data.train.get(NEEDS[stage])))
    if not found:
        raise UserError("no features to learn from: give --data a folder of 'megami data features' or of recordings")
    return found


def check_shares(place: PaperPlace, recipe: PaperRecipe) -> None:
    """Raise UserError unless a batch divides among all ranks, and each share into its parts."""
    devices, nodes = count_ranks(place.devices, place.nodes)
    parts = devices * nodes * recipe.accumulate
    if recipe.batch % parts:
        ranks = f"{devices * nodes} devices and " if devices * nodes > 1 else ""
        raise UserError(f"a batch of {recipe.batch} does not divide by {ranks}{recipe.accumulate} parts (--accumulate)")


def seeded(make: Callable[[], Any], recipe: PaperRecipe) -> Any:
    """Build a network whose initial weights depend on the recipe's seed and not on what ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return make()


def run_fxnorm(place: PaperPlace, recipe: PaperRecipe, data: PaperData) -> None:
    """Measure the average spectrum of the dry crops, which FxNorm brings every track to; rank 0 does it for all."""
    if is_first_rank() and not (place.weights / "fxnorm.safetensors").exists():
        rng = np.random.default_rng([recipe.seed, CURVE_CROPS])
        size = min(CURVE_CROPS, sum(len(items) for items in data.train["crops"]))
        crops = joined(data.train["crops"])
        chosen = rng.permutation(len(crops))[:size]
        fxnorm = FxNorm(average_curve(crops[int(index)]["dry"][None] for index in chosen), FxNormConfig())
        save_network(place.weights, "fxnorm", fxnorm, {"data": {"crops": size}, "recipe": {"command": COMMAND}})
    wait_for_ranks()


def run_network(place: PaperPlace, recipe: PaperRecipe, data: PaperData, name: str) -> None:
    """Train a network and store its averaged weights beside the preset that they are for."""
    validation = data.validation.get(NEEDS[name], ())
    loop = recipe.loop(name, sum(map(len, validation)))
    with first_rank_ahead():
        task, part, draw = LESSONS[name](place, recipe)
    average = fit(
        task,
        draw(data.train[NEEDS[name]], TRAIN, data.shares.get(NEEDS[name], ())),
        loop,
        place.folder / name,
        place.device,
        place.devices,
        place.nodes,
        title=name,
        draw_validation=draw(validation, VALIDATION, ()) if validation else None,
    )
    if is_first_rank():
        store(place, recipe, name, loop, finished_part(task, part, average))
    wait_for_ranks()


def store(place: PaperPlace, recipe: PaperRecipe, name: str, loop: LoopConfig, network: nn.Module) -> None:
    """Write the averaged weights of a network and how they were made."""
    settings = {"command": COMMAND, **recipe.identity, "loop": asdict(loop), "device": place.device}
    words: dict[str, Any] = {"data": {"features": NEEDS[name]}, "recipe": settings}
    kept = place.folder / name / BEST_FILE
    if loop.validate_every and kept.is_file():
        best = load_checkpoint(kept)
        words["metrics"] = {"validation_loss": best["loss"], "step": best["step"]}
    save_network(place.weights, STORED_AS[name], network, words)


Draw = Callable[[tuple[FeatureItems, ...], str, tuple[float, ...]], DrawBatch]
Lesson = tuple[nn.Module, str, Draw]
"""A task, the name of the network in it that learns, and what draws batches from the features of a split, by shares."""


def draws(place: PaperPlace, recipe: PaperRecipe, *names: str) -> Draw:
    """Batches of the named tensors: for training read ahead, for validation the same few again and again."""

    def draw(collections: tuple[FeatureItems, ...], split: str, shares: tuple[float, ...]) -> DrawBatch:
        if split == VALIDATION:
            return DrawItems(collections, recipe.batch, names)
        return StepBatches(collections, recipe.batch, names, recipe.seed, place.readers, place.on_gpu, shares)

    return draw


def teach_adaptor(place: PaperPlace, recipe: PaperRecipe) -> Lesson:
    """The adaptor learns from pairs of wet and dry content."""
    adaptor = seeded(lambda: DomainAdaptor(recipe.preset.adaptor), recipe)
    return published.PublishedAdaptorTask(adaptor), "adaptor", draws(place, recipe, "wet_content", "dry_content")


def teach_processor(place: PaperPlace, recipe: PaperRecipe) -> Lesson:
    """The processor learns from crops, and from the effect encoder, which judges what it makes of them."""
    encoder, fxnorm = listener(place, recipe), ready(place, recipe, "fxnorm")
    network = seeded(lambda: FilmTCN(recipe.preset.tcn), recipe)
    network.recompute = recipe.recompute
    if recipe.size == "paper":
        task = published.PublishedProcessorTask(network, fxnorm, encoder)
        return task, "processor", draws(place, recipe, "dry", "wet", "z", "content")
    # Features of these sizes are made before there is an FxNorm to hear them through.
    content_encoder = load_network(place.weights, "content_encoder")
    task = published.PublishedProcessorTask(network, fxnorm, encoder, content_encoder)
    return task, "processor", draws(place, recipe, "dry", "wet", "z")


def teach_generator(place: PaperPlace, recipe: PaperRecipe) -> Lesson:
    """The generator learns from wet mixes, whose content the adaptor brings near that of dry tracks."""
    chosen = recipe.preset
    adaptor = ready(place, recipe, "adaptor")
    denoiser = seeded(lambda: build_generator(GeneratorConfig(chosen.transformer, chosen.edm)), recipe)
    assert chosen.content_noise is not None  # sized presets say it
    task = published.published_generator_task(denoiser, chosen.embedding, chosen.content_noise)

    batches = draws(place, recipe, "z", "content", "mask")

    def draw(collections: tuple[FeatureItems, ...], split: str, shares: tuple[float, ...]) -> DrawBatch:
        return published.DrawSets(batches(collections, split, shares), adaptor)

    return task, "denoiser", draw


def ready(place: PaperPlace, recipe: PaperRecipe, name: str) -> Any:
    """Give what an earlier stage has made; at the published size, what none has made is the authors'.

    Raises UserError if it is nowhere.
    """
    if (place.weights / f"{name}.safetensors").is_file():
        return load_network(place.weights, name)
    if recipe.size == "paper":
        folder = published_folder(place.weights_dir)
        return loading.load_adaptor(folder) if name == "adaptor" else loading.load_fxnorm(folder)
    kind = NEEDS[name]
    raise UserError(
        f"{name} is needed and not there: give --data features of kind {kind!r}, or --start a folder with it"
    )


def listener(place: PaperPlace, recipe: PaperRecipe) -> nn.Module:
    """Give the frozen effect encoder: FxEncoder++ at the published size, else the shipped one."""
    if recipe.size == "paper":
        return loading.load_fx_encoder(published_folder(place.weights_dir))
    return load_network(place.weights, "fx_encoder")


LESSONS: dict[str, Callable[[PaperPlace, PaperRecipe], Lesson]] = {
    "adaptor": teach_adaptor,
    "processor": teach_processor,
    "generator": teach_generator,
}
RUNNERS: dict[str, Callable[[PaperPlace, PaperRecipe, PaperData], None]] = {
    "fxnorm": run_fxnorm,
    **{name: partial(run_network, name=name) for name in LESSONS},
}
