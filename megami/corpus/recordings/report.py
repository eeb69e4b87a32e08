"""What a check found, as a table and lines to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from megami.corpus.recordings.checking import WORDS, Check, Finding, is_mono
from megami.corpus.recordings.instruments import INSTRUMENT_CLASSES
from megami.corpus.recordings.manifest import ManifestRow
from megami.corpus.recordings.splits import SPLITS
from megami.errors import as_one_line

MOST_LINES = 10
"""Of findings of one kind; the manifest has all."""


def report_lines(check: Check) -> list[str]:
    """The table of a check, then its findings, kind by kind, and what is left out."""
    lines = [f"{check.dataset}: {_count(len(check.songs), 'song')}", "", *_table(check), "", *_facts(check)]
    by_kind: dict[str, list[Finding]] = {}
    for finding in check.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    lines += ["", "found:" if by_kind else "found: nothing odd"]
    for kind, findings in by_kind.items():
        lines += [
            f"  {WORDS[kind]} ({len(findings)}):",
            *(f"    {_line(finding)}" for finding in findings[:MOST_LINES]),
        ]
        if len(findings) > MOST_LINES:
            lines.append(f"    ... and {len(findings) - MOST_LINES} more")
    left_out = [row for row in check.rows if row.left_out and row.kind != "missing"]
    gone = len(check.songs) - len(check.usable)
    lines += ["", f"left out: {_count(len(left_out), 'file')} and {_count(gone, 'whole song')}"]
    return [as_one_line(line) for line in lines]


def _line(finding: Finding) -> str:
    """One finding: where, what, and whether it is left out."""
    if finding.kind == "metadata":  # which names its song itself
        return finding.words
    place = finding.file or finding.song
    words = f": {finding.words}" if finding.words else ""
    return f"{place}{words}{' [left out]' if finding.left_out else ''}"


def _table(check: Check) -> list[str]:
    """Songs, tracks and hours, of all and of each split; hours of songs are those of their longest file."""
    columns: list[tuple[str, Callable[[ManifestRow], bool]]] = [("all", lambda row: True)]
    columns += [(split, lambda row, split=split: row.split == split) for split in SPLITS]  # type: ignore[misc]
    rows = [("", *(name for name, _ in columns))]
    chosen = [[row for row in check.rows if belongs(row) and row.kind != "missing"] for _, belongs in columns]
    rows.append(("songs", *(str(len({row.song for row in part})) for part in chosen)))
    for kind in ("dry", "wet"):
        rows.append((f"{kind} tracks", *(str(sum(row.kind == kind for row in part)) for part in chosen)))
    rows.append(("mixes", *(str(sum(row.kind == "mix" for row in part)) for part in chosen)))
    rows.append(("hours of songs", *_hours([_song_seconds(part) for part in chosen])))
    rows.append(("hours of tracks", *_hours([sum(r.seconds for r in part if r.kind != "mix") for part in chosen])))
    rows.append(("left out", *(str(sum(bool(row.left_out) for row in part)) for part in chosen)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def _song_seconds(rows: Sequence[ManifestRow]) -> float:
    longest: dict[str, float] = {}
    for row in rows:
        longest[row.song] = max(longest.get(row.song, 0.0), row.seconds)
    return sum(longest.values())


def _facts(check: Check) -> list[str]:
    """Rates, channels, instruments and flags, a line each."""
    read = [row for row in check.rows if row.sample_rate]
    tracks = [row for row in check.rows if row.kind in ("dry", "wet")]
    rates = Counter(f"{row.sample_rate} Hz" for row in read)
    channels = Counter(
        f"{row.kind} {'mono' if row.channels == 1 else 'mono in two channels' if is_mono(row) else 'stereo'}"
        for row in read
    )
    classes = Counter(row.instrument_class for row in tracks)
    in_order = {name: classes[name] for name in INSTRUMENT_CLASSES if classes[name]}
    labelled = sum(bool(row.instrument) for row in tracks)
    paired = sum(song.paired for song in check.songs)
    return [
        f"sample rates: {_counted(rates)}",
        f"channels: {_counted(channels)}",
        f"instruments: {_counted(in_order)} ({labelled} of {len(tracks)} tracks have a label)",
        f"songs of dry and wet pairs: {paired}",
    ]


def _counted(counts: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _hours(seconds: Sequence[float]) -> list[str]:
    """Lengths in hours, with as many digits as a small data set needs."""
    digits = 2 if max(seconds) >= 360.0 else 4
    return [f"{length / 3600.0:.{digits}f}" for length in seconds]
