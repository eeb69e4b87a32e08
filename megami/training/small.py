"""The whole small preset from a seed: `megami train small` runs these stages one after another.

Every stage can be interrupted and started again: caches are files that are built once, networks resume from their last
checkpoint, and a finished network is a weights file in the output folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from megami.corpus.code_mark import check_code
from megami.corpus.songs import build_songs, claim_cache
from megami.errors import UserError
from megami.presets import NETWORKS, save_network, save_preset
from megami.training.by_ear import run_ear_encoder, run_stem_bank
from megami.training.checkpoints import load_checkpoint
from megami.training.lessons import LESSONS, TRAIN, VALIDATION, build_material
from megami.training.loop import finished_part, fit
from megami.training.ranks import first_rank_ahead, is_first_rank, start_ranks, wait_for_ranks
from megami.training.validation import BEST_FILE
from megami.training.workplace import SmallRecipe, Workplace


def train_small(place: Workplace, recipe: SmallRecipe, stages: tuple[str, ...] = ()) -> Path:
    """Run the given stages (none: all but the oracles) in order and return the folder of weights.

    Raises UserError for an unknown stage, for more devices than there are, and for a folder of other settings or
    with a cache that other code made.
    """
    unknown = [stage for stage in stages if stage not in RUNNERS]
    if unknown:
        raise UserError(f"unknown stage {unknown[0]!r}: choose from {', '.join(RUNNERS)}")
    start_ranks(place.device, place.devices)
    with first_rank_ahead():
        if place.cache.exists():
            claim_cache(place.cache, recipe.corpus)
            check_code(place.cache)
    for stage, run in RUNNERS.items():
        if stage in (stages or STAGES):
            run(place, recipe)
    return place.weights


def run_songs(place: Workplace, recipe: SmallRecipe) -> None:
    """Compose and render the corpus; needs no device, so rank 0 does it for all."""
    if is_first_rank():
        build_songs(place.cache, recipe.corpus, workers=place.workers)
    wait_for_ranks()


def run_features(place: Workplace, recipe: SmallRecipe) -> None:
    """Let the engineers mix, and cache views and crops; rank 0 does it for all."""
    if is_first_rank():
        build_material(place, recipe, TRAIN)
        if recipe.validates:
            build_material(place, recipe, VALIDATION)
    wait_for_ranks()


def run_network(place: Workplace, recipe: SmallRecipe, name: str) -> None:
    """Train a network and store its averaged weights under its name, beside the preset that they are for."""
    loop = recipe.loops[name]
    with first_rank_ahead():  # what is computed on the way is kept in files
        if loop.validate_every:
            build_material(place, recipe, VALIDATION)
        lesson = LESSONS[name](place, recipe)
        draw = lesson.draw(TRAIN)
        draw_validation = lesson.draw(VALIDATION) if loop.validate_every else None
    folder = place.folder / name
    average = fit(
        lesson.task, draw, loop, folder, place.device, place.devices, title=name, draw_validation=draw_validation
    )
    if is_first_rank():
        store(place, recipe, name, average, lesson.part, lesson.task)
    wait_for_ranks()


def store(
    place: Workplace, recipe: SmallRecipe, name: str, average: dict[str, Tensor], part: str, task: nn.Module
) -> None:
    """Write the averaged weights of one part of a task, how they were made, and the preset that they are for."""
    loop, network = recipe.loops[name], finished_part(task, part, average)
    words = {
        "data": {"corpus": asdict(recipe.corpus), "songs": "synthetic studio of this package"},
        "recipe": {"command": "megami train small", "loop": asdict(loop), "device": place.device},
    }
    kept = place.folder / name / BEST_FILE
    if loop.validate_every and kept.is_file():
        best = load_checkpoint(kept)
        words["metrics"] = {"validation_loss": best["loss"], "step": best["step"]}
    save_network(place.weights, name, network, words)
    save_preset(place.weights, recipe.preset)


def run_content_encoder(place: Workplace, recipe: SmallRecipe) -> None:
    """Fit the content encoder to what MusiCNN hears (rank 0 does it for all), or train the studio's own."""
    if recipe.preset.content is None or not recipe.preset.content.by_ear:
        return run_network(place, recipe, "content_encoder")
    if is_first_rank():
        run_ear_encoder(place, recipe)
    wait_for_ranks()


def run_bank(place: Workplace, recipe: SmallRecipe) -> None:
    """Fill the stem bank, where the preset has one; needs no device, so rank 0 does it for all."""
    if is_first_rank() and recipe.preset.stem_bank:
        run_stem_bank(place, recipe)
    wait_for_ranks()


RUNNERS: dict[str, Callable[[Workplace, SmallRecipe], None]] = {
    "songs": run_songs,
    "features": run_features,
    **{name: partial(run_network, name=name) for name in LESSONS},
    "content_encoder": run_content_encoder,
    "stem_bank": run_bank,
}
"""What `megami train small` does, stage by stage, in this order."""

STAGES = tuple(
    stage for stage in RUNNERS if all(entry.name != stage or entry.purpose != "oracle" for entry in NETWORKS)
)
"""The stages that run if none is named. Oracles are for the table of what limits, and of no use to a mixer."""
