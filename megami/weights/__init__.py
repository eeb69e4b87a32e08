"""Room of the networks' files: presets, safe storing and loading, conversion of published checkpoints."""

from __future__ import annotations
