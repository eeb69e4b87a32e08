"""The one sample rate used inside the package, and what rates and lengths audio can have that comes from outside."""

from __future__ import annotations

from megami.errors import UserError

SAMPLE_RATE = 44100
LOWEST_RATE, HIGHEST_RATE = 2_000, 768_000  # in Hz; beyond are headers with a wrong bit, not recordings
LONGEST_HOURS = 24.0


def check_rate(sample_rate: int, what: str) -> None:
    """Raise UserError, naming `what`, for a rate that no audio has: converting it would take hours and gigabytes."""
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise UserError(
            f"{what}: has a sample rate of {sample_rate:,} Hz, not one from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz; "
            "its header may be damaged: export it again"
        )


def check_length(samples: int, sample_rate: int, what: str) -> None:
    """Raise UserError, naming `what`, for audio that is longer than a day."""
    hours = samples / sample_rate / 3600.0
    if hours > LONGEST_HOURS:
        raise UserError(f"{what}: lasts {hours:,.0f} hours; at most {LONGEST_HOURS:g} can be mixed: cut it shorter")
