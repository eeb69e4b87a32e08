"""The data sets that are read here, and those that the published system learned from: what they hold, how to get them.

Facts are those of the sources that each entry names, looked up in November 2026. What the sources did not say, or what
could not be looked up, stands in `unsure`: ask the data set's own page before you rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownSet:
    """A data set.

    songs, hours: None where no source was found. tracks: what a song consists of. kind: dry, wet or both. layout: what
    `open_recordings` takes, "" where the files have to be put into folders of songs first. published_use: what the
    published system learned from it, by its released code (lists of files; the audio is not with it).
    """

    name: str
    songs: int | None
    hours: float | None
    tracks: str
    kind: str
    licence: str
    how_to_get: str
    layout: str
    published_use: str
    source: str
    unsure: str = ""


KNOWN_SETS = (
    KnownSet(
        "MedleyDB",
        122,
        None,
        "stems, raw tracks and a mix; instrument labels",
        "dry and wet",
        "CC BY-NC-SA",
        "zenodo.org/records/1649325, on request; metadata: github.com/marl/medleydb",
        "medleydb",
        "adaptor and processor (raw tracks), generator (stems)",
        "medleydb.weebly.com/description.html; Bittner et al., ISMIR 2014",
        "hours: a little over 7 for its 108 songs with a melody, from memory of the paper; which CC version",
    ),
    KnownSet(
        "MedleyDB 2.0",
        74,
        None,
        "as MedleyDB, to which it adds",
        "dry and wet",
        "CC BY-NC-SA",
        "zenodo.org/records/1715175, on request",
        "medleydb",
        "with MedleyDB: 188 songs with raw tracks and 177 with stems are in the published lists",
        "medleydb.weebly.com/description.html; the package's tracklist_v2.txt",
        "hours; whether every song has raw tracks",
    ),
    KnownSet(
        "MoisesDB",
        240,
        14.413,
        "tracks by instrument in 11 groups; no mix: it is their sum",
        "wet",
        "for non-commercial research",
        "music.ai/research, after agreeing to the terms",
        "moisesdb",
        "generator: 215 songs in the published list, of which a slip in the released code drops nearly all",
        "Pereira et al., ISMIR 2023 (arXiv 2307.15913); 47 artists, 12 genres, 14 h 24 min 46 s",
        "the exact licence; how much treatment single tracks have had before the sum",
    ),
    KnownSet(
        "MUSDB18-HQ",
        150,
        10.0,
        "vocals, drums, bass, other, and the mixture",
        "wet",
        "academic use only; single songs have licences of their own",
        "zenodo.org/records/3338373",
        "musdb",
        "none",
        "sigsep.github.io/datasets/musdb.html (150 songs, about 10 hours; 100 for training, of them 14 for validation)",
        "which 46 of its training songs are in MedleyDB too, by their exact names: count them once",
    ),
    KnownSet(
        "Slakh2100-redux",
        1710,
        None,
        "stems rendered from MIDI by sample libraries, and a mix",
        "wet",
        "CC BY 4.0",
        "zenodo.org/records/4599666",
        "mirdata:slakh",
        "none",
        "mirdata's loader; Manilow et al., WASPAA 2019 (145 hours before duplicates were taken out)",
        "hours after duplicates were taken out",
    ),
    KnownSet(
        "GuitarSet",
        360,
        None,
        "one acoustic guitar by a microphone, excerpts of about 30 s",
        "dry",
        "MIT, by mirdata",
        "zenodo.org/records/3371780",
        "mirdata:guitarset",
        "adaptor and processor: all 360 files",
        "mirdata's loader; Xi et al., ISMIR 2018",
        "hours: 360 times about 30 s are about 3",
    ),
    KnownSet(
        "IDMT-SMT-Drums, -Guitar, -Bass",
        None,
        None,
        "single instruments",
        "dry",
        "see its pages",
        "idmt.fraunhofer.de, data sets",
        "",
        "adaptor and processor: 95, 128 (acoustic microphone of the fourth part) and 5306 files",
        "the published lists of files",
        "songs, hours and licences",
    ),
    KnownSet(
        "OpenSinger",
        None,
        None,
        "single voices",
        "dry",
        "see its page",
        "its authors, on request",
        "",
        "adaptor and processor; its list is not in the released code",
        "the published configuration",
        "hours and licence",
    ),
    KnownSet(
        "Aalto anechoic orchestra",
        None,
        None,
        "single orchestral instruments in an anechoic room",
        "dry",
        "see its page",
        "its authors' page at Aalto University",
        "",
        "adaptor and processor: 147 files",
        "the published lists of files",
        "hours and licence",
    ),
)
"""Every data set of which somebody who trains here may want to know."""

HEADINGS = ("data set", "songs", "hours", "a song is", "dry or wet", "licence", "how to get it", "loader")


def known_sets_table() -> str:
    """The data sets as a table in Markdown; what is not known is "?", and notes below say what is not certain."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS)]
    for known in KNOWN_SETS:
        songs = "?" if known.songs is None else str(known.songs)
        hours = "?" if known.hours is None else f"{known.hours:.1f}"
        loader = f"`{known.layout}`" if known.layout else "`dry`, from folders of songs"
        cells = (known.name, songs, hours, known.tracks, known.kind, known.licence, known.how_to_get, loader)
        rows.append(cells)
    notes = [f"- {known.name}: not certain: {known.unsure}." for known in KNOWN_SETS if known.unsure]
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), "", *notes])
