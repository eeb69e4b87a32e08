"""Room `audio`: multitracks, files, resampling, loudness and segments."""

from megami.audio.rate import SAMPLE_RATE

__all__ = ["SAMPLE_RATE"]
