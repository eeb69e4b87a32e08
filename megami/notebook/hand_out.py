"""The listening test to hand out: both long sample songs in seven versions, rated and compared, as one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from megami.notebook.listening_pages import CLARITY, PRODUCTION_VALUE, PairPage, RatingPage
from megami.notebook.listening_test import ListeningTestOptions, Page, listening_test_page

PAGE, NOTE = "listening-test.html", "READ-ME.txt"
PAIRS = (
    ("take 1", "regression"),
    ("take 1", "rules"),
    ("take 1", "engineer"),
    ("engineer", "regression"),
    ("raw sum", "rules"),
)
"""What is compared two by two, for each song: enough to place all of these on one scale, and no more."""
REPEATED = "take 1"
TITLE = "Which mix?"
INTRODUCTION = """\
You will hear two songs, each in seven versions that differ only in how they were mixed. First you rate all versions \
of each song, then you compare some of them two by two. It takes about twenty minutes. Use headphones, or good \
loudspeakers in a quiet room.

There are no right answers. Listen to the whole song at least once, and switch as often as you like.

Taking part is voluntary, and you can stop at any time: nothing leaves this page unless you save the file at its end \
and hand it in. The file holds your answers, how long you took, and what you say below about your experience and your \
equipment. Give a code, not your name. If you want your answers removed later, tell us the code."""
RETURN_TO = "Give the file to whoever handed you this page."
HOW = """\
How to hold this listening test
===============================

1. Give listening-test.html to everybody who takes part. It is one file, opens in any browser from disk, and needs no
   network. Let nobody see this note before: it names what is compared.
2. Everybody needs a code of their own. It decides the order in which they hear the versions.
3. At its end, the page saves a file named listening-....json. Collect these files in the folder `results` beside this
   note.
4. Open the chapter "Asking listeners" (book/asking-listeners.ipynb) and run it. If it finds files in
   listening_test/results, it analyses them instead of its simulated panel, and says so.

What is compared: {versions}.
All versions are played equally loud. "{repeated}" appears twice among the ratings of each song, which shows how
steady a listener is.
"""


def hand_out_pages(versions: Mapping[str, Mapping[str, Tensor]]) -> list[Page]:
    """The pages of the test: for each song all versions on one axis per question, then PAIRS.

    versions: song -> version -> audio [2, samples], as `megami.evaluation.listening_versions` makes them.
    """
    items = {song: list(made.items()) for song, made in versions.items()}
    questions = (PRODUCTION_VALUE, CLARITY)
    rated: list[Page] = [RatingPage(song, made, questions, repeat=REPEATED) for song, made in items.items()]
    return [*rated, *(PairPage(song, made, no_preference=True, pairs=PAIRS) for song, made in items.items())]


def write_hand_out(
    folder: str | Path, versions: Mapping[str, Mapping[str, Tensor]], sample_rate: int, bitrate_kbps: int = 128
) -> tuple[Path, Path]:
    """Write the page of the test, and a note for whoever holds it, into a folder; returns both paths.

    versions: as in `hand_out_pages`. Files of these names are replaced. Raises UserError if one cannot be written or a
    version cannot be played. The chapter "Asking listeners" says how to hold the test.
    """
    folder = Path(folder)
    options = ListeningTestOptions(introduction=INTRODUCTION, return_to=RETURN_TO, bitrate_kbps=bitrate_kbps)
    page = listening_test_page(
        folder / PAGE,
        hand_out_pages(versions),
        sample_rate,
        TITLE,
        description="A listening test: two songs in seven versions, rated and compared",
        options=options,
    )
    named = ", ".join(next(iter(versions.values())))
    note = folder / NOTE
    note.write_text(HOW.format(versions=named, repeated=REPEATED), encoding="utf-8")
    return page, note
