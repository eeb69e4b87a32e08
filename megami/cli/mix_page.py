"""The listening page of `megami mix --page`: the raw sum, every mix and what it does, consoles over the wet tracks."""

from __future__ import annotations

import math
import os
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from megami.audio import SAMPLE_RATE, Multitrack, loudest_segment, master, resample, within_scale
from megami.mixing.mix import Mix, mix_rate

if TYPE_CHECKING:  # plots come with the notebook room, and load for seconds
    from megami.cli.mix_job import Made, MixJob
    from megami.notebook import Widget
    from megami.notebook.takes import TrackReading

PAGE = "index.html"
CONSOLE_SECONDS = 30.0  # a browser keeps all tracks decoded, and the page all takes
CONSOLE_KBPS = 96


@dataclass(frozen=True)
class Excerpt:
    """The passage that the consoles play, in samples of the mixes: the loudest, or the whole of a short song."""

    start: int
    length: int
    sample_rate: int = SAMPLE_RATE

    @classmethod
    def of(cls, song: Multitrack) -> Excerpt:
        """That of a song."""
        length = round(CONSOLE_SECONDS * song.sample_rate)
        rate = mix_rate(song.sample_rate)
        share = rate / song.sample_rate
        start = loudest_segment(within_scale(song)[0].sum(), length)
        return cls(round(start * share), round(length * share), rate)

    def note(self, samples: int) -> str:
        """What a reader should know of it: samples is the length of the song."""
        if samples <= self.length:
            return ""
        ends = [at // self.sample_rate for at in (self.start, self.start + self.length)]
        start, end = (f"{seconds // 60}:{seconds % 60:02d}" for seconds in ends)
        return f"The loudest {CONSOLE_SECONDS:.0f} seconds, {start} to {end}."


def page_console(one: Mix, title: str, excerpt: Excerpt) -> Widget:
    """A console over the wet tracks of a mix; as it stands at first, it plays the mix before the limiter."""
    from megami.notebook.console import build_console
    from megami.notebook.stores import InlineStore

    passage = slice(excerpt.start, excerpt.start + excerpt.length)
    stems = [(readable(name), wet[:, passage]) for name, wet in zip(one.names, one.tracks, strict=True)]
    description = f"A mixing desk over the {len(stems)} tracks of {title}"
    return build_console(
        stems, one.sample_rate, title, description, InlineStore(), bitrate_kbps=CONSOLE_KBPS, keys="page"
    )


def write_page(path: Path, song: Multitrack, made: Made, job: MixJob, warnings: Sequence[str]) -> Path:
    """Write the page that compares the raw sum and every mix [2, samples]."""
    from megami.notebook import listening_page
    from megami.notebook.takes import Take

    raw = within_scale(song)[0].sum()
    rate = mix_rate(song.sample_rate)
    raw = resample(raw, song.sample_rate, rate)
    items = [("Raw sum", master(raw, rate, job.loudness_lufs))]
    items += [(f"Mix {number}", mix) for number, mix in enumerate(made.audio, 1)]
    tracks = "1 dry track" if song.num_tracks == 1 else f"{song.num_tracks} dry tracks"
    subtitle = f"{tracks}, weights {readable(Path(job.weights).name)}, seed {job.seed}, {job.steps} steps"
    notes = [
        f"{readable(name)}: {taken}{', as you said' if taken.told else ''}" for name, taken in made.taken_for.items()
    ]
    takes = [
        Take(
            f"Mix {number}",
            words["file"],
            {readable(name): reading(track) for name, track in words["tracks"].items()},
            made.consoles[number - 1] if made.consoles else None,
        )
        for number, words in enumerate(made.described, 1)
    ]
    return listening_page(
        path,
        items,
        rate,
        song_title(job.stems),
        subtitle,
        notes=("What the tracks were taken for", notes),
        warnings=warnings,
        takes=takes,
        console_note=Excerpt.of(song).note(raw.shape[-1]) if made.consoles else "",
    )


def reading(track: dict | str) -> TrackReading:
    """What a page shows of a track, from what mixes.json says of it."""
    from megami.notebook.takes import TrackReading

    if isinstance(track, str):
        return TrackReading(None, None, None)
    powers = [10 ** (level / 10) for level in track["level_in_mix_db"] if level is not None]
    level_db = 10 * math.log10(sum(powers) / 2) if powers else None
    return TrackReading(level_db, track["imbalance_in_mix"], track["width_in_mix"])


def song_title(stems: Path) -> str:
    """The song's title, from the name of its folder or file: paper_boats is Paper boats."""
    path = stems.resolve()
    words = readable(path.stem if path.is_file() else path.name).replace("_", " ").strip()
    return words[:1].upper() + words[1:] or "Song"


def readable(name: str) -> str:
    """A file's name as text that can be written anywhere, even if its bytes are not valid text."""
    return os.fsencode(name).decode("utf-8", "replace")


def say_what_to_open(page: Path, open_it: bool) -> None:
    """End with a line on stderr that says which page to open; with open_it, open it in the browser."""
    name = readable(str(page))
    opened = open_it and webbrowser.open(page.resolve().as_uri())
    if opened:
        words = f"{name} is open in your browser"
    else:
        words = (
            f"no browser could be started: open {name} yourself" if open_it else f"to listen, open {name} in a browser"
        )
    tqdm.write(f"megami: {words}", file=sys.stderr)
