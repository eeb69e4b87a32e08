"""Checking a data set: what is broken, silent, mono, out of step, of another rate, double or missing.

Left out are: files that cannot be read or are cut off, silent tracks, tracks that are there twice (all but the first),
wet tracks of pairs that are out of step with their dry ones (with these), mixes that are mono or out of step with the
sum of their tracks, and songs without any track left. Only named are: mono tracks (a voice may well stand in the
middle), other rates (they are converted when they are read), other lengths (silence is added), bleed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from megami.corpus.recordings.manifest import ManifestRow, check_manifest_path, read_manifest, write_manifest
from megami.corpus.recordings.measuring import as_known, is_known, measure_song, rows_of_song
from megami.corpus.recordings.songs import RecordedSong, Recordings
from megami.errors import as_one_line

MOST_LAG_MS = 5.0
LEAST_LIKENESS = 0.3
"""Below it the mix is another one than the tracks' sum, or the effects changed all: no lag is told from it."""
LENGTH_TOLERANCE_S = 0.05
SAVE_EVERY_S = 5.0
TRACK_KINDS = ("dry", "wet")
ONLY_NAMED = ("rate", "length", "mono_as_stereo", "odd_header")


@dataclass(frozen=True)
class Finding:
    """Something that a check found: of what kind, in which file of which song, in words, and whether it is left out."""

    kind: str
    song: str
    file: str
    words: str
    left_out: bool = False


@dataclass(frozen=True)
class Check:
    """What a check found: a row for each file, and the findings."""

    dataset: str
    songs: tuple[RecordedSong, ...]
    rows: tuple[ManifestRow, ...]
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> tuple[RecordedSong, ...]:
        """The songs without what is left out."""
        return without_left_out(self.songs, self.rows)


def check_recordings(
    recordings: Recordings, root: Path, seed: int = 0, manifest: Path | None = None, workers: int = 1
) -> Check:
    """Read every file of a data set once, and say what was found.

    With a `manifest` (.csv, or .parquet with pyarrow) the rows are written there, now and then on the way and at the
    end, also after an interruption; songs whose files have the sizes and dates that it has are not read again. workers:
    songs that are read at a time, in threads. Raises UserError where the manifest cannot be written.
    """
    if manifest is not None:
        check_manifest_path(manifest)
    known = {row.file: row for row in (read_manifest(manifest) if manifest is not None else ())}
    songs = recordings.songs()
    planned = [rows_of_song(song, root, seed) for song in songs]
    done: dict[int, list[ManifestRow]] = {
        index: [as_known(row, known[row.file]) for row in rows]
        for index, rows in enumerate(planned)
        if is_known(rows, known)
    }
    waiting = [index for index in range(len(songs)) if index not in done]
    saved = time.monotonic()
    try:
        with tqdm(total=len(songs), initial=len(done), desc="songs", mininterval=0.5, disable=None) as progress:
            for index, rows in _measured(songs, planned, waiting, workers):
                done[index] = rows
                progress.update()
                if manifest is not None and time.monotonic() - saved > SAVE_EVERY_S:
                    write_manifest(manifest, _in_order(done))
                    saved = time.monotonic()
    finally:
        if manifest is not None and len(done) < len(songs):
            write_manifest(manifest, _in_order(done))
    rows = judged(songs, _in_order(done))
    if manifest is not None:
        write_manifest(manifest, rows)
    return Check(recordings.name, songs, tuple(rows), tuple(findings_of(songs, rows)))


def _measured(
    songs: Sequence[RecordedSong], planned: Sequence[list[ManifestRow]], waiting: Sequence[int], workers: int
) -> Iterator[tuple[int, list[ManifestRow]]]:
    """The rows of each waiting song as it is done."""
    if workers <= 1:
        for index in waiting:
            yield index, measure_song(songs[index], planned[index])
        return
    with ThreadPoolExecutor(workers) as pool:
        pending: dict[Future[list[ManifestRow]], int] = {
            pool.submit(measure_song, songs[index], planned[index]): index for index in waiting
        }
        try:
            for future in as_completed(pending):
                yield pending[future], future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _in_order(done: dict[int, list[ManifestRow]]) -> list[ManifestRow]:
    return [row for index in sorted(done) for row in done[index]]


def judged(songs: Sequence[RecordedSong], rows: Sequence[ManifestRow]) -> list[ManifestRow]:
    """The rows with what only shows beside others (rate, length, doubles, lag), and why a file is left out."""
    rates = Counter(row.sample_rate for row in rows if row.sample_rate)
    usual = min((rate for rate in rates if rates[rate] == max(rates.values())), default=0)
    lengths = _usual_lengths(rows)
    first_with: dict[str, str] = {}
    paired = {song.name for song in songs if song.paired}
    out = []
    for row in rows:
        flags = [flag for flag in row.flags.split() if flag not in ("rate", "length", "duplicate", "misaligned")]
        reason = row.problem
        if row.sample_rate and row.sample_rate != usual:
            flags.append("rate")
        if row.frames and abs(row.seconds - lengths[row.song]) > LENGTH_TOLERANCE_S:
            flags.append("length")
        if "silent" in flags:
            reason = reason or "silent"
        if row.sha256 and row.kind in TRACK_KINDS and "silent" not in flags:
            twin = first_with.setdefault(row.sha256, row.file)
            if twin != row.file:
                flags.append("duplicate")
                reason = reason or f"the same file as {twin}"
        if row.kind == "mix" and is_mono(row):
            reason = reason or "a mix in mono says nothing of places"
        if abs(row.lag_ms) > MOST_LAG_MS and row.likeness >= LEAST_LIKENESS:
            flags.append("misaligned")
            against = "the sum of its tracks" if row.kind == "mix" else "its dry track"
            reason = reason or f"{row.lag_ms:+.1f} ms off {against}"
        out.append(replace(row, flags=" ".join(flags), left_out=reason))
    return _with_partners(out, paired)


