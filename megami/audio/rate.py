"""The one sample rate used inside the package."""

from __future__ import annotations

SAMPLE_RATE = 44100
