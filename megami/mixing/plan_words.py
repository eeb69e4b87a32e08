"""Plans of mixes as JSON holds them, bit for bit, so that a decision can be applied again."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np
import torch

from megami.mixing.direction import Plan
from megami.mixing.mix import Mix


def plan_in_words(one: Mix | Plan) -> dict[str, str]:
    """The plan of a mix: by track, its embedding as base64 of little-endian 32-bit floats; no silent tracks."""
    playing = ((name, z) for name, z in zip(one.names, one.embeddings, strict=True) if z.any())
    return {name: base64.b64encode(z.numpy().astype("<f4").tobytes()).decode() for name, z in playing}


def plan_of_words(words: Mapping[str, str]) -> Plan:
    """Undo `plan_in_words`. Raises ValueError, TypeError or AttributeError for what it did not write."""
    numbers = [
        np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32) for text in words.values()
    ]
    return Plan(tuple(words), torch.from_numpy(np.stack(numbers)))