def is_mono(row: ManifestRow) -> bool:
    """Whether a file is stored in one channel, or in two equal ones."""
    return row.channels == 1 or row.has("mono_as_stereo")


def _usual_lengths(rows: Sequence[ManifestRow]) -> dict[str, float]:
    """The length in seconds that most files of each song have; of several, the longest."""
    by_song: dict[str, Counter[float]] = {}
    for row in rows:
        if row.frames:
            by_song.setdefault(row.song, Counter())[round(row.seconds, 1)] += 1
    usual = {song: max(counts, key=lambda s: (counts[s], s)) for song, counts in by_song.items()}
    exact: dict[str, float] = {}
    for row in rows:
        if row.frames and round(row.seconds, 1) == usual[row.song]:
            exact[row.song] = max(exact.get(row.song, 0.0), row.seconds)
    return exact


def _with_partners(rows: Sequence[ManifestRow], paired: set[str]) -> list[ManifestRow]:
    """In paired songs a track goes where its partner goes; dry and wet are in the same order there."""
    by_kind: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(rows):
        by_kind.setdefault((row.song, row.kind), []).append(index)
    out = list(rows)
    for song in paired:
        for dry, wet in zip(by_kind.get((song, "dry"), ()), by_kind.get((song, "wet"), ()), strict=True):
            for index, other in ((dry, wet), (wet, dry)):
                if rows[other].left_out and not rows[index].left_out:
                    out[index] = replace(rows[index], left_out=f"its partner {rows[other].file} is left out")
    return out


def without_left_out(songs: Iterable[RecordedSong], rows: Iterable[ManifestRow]) -> tuple[RecordedSong, ...]:
    """The songs without the files that the rows leave out, and without songs that have no track left.

    Songs that the rows do not know stay as they are.
    """
    left_out = {(row.song, row.kind, row.track) for row in rows if row.left_out}
    kept = []
    for song in songs:
        dry, wet = (
            tuple(track for track in tracks if (song.name, kind, as_one_line(track.name)) not in left_out)
            for kind, tracks in (("dry", song.dry), ("wet", song.wet))
        )
        has_mix = song.mix is not None and (song.name, "mix", as_one_line(song.mix.stem)) not in left_out
        if dry or wet:
            kept.append(replace(song, dry=dry, wet=wet, mix=song.mix if has_mix else None))
    return tuple(kept)


WORDS = {
    "unreadable": "cannot be read",
    "truncated": "is cut off",
    "channels": "has too many channels",
    "missing": "is missing",
    "silent": "is silent",
    "mono_as_stereo": "is mono in two channels",
    "mono_mix": "is a mono mix",
    "length": "is of another length than the other files of its song",
    "misaligned": "is out of step",
    "other_mix": "is not the sum of its tracks",
    "rate": "is of another sample rate",
    "duplicate": "is there twice",
    "odd_header": "has a header that says something else than the file holds",
    "metadata": "metadata",
    "bleed": "has bleed, by its metadata",
    "empty": "has no track that can be used",
}
"""The kinds of findings, in the order in which they are listed."""


def findings_of(songs: Sequence[RecordedSong], rows: Sequence[ManifestRow]) -> list[Finding]:
    """Everything odd that the rows and the metadata say, kind by kind."""
    found = []
    for row in rows:
        left_out = bool(row.left_out)
        if row.kind == "missing":
            found.append(Finding("missing", row.song, row.file, row.problem, True))
        elif row.problem:
            kind = next((flag for flag in row.flags.split() if flag in WORDS), "unreadable")
            found.append(Finding(kind, row.song, row.file, row.problem, True))
        else:
            found += [
                Finding(flag, row.song, row.file, _words(flag, row), left_out and flag not in ONLY_NAMED)
                for flag in row.flags.split()
                if flag in WORDS
            ]
            if row.kind == "mix" and is_mono(row):
                found.append(Finding("mono_mix", row.song, row.file, row.left_out, left_out))
            if row.kind == "mix" and row.likeness < LEAST_LIKENESS:
                words = f"likeness {row.likeness:.2f}: mastered, mixed anew, or of other tracks"
                found.append(Finding("other_mix", row.song, row.file, words))
    usable = {song.name for song in without_left_out(songs, rows)}
    for song in songs:
        found += [Finding("metadata", song.name, "", note) for note in song.notes]
        found += [Finding(flag, song.name, "", "") for flag in song.flags if flag in WORDS]
        if song.name not in usable:
            found.append(Finding("empty", song.name, "", "the song is left out", True))
    order = list(WORDS)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def _words(flag: str, row: ManifestRow) -> str:
    """What to say of a flag."""
    if flag == "rate":
        return f"{row.sample_rate} Hz"
    if flag == "length":
        return f"{row.seconds:.2f} s"
    if flag == "odd_header":
        return "all of it is read"
    if flag == "silent":
        return f"its loudest 400 ms have {row.loudest_db:.0f} dB"
    return "" if flag in ONLY_NAMED else row.left_out
