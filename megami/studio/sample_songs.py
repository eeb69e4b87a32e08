"""What is known about the tracks of the sample songs, which ship as recordings without it."""

from __future__ import annotations

from pathlib import Path

from megami.audio import Multitrack, read_multitrack
from megami.studio.song import Song

SAMPLE_ORIGINS: dict[str, tuple[str, int]] = {
    "corner_store": ("funk", 5238),
    "gravel_road": ("country", 6042),
    "night_bus": ("synthwave", 5014),
    "paper_boats": ("pop", 5023),
    "porch_light": ("folk", 5074),
    "rooftop": ("rock", 6031),
}
"""Genre and seed that each sample song was composed from, by the name of its folder."""

SAMPLE_TRACKS: dict[str, dict[str, tuple[str, str]]] = {
    "corner_store": {
        "horns": ("lead", "brass"),
        "kick": ("drums", "kick"),
        "overheads": ("drums", "overheads"),
        "percussion": ("percussion", "percussion"),
        "rhythm_guitar": ("chords", "electric guitar"),
        "slap_bass": ("bass", "electric bass"),
        "snare": ("drums", "snare"),
    },
    "gravel_road": {
        "drums": ("drums", "drum kit"),
        "fiddle": ("lead", "strings"),
        "old_piano": ("chords", "piano"),
        "steel_guitar": ("chords", "acoustic guitar"),
        "upright_bass": ("bass", "acoustic bass"),
        "vocal": ("vocal", "voice"),
    },
    "night_bus": {
        "arpeggio": ("chords", "synth lead"),
        "drums": ("drums", "drum machine"),
        "lead": ("lead", "synth lead"),
        "pad": ("pad", "synth pad"),
        "synth_bass": ("bass", "synth bass"),
        "vocal": ("vocal", "voice"),
    },
    "paper_boats": {
        "backing_vocals": ("vocal", "voice"),
        "bass": ("bass", "electric bass"),
        "bells": ("lead", "mallets"),
        "drums": ("drums", "drum machine"),
        "piano": ("chords", "piano"),
        "strings": ("pad", "strings"),
        "vocal": ("vocal", "voice"),
    },
    "porch_light": {
        "double_bass": ("bass", "acoustic bass"),
        "drums": ("drums", "drum kit"),
        "fiddle": ("lead", "strings"),
        "low_strings": ("pad", "strings"),
        "nylon_guitar": ("chords", "acoustic guitar"),
        "percussion": ("percussion", "percussion"),
        "vocal": ("vocal", "voice"),
    },
    "rooftop": {
        "crunch_guitar": ("chords", "distorted guitar"),
        "drums": ("drums", "drum kit"),
        "high_gain_guitar": ("chords", "distorted guitar"),
        "pick_bass": ("bass", "electric bass"),
        "vocal": ("vocal", "voice"),
    },
}
"""Role and instrument of each track, by the name of the song's folder and of the track's file, as the READMEs say."""


def sample_song(folder: Path | str) -> Song:
    """Read a sample song, with the role and instrument of each track, as engineers take it.

    folder: of its tracks, under its own name ("data_samples/rooftop"). Raises UserError if it cannot be read, KeyError
    for a name that is no sample song's.
    """
    folder = Path(folder)
    return as_song(read_multitrack(folder), folder.name)


def as_song(tracks: Multitrack, name: str) -> Song:
    """Give the tracks of a sample song, or an excerpt of them, what is known of the song of that name."""
    roles, instruments = zip(*(SAMPLE_TRACKS[name][track] for track in tracks.names), strict=True)
    genre, seed = SAMPLE_ORIGINS[name]
    return Song(tracks, roles, instruments, genre=genre, seed=seed)
