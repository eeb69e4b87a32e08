"""Training: one loop, cached features, and the recipes of the small networks."""

from __future__ import annotations

from megami.corpus import CorpusConfig
from megami.training.loop import LoopConfig, fit
from megami.training.small import STAGES, train_small
from megami.training.workplace import SmallRecipe, Workplace

__all__ = ["STAGES", "CorpusConfig", "LoopConfig", "SmallRecipe", "Workplace", "fit", "train_small"]
