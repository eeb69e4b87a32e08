"""What `megami train paper` makes (its recipe), from what (features), and where (its folder)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from megami.errors import UserError
from megami.presets import Preset, load_network, preset_folder, read_metadata, read_preset, save_preset
from megami.presets.weight_files import json_bytes, read_json, write_atomically
from megami.training.feature_items import FeatureItems
from megami.training.loop import LoopConfig
from megami.training.ranks import WholeInputs
from megami.training.recipes import published
from megami.training.sizes import LISTENERS, SIZES, sized_preset

COMMAND = "megami train paper"
RUN_FILE = "run.json"
SHIPPED_PROCESSOR = "processor_structured"
PRECISIONS = {"fp32": "32-true", "bf16": WholeInputs.NAME}
TRAIN, VALIDATION = "train", "validation"
NEEDS = {"fxnorm": "crops", "adaptor": "pairs", "processor": "crops", "generator": "mixes"}
"""The stages in their order, and the kind of features that each learns from. FxNorm is no network: it is measured."""
STORED_AS = {"fxnorm": "fxnorm", "adaptor": "adaptor", "processor": "processor_tcn", "generator": "generator"}
"""The names of their files of weights."""
GPU_READERS = 4
LOOKS, LOOK_EVERY = 20, 5000
"""Validation: so often in a run, but at least once in so many steps, as published for the adaptor."""


Features = Mapping[str, tuple[FeatureItems, ...]]
"""Collections of features by their kind."""


@dataclass(frozen=True)
class PaperRecipe:
    """What decides the result of `megami train paper`, beside the features."""

    size: str = "paper"
    seed: int = 0
    batch: int = published.BATCH
    steps: int = 0  # of every network; 0: as many as the recipe of each says
    accumulate: int = 1
    precision: str = "fp32"
    validate_every: int = 0  # steps; 0: 20 times in all, and at least every 5000 steps
    recompute: bool = False  # the processor keeps less for its gradients and computes it again; learns the same
    adaptor: LoopConfig = published.ADAPTOR_LOOP
    processor: LoopConfig = published.PROCESSOR_LOOP
    generator: LoopConfig = published.GENERATOR_LOOP

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise UserError(f"unknown size {self.size!r}: choose from {', '.join(SIZES)}")
        if self.precision not in PRECISIONS:
            raise UserError(f"unknown precision {self.precision!r}: choose from {', '.join(PRECISIONS)}")
        if min(self.batch, self.accumulate) < 1 or min(self.steps, self.validate_every) < 0:
            raise UserError("--batch and --accumulate must be 1 or more, --steps and --validate-every 0 or more")

    @property
    def preset(self) -> Preset:
        """The sizes and options of the networks."""
        return sized_preset(self.size)

    def loop(self, name: str, validation_items: int = 0) -> LoopConfig:
        """How a network learns, and on how many batches it is looked at, where there are items to look at.

        About as many as there are items for; the generator's loss, which differs with the noise, needs all.
        """
        own: LoopConfig = getattr(self, name)
        steps = self.steps or own.steps
        enough = max(1, -(-validation_items // self.batch))
        every = self.validate_every or min(LOOK_EVERY, max(1, steps // LOOKS))
        return replace(
            own,
            steps=steps,
            seed=self.seed,
            accumulate=self.accumulate,
            precision=PRECISIONS[self.precision],
            ema_ramp_steps=own.ema_ramp_steps * published.BATCH / self.batch,  # so many items, whatever the batch
            validate_every=every if validation_items else 0,
            validate_batches=own.validate_batches if name == "generator" else min(own.validate_batches, enough),
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What a folder's run may not change on the way. Steps may grow, for the learning rate is constant."""
        return {"size": self.size, "seed": self.seed, "batch": self.batch}


