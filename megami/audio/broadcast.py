"""Aligning tracks by the start times in broadcast WAV files (the TimeReference of bext, EBU Tech 3285)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction


def start_offsets(
    starts: Mapping[str, Fraction | None], seconds: Mapping[str, float]
) -> tuple[dict[str, Fraction], list[tuple[str, str]]]:
    """How many seconds after the song's start each track begins, and what to say of those whose start differs.

    starts: seconds since midnight by track, None where a file does not say; seconds: lengths of the tracks. The song
    begins with the earliest of the largest group that starts within the length of the longest track. Those
    outside of that group, and those that do not say, begin with the song.
    """
    stated = {name: start for name, start in starts.items() if start is not None}
    zero: dict[str, Fraction] = dict.fromkeys(starts, Fraction(0))
    if len(set(stated.values())) < 2:
        return zero, []
    longest = Fraction(max(seconds.values()))

    def within(first: Fraction) -> list[str]:
        return [name for name, start in stated.items() if first <= start < first + longest]

    # The earliest of equally large groups: a time of zero is what programs write that know none, so it comes last.
    first = max(sorted(set(stated.values())), key=lambda start: (len(within(start)), start > 0))
    group = within(first)
    first = min(stated[name] for name in group)
    offsets = zero | {name: stated[name] - first for name in group}
    moved = [
        (
            name,
            f"begins {float(offsets[name]):.2f} s after the first track, by the start time in it: it was moved there",
        )
        for name in group
        if offsets[name]
    ]
    strayed = [
        (name, f"states a start time {_duration(stated[name] - first)} the other tracks, too far: it begins with them")
        for name in stated
        if name not in group
    ]
    return offsets, moved + strayed


def _duration(seconds: Fraction) -> str:
    """A time as a reader takes it in, and whether it lies before or after."""
    size = abs(float(seconds))
    words = (
        f"{size / 3600:.1f} hours" if size >= 3600 else f"{size / 60:.1f} minutes" if size >= 60 else f"{size:.1f} s"
    )
    return f"{words} {'after' if seconds > 0 else 'before'}"
