"""Listening tests: listeners rate or compare versions of songs, blind, and hand back what they answered as a file.

The ratings page follows APE (De Man and Reiss, "APE: Audio Perceptual Evaluation toolbox for MATLAB", AES 136th
Convention, 2014): all versions stand on one axis per question, with no reference. MUSHRA (Rec. ITU-R BS.1534) is not
for mixes: it grades how far a version falls short of a known reference, has that reference hidden among the versions
and a low-passed anchor beside it. A song has no one right mix from which others could only fall short.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from megami.audio import db_to_gain
from megami.errors import UserError
from megami.notebook.bundle import short_hash
from megami.notebook.listening_pages import PairPage, RatingPage, systems_of
from megami.notebook.matching import Match
from megami.notebook.page import write_page
from megami.notebook.recordings import Recordings, audio_element, recordings
from megami.notebook.stores import InlineStore, Store, store_here
from megami.notebook.widget import Widget, build_widget, together

Page = RatingPage | PairPage


@dataclass(frozen=True)
class ListeningTestOptions:
    """How a test is held.

    introduction: what listeners read first. training: before the pages, all versions of the first song are heard and
    the volume is set. least_seconds: for how long each version must be heard before a listener goes on. return_to: what
    to do with the file of results ("Send it to ..."). user_agent: keep the browser's name in the results. bitrate_kbps:
    of the sound inside the page.
    """

    introduction: str = ""
    training: bool = True
    least_seconds: float = 2.0
    return_to: str = ""
    user_agent: bool = False
    bitrate_kbps: int = 192


def listening_test(
    pages: Sequence[Page],
    sample_rate: int,
    title: str = "",
    *,
    description: str,
    options: ListeningTestOptions | None = None,
) -> Widget:
    """A listening test in a chapter or notebook.

    pages: `RatingPage` and `PairPage`, each of one song with versions (system, audio [channels, samples]). Pages of a
    kind, versions, their numbers and the first places of their handles come in an order of their own for each
    participant, which follows from the participant's code and the test, so that it can be made again. All versions of
    all pages are equally loud (Rec. ITU-R BS.1770). What was answered survives a reload. The results are JSON, for
    `read_listening_results`. The systems' names are in the page, but not in plain text. Raises UserError for pages that
    cannot be asked or played.
    """
    return _build(pages, sample_rate, title, description, options or ListeningTestOptions(), store_here(), "focus")


def listening_test_page(
    path: str | Path,
    pages: Sequence[Page],
    sample_rate: int,
    title: str,
    *,
    description: str = "A listening test",
    options: ListeningTestOptions | None = None,
) -> Path:
    """Write a listening test as one HTML file to hand out: it holds the sound, and opens from disk without a network.

    The rest as in `listening_test`. Returns the path. Raises UserError if it cannot be written as well.
    """
    path = Path(path)
    widget = _build(pages, sample_rate, title, description, options or ListeningTestOptions(), InlineStore(), "page")
    main = f'<header><h1>{html.escape(title)}</h1></header>\n<div class="listen">\n{together([widget])}\n</div>'
    try:
        write_page(path, title, main)
    except OSError as error:
        raise UserError(f"cannot write the listening test {path}: {error.strerror or error}") from error
    return path


def _build(
    pages: Sequence[Page],
    sample_rate: int,
    title: str,
    description: str,
    options: ListeningTestOptions,
    store: Store,
    keys: str,
) -> Widget:
    if not pages:
        raise UserError("a listening test needs at least one page")
    if not (math.isfinite(options.least_seconds) and options.least_seconds >= 0):
        raise UserError(f"least_seconds is a time from 0 on, not {options.least_seconds!r}")
    for page in pages:
        page.check()
    sounds = _equally_loud([_recordings_of(page, sample_rate, options) for page in pages])
    files, settings = _files_and_settings(pages, sounds)
    described = {
        "title": title if keys == "focus" else "",  # a page of its own has it as its heading
        "name": title,
        "introduction": options.introduction,
        "training": options.training,
        "leastSeconds": options.least_seconds,
        "returnTo": options.return_to,
        "userAgent": options.user_agent,
        "pages": settings,
        "hashes": list(files),
    }
    key = json.dumps([systems_of(page.versions) for page in pages])
    test = short_hash(json.dumps([described, key, description]))
    config = {**described, "test": test, "keys": keys, "key": base64.b64encode(key.encode()).decode()}
    return build_widget("listening-test", config, description, _fallback(files, store, test), store)


def _recordings_of(page: Page, sample_rate: int, options: ListeningTestOptions) -> Recordings:
    sound = recordings(page.versions, sample_rate, bitrate_kbps=options.bitrate_kbps)
    for name, found in zip(sound.titles, sound.matches, strict=True):
        if not math.isfinite(found.loudness_lufs):
            raise UserError(f"version {name!r} of {page.song!r} is silent: it has no loudness to match")
    if sound.seconds < 2 * options.least_seconds:
        raise UserError(
            f"the versions of {page.song!r} are {sound.seconds:.1f} s long, too short to hear "
            f"{options.least_seconds:g} s of each: give longer ones, or less `least_seconds`"
        )
    return sound


def _equally_loud(sounds: Sequence[Recordings]) -> list[Recordings]:
    """All pages as loud as the one that had to be turned down most: listeners set their volume once."""
    lowest = min(sound.matches[0].played_lufs for sound in sounds)
    made = []
    for sound in sounds:
        change = lowest - sound.matches[0].played_lufs
        if change > -1e-9:
            made.append(sound)
            continue
        audios = tuple(audio * db_to_gain(change) for audio in sound.audios)
        matches = tuple(Match(found.loudness_lufs, found.gain_db + change) for found in sound.matches)
        made.append(Recordings(sound.titles, audios, sound.sample_rate, matches, sound.bitrate_kbps))
    return made


def _files_and_settings(
    pages: Sequence[Page], sounds: Sequence[Recordings]
) -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Every sound once, by its hash and in the order of hashes, which tells nothing; and what each page asks."""
    hashed = [[hashlib.sha256(data).hexdigest() for data in sound.compressed] for sound in sounds]
    files = {
        name: data
        for row, sound in zip(hashed, sounds, strict=True)
        for name, data in zip(row, sound.compressed, strict=True)
    }
    files = dict(sorted(files.items()))
    numbers = {name: number for number, name in enumerate(files)}
    settings: list[dict[str, object]] = []
    for page, row, sound in zip(pages, hashed, sounds, strict=True):
        shared = {"song": page.song, **sound.config(), "sounds": [numbers[name] for name in row]}
        settings.append({**shared, **_asked(page)})
    return files, settings


def _asked(page: Page) -> dict[str, object]:
    if isinstance(page, RatingPage):
        repeat = systems_of(page.versions).index(page.repeat) if page.repeat else None
        return {"kind": "rating", "questions": [vars(question) for question in page.questions], "repeat": repeat}
    return {
        "kind": "pair",
        "questions": [vars(page.question)],
        "pairs": page.numbered_pairs(),
        "noPreference": page.no_preference,
    }


def _fallback(files: dict[str, bytes], store: Store, test: str) -> str:
    """Without scripts there is no test; the sounds have numbers for names."""
    note = "<p>This listening test needs JavaScript. Without it you can listen, but not answer.</p>"
    elements = (
        audio_element(store, test, number, f"Sound {number}", data)
        for number, data in enumerate(files.values(), start=1)
    )
    return "\n".join([note, *elements])
