"""Training: one loop, cached features, and the recipes of the small networks and of the published ones."""

from __future__ import annotations

from megami.corpus import CorpusConfig
from megami.training.loop import LoopConfig, fit
from megami.training.paper import train_paper
from megami.training.paper_workplace import PaperData, PaperPlace, PaperRecipe
from megami.training.small import STAGES, train_small
from megami.training.workplace import SmallRecipe, Workplace

__all__ = [
    "STAGES",
    "CorpusConfig",
    "LoopConfig",
    "PaperData",
    "PaperPlace",
    "PaperRecipe",
    "SmallRecipe",
    "Workplace",
    "fit",
    "train_paper",
    "train_small",
]
