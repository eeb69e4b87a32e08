"""What is measured of the files of one song: hash, format, level, and whether they lie in step."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from megami.audio.files import read_audio_file
from megami.audio.level import SILENT_DB, framed_level_db, level_db
from megami.corpus.recordings.alignment import add_at_start, coarse, lag_ms
from megami.corpus.recordings.instruments import class_of_track
from megami.corpus.recordings.manifest import ManifestRow
from megami.corpus.recordings.songs import RecordedSong, TrackFile
from megami.corpus.recordings.splits import split_of
from megami.errors import UserError, as_one_line

SAME_SAMPLE = 2.0**-15
"""Channels that differ by no more than a step of 16 bits are one."""


def rows_of_song(song: RecordedSong, root: Path, seed: int) -> list[ManifestRow]:
    """A row for each file of a song, with its name, size and date, before it is read; missing files too."""
    named = [("dry", track) for track in song.dry] + [("wet", track) for track in song.wet]
    if song.mix is not None:
        named.append(("mix", TrackFile(song.mix, song.mix.stem, "")))
    split = split_of(song, seed)
    rows = []
    for kind, track in named:
        row = _row(song, split, kind, track, root)
        try:
            found = track.path.stat()
        except OSError as error:
            rows.append(replace(row, problem=f"cannot be opened ({error.strerror})"))
            continue
        rows.append(replace(row, bytes=found.st_size, modified_ns=found.st_mtime_ns))
    for path in song.missing:
        row = _row(song, split, "missing", TrackFile(path, path.stem, ""), root)
        rows.append(replace(row, problem="is named by the data set, but not there"))
    return rows


def _row(song: RecordedSong, split: str, kind: str, track: TrackFile, root: Path) -> ManifestRow:
    # Names that are not valid text stay printable, and are the same when they are read again.
    file = os.fsencode(os.path.relpath(track.path, root)).decode("utf-8", "backslashreplace").replace(os.sep, "/")
    return ManifestRow(
        dataset=song.dataset,
        song=as_one_line(song.name),
        split=split,
        kind=kind,
        track=as_one_line(track.name),
        instrument=track.instrument,
        instrument_class="" if kind in ("mix", "missing") else class_of_track(track),
        file=file,
    )


def is_known(rows: list[ManifestRow], known: Mapping[str, ManifestRow]) -> bool:
    """Whether all files of a song were measured before, and have the sizes and dates that they had then."""
    return all(
        (old := known.get(row.file)) is not None
        and (old.bytes, old.modified_ns, old.kind, old.song) == (row.bytes, row.modified_ns, row.kind, row.song)
        for row in rows
    )


def as_known(row: ManifestRow, old: ManifestRow) -> ManifestRow:
    """A row with the figures that were measured before; names, split and labels as they are now."""
    kept = ("sha256", "sample_rate", "channels", "frames", "level_db", "loudest_db", "lag_ms", "likeness", "flags")
    return replace(row, problem=old.problem, **{name: getattr(old, name) for name in kept})


def measure_song(song: RecordedSong, rows: list[ManifestRow]) -> list[ManifestRow]:
    """Read every file of a song once: the rows with their figures. One file at a time is in memory, and three sums.

    The mix is compared with the sum of the wet tracks (each by its `gain`), and in a paired song each wet track with
    its dry one.
    """
    files = [*song.dry, *song.wet, *([] if song.mix is None else [TrackFile(song.mix, "mix", "")])]
    measured: list[ManifestRow] = []
    partners: dict[int, Tensor] = {}
    total: Tensor | None = None
    for index, (row, track) in enumerate(zip(rows, files, strict=False)):
        measured_row, sound = _measure(row, track.path, row.kind in ("mix", "wet") or song.paired)
        if sound is not None and row.kind == "dry" and song.paired:
            partners[index] = sound
        elif sound is not None and row.kind == "wet":
            partner = partners.pop(index - len(song.dry), None) if song.paired else None
            if partner is not None:
                measured_row = _compared(measured_row, sound, partner)
            if song.mix is not None:
                total = add_at_start(total, track.gain * sound)
        elif sound is not None and row.kind == "mix" and total is not None:
            measured_row = _compared(measured_row, sound, total)
        measured.append(measured_row)
    return measured + rows[len(files) :]


def _compared(row: ManifestRow, sound: Tensor, reference: Tensor) -> ManifestRow:
    lag, likeness = lag_ms(sound, reference)
    return replace(row, lag_ms=round(lag, 4), likeness=round(likeness, 4))


def _measure(row: ManifestRow, path: Path, wanted: bool) -> tuple[ManifestRow, Tensor | None]:
    """The figures of one file, and its sound to compare, where that is wanted."""
    if row.problem:
        return row, None
    try:
        row = replace(row, sha256=sha256_of(path))
        file = read_audio_file(path)
    except (UserError, OSError) as error:
        words = str(error).removeprefix(f"{path}: ").removeprefix(str(path))
        flag = "truncated" if "cut off (its end" in words else "unreadable"
        return replace(row, problem=as_one_line(words), flags=flag), None
    audio = file.audio
    flags = []
    if len(audio) > 2:
        return replace(row, problem=f"has {len(audio)} channels", flags="channels"), None
    loudest = float(framed_level_db(audio, file.sample_rate).max())
    if loudest < SILENT_DB:
        flags.append("silent")
    elif len(audio) == 2 and float((audio[0] - audio[1]).abs().max()) <= SAME_SAMPLE:
        flags.append("mono_as_stereo")
    if file.oddities:
        flags.append("odd_header")
    row = replace(
        row,
        sample_rate=file.sample_rate,
        channels=len(audio),
        frames=audio.shape[-1],
        level_db=round(float(level_db(audio)), 4),
        loudest_db=round(loudest, 4),
        flags=" ".join(flags),
    )
    return row, coarse(audio, file.sample_rate).to(torch.float32) if wanted else None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
