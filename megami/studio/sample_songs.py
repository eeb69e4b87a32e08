"""What is known about the tracks of the sample songs, which ship as recordings without it."""

from __future__ import annotations

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