@dataclass(frozen=True)
class PaperPlace:
    """Where a run keeps its files, and on what it runs."""

    folder: Path
    device: str = "cpu"
    devices: int = 1
    nodes: int = 1
    weights_dir: Path | None = None  # of published files; None: where they were downloaded to
    start: Path | None = None  # a folder of weights: networks that are not trained here come from it
    workers: int = 0  # processes that read features ahead, or compute them

    @property
    def on_gpu(self) -> bool:
        """Whether the networks learn on a GPU."""
        return torch.device(self.device).type == "cuda"

    @property
    def readers(self) -> int:
        """Processes that read features ahead: as asked for, else a few for each GPU and none beside a CPU."""
        return self.workers or (GPU_READERS if self.on_gpu else 0)

    @property
    def weights(self) -> Path:
        """Finished networks, in the form that `Mixer.from_pretrained(folder)` reads."""
        return self.folder / "weights"


@dataclass(frozen=True)
class PaperData:
    """Features to learn from, and those of other songs, where there are any, to choose the best step by.

    shares: in which proportion items come from the collections of a kind; none: every item as often as every other.
    """

    train: Features
    validation: Features = field(default_factory=dict)
    shares: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def claim_folder(place: PaperPlace, recipe: PaperRecipe, stages: tuple[str, ...]) -> None:
    """Write down which run a folder is for, and put in what is not trained here. UserError if it is another run's.

    What is not trained comes from `start`, then from the small preset: its adaptor, and its processor, for whoever has
    wet songs only. (At the published size from the published files, which are read where they are.)
    """
    check_folder(place, recipe, stages)
    write_atomically(place.folder / RUN_FILE, json_bytes(recipe.identity))
    if place.start is not None:
        for stage, name in STORED_AS.items():
            if stage not in stages:
                copy_network(preset_folder(place.start), place.weights, name)
    chosen = recipe.preset
    if recipe.size != "paper":
        shipped = preset_folder("small")
        for name in (*LISTENERS, *(() if "adaptor" in stages else ("adaptor",))):
            copy_network(shipped, place.weights, name)
        if "processor" not in stages and not (place.weights / f"{STORED_AS['processor']}.safetensors").exists():
            copy_network(shipped, place.weights, SHIPPED_PROCESSOR)
            structured = load_network(shipped, SHIPPED_PROCESSOR).config
            chosen = replace(chosen, processor_kind="structured", structured=structured, fxnorm=False)
    save_preset(place.weights, chosen)


def borrowed(place: PaperPlace) -> list[str]:
    """One line for each network of the small preset that a folder of weights makes do with."""
    lines, adaptor = [], place.weights / "adaptor.safetensors"
    if adaptor.is_file() and read_metadata(adaptor)["recipe"].get("command") != COMMAND:
        lines.append("the domain adaptor is that of the small preset, for there were no pairs to train one from")
    if read_preset(place.weights).processor_kind == "structured":
        lines.append("tracks are rendered by the small preset's processor, for there were no crops to train one from")
    return lines


def check_folder(place: PaperPlace, recipe: PaperRecipe, stages: tuple[str, ...]) -> None:
    """Raise UserError unless a folder's run, if it has one, is the one that the recipe asks for."""
    path = place.folder / RUN_FILE
    if path.is_file():
        there = read_json(path)
        for name, value in recipe.identity.items():
            if there.get(name) != value:
                words = f"{place.folder} is of a run with {name} {there.get(name)}, not {value}"
                raise UserError(f"{words}: choose another --out")
        return
    for stage in stages:
        file = place.weights / f"{STORED_AS[stage]}.safetensors"
        if file.exists():  # it would be overwritten after hours of training
            raise UserError(f"{file} is there, but no {RUN_FILE}: move it away or choose another --out")


def copy_network(source: Path, target: Path, name: str) -> None:
    """Copy a network's weights and the words beside them, where they are there, and not in the target already."""
    if (source / f"{name}.safetensors").is_file() and not (target / f"{name}.safetensors").exists():
        target.mkdir(parents=True, exist_ok=True)
        for suffix in (".json", ".safetensors"):  # the words first, for the weights need them
            partial_copy = target / f".{name}{suffix}.part"
            shutil.copyfile(source / f"{name}{suffix}", partial_copy)
            partial_copy.replace(target / f"{name}{suffix}")
