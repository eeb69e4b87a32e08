"""The genres of the studio: tempo, time feel, chords, grooves and who sits in the band."""

from __future__ import annotations

from dataclasses import dataclass

from megami.errors import UserError


@dataclass(frozen=True)
class Seat:
    """A place in the band: a role, the sounds and patterns its player may choose, and how likely it is taken."""

    role: str
    sounds: tuple[str, ...]
    playing: tuple[str, ...]
    probability: float = 1.0


@dataclass(frozen=True)
class Genre:
    """A genre of music. Tempo in beats per minute; `kits` are SoundFont drum kits or names of drum machines."""

    name: str
    bpm: tuple[float, float]
    scales: tuple[str, ...]
    progressions: tuple[str, ...]
    grooves: tuple[str, ...]
    kits: tuple[str, ...]
    seats: tuple[Seat, ...]
    steps: int = 16
    swing: tuple[float, float] = (0.0, 0.03)
    swing_unit_beats: float = 0.25
    looseness_ms: tuple[float, float] = (4.0, 9.0)
    drums: float = 0.96
    split_drums: float = 0.3
    same_room: float = 0.4


def _percussion(probability: float, *patterns: str) -> Seat:
    return Seat("percussion", ("percussion",), patterns, probability)


_ACOUSTIC_KITS = ("standard", "room", "power", "recorded")
_SONG = ("song", "syncopated")

_ALL: tuple[Genre, ...] = (
    Genre(
        "pop", (92, 126), ("major",),
        ("I V vi IV", "vi IV I V", "I vi IV V", "IV I V vi", "I iii IV V", "I V|vi IV V"),
        ("pop", "pop push", "half time"), ("standard", "power", "recorded", "tight machine"),
        (
            Seat("bass", ("finger bass", "pick bass", "synth bass"), ("push", "eighths", "roots")),
            Seat("chords", ("grand piano", "steel guitar"), ("quarters", "comp", "strum"), 0.85),
            Seat("chords", ("clean guitar", "muted guitar"), ("arpeggio", "strum", "fast arpeggio"), 0.6),
            Seat("vocal", ("singer",), _SONG, 0.85),
            Seat("pad", ("synth pad", "strings", "sampled pad"), ("hold",), 0.55),
            Seat("lead", ("synth pluck", "bells", "synth lead"), ("sparse", "busy"), 0.35),
            Seat("vocal", ("choir",), ("hold",), 0.2),
            _percussion(0.4, "tambourine", "shaker", "claps"),
        ),
    ),
    Genre(
        "rock", (100, 148), ("major", "mixolydian", "minor"),
        ("I bVII IV I", "I IV V IV", "vi IV I V", "i bVI bVII i", "I V IV IV", "i bVII bVI bVII"),
        ("rock", "rock drive", "rock ride"), ("power", "room", "standard", "recorded"),
        (
            Seat("bass", ("pick bass", "finger bass"), ("eighths", "roots", "push")),
            Seat("chords", ("crunch guitar", "high gain guitar"), ("chug", "power whole")),
            Seat("chords", ("crunch guitar", "clean guitar"), ("chug", "strum", "arpeggio"), 0.7),
            Seat("vocal", ("singer",), _SONG, 0.75),
            Seat("lead", ("solo guitar",), ("busy", "song"), 0.5),
            Seat("chords", ("organ", "grand piano"), ("whole", "quarters"), 0.35),
            _percussion(0.25, "tambourine", "cowbell"),
        ),
        split_drums=0.55,
    ),
    Genre(
        "disco", (110, 126), ("minor", "dorian", "major"),
        ("i7 iv7 bVII7 bIIImaj7", "ii7 V7 Imaj7 vi7", "i7 i7 iv7 V7", "vi7 ii7 V7 Imaj7", "i7 bVII i7 iv7|V7"),
        ("disco", "disco busy"), ("standard", "room", "recorded"),
        (
            Seat("bass", ("finger bass", "slap bass", "pick bass"), ("octaves", "push", "funk")),
            Seat("chords", ("clean guitar", "muted guitar"), ("scratch",), 0.85),
            Seat("chords", ("rhodes", "grand piano", "clavinet"), ("stabs", "offbeats", "comp"), 0.7),
            Seat("pad", ("strings",), ("hold",), 0.65),
            Seat("lead", ("brass section", "trumpet"), ("riff",), 0.45),
            Seat("vocal", ("singer",), ("syncopated", "song"), 0.7),
            _percussion(0.6, "congas", "tambourine sixteenths", "cowbell", "bongos"),
        ),
        split_drums=0.35,
    ),
    Genre(
        "country", (88, 136), ("major",),
        ("I IV V I", "I I IV V", "I V IV I", "I vi IV V", "I IV I V"),
        ("train", "country", "country cross"), ("standard", "jazz", "recorded"),
        (
            Seat("bass", ("upright bass", "finger bass"), ("two", "roots")),
            Seat("chords", ("steel guitar",), ("boom chick", "strum")),
            Seat("chords", ("clean guitar", "banjo"), ("fingerpick", "arpeggio"), 0.6),
            Seat("vocal", ("singer",), ("song",), 0.8),
            Seat("lead", ("fiddle", "harmonica"), ("song", "busy"), 0.6),
            Seat("chords", ("old piano", "grand piano"), ("comp", "quarters"), 0.35),
            _percussion(0.25, "tambourine", "shaker eighths"),
        ),
        swing=(0.0, 0.12), looseness_ms=(6.0, 12.0), same_room=0.7,
    ),
    Genre(
        "folk", (76, 112), ("major", "mixolydian", "minor"),
        ("I V vi IV", "I IV I V", "vi IV I V", "I iii IV I", "i bVII bVI bVII", "Iadd9 IV vi Vsus4|V"),
        ("folk", "folk brush"), ("brush", "jazz", "standard"),
        (
            Seat("chords", ("steel guitar", "nylon guitar"), ("fingerpick", "slow strum", "arpeggio")),
            Seat("bass", ("upright bass", "finger bass"), ("long", "two"), 0.85),
            Seat("vocal", ("singer",), ("song", "sparse"), 0.8),
            Seat("lead", ("fiddle", "flute", "harmonica", "clarinet"), ("sparse", "song"), 0.6),
            Seat("chords", ("grand piano", "accordion", "nylon guitar"), ("whole", "comp", "arpeggio"), 0.5),
            Seat("pad", ("cello", "low strings"), ("hold",), 0.4),
            _percussion(0.55, "shaker eighths", "tambourine", "triangle"),
        ),
        swing=(0.0, 0.1), looseness_ms=(7.0, 14.0), drums=0.75, split_drums=0.15, same_room=0.75,
    ),
    Genre(
        "funk", (92, 116), ("dorian", "mixolydian"),
        ("i7 i7 IV7 IV7", "i9 IV9", "I7 I7 bVII7 IV7", "i7 bVII7 i7 IV7", "I9 I9 I9 IV9"),
        ("funk", "funk open"), ("standard", "room", "recorded"),
        (
            Seat("bass", ("slap bass", "finger bass"), ("funk",)),
            Seat("chords", ("clean guitar", "muted guitar"), ("scratch",)),
            Seat("chords", ("clavinet", "rhodes", "organ"), ("stabs", "comp", "riff"), 0.75),
            Seat("lead", ("brass section", "saxophone", "trumpet"), ("riff", "busy"), 0.65),
            Seat("vocal", ("singer",), ("syncopated", "rap"), 0.5),
            _percussion(0.5, "congas busy", "cowbell", "tambourine sixteenths", "bongos"),
        ),
        swing=(0.0, 0.12), split_drums=0.45, same_room=0.5,
    ),
    Genre(
        "soul ballad", (58, 76), ("major",),
        ("I vi ii7 V7", "Imaj7 iii7 IV V7", "I I7 IV iv", "I iii7 vi7 IV|V", "IVmaj7 iii7 ii7 V7"),
        ("soul", "soul full"), ("jazz", "standard", "brush"),
        (
            Seat("bass", ("finger bass", "fretless bass", "upright bass"), ("slow twelve",)),
            Seat("chords", ("grand piano", "rhodes"), ("twelve block", "twelve arpeggio")),
            Seat("chords", ("clean guitar", "jazz guitar"), ("twelve arpeggio", "twelve block"), 0.6),
            Seat("vocal", ("singer",), ("twelve",), 0.85),
            Seat("pad", ("organ", "strings"), ("hold",), 0.7),
            Seat("lead", ("saxophone", "brass section"), ("twelve",), 0.45),
            Seat("vocal", ("choir",), ("hold",), 0.25),
            _percussion(0.2, "twelve tambourine"),
        ),
        steps=12, looseness_ms=(7.0, 13.0), same_room=0.5,
    ),
    Genre(
        "house", (118, 128), ("minor", "dorian"),
        ("i7 iv7 i7 v7", "i7 bVImaj7 bIIImaj7 bVII", "i9 i9 iv9 iv9", "iv7 i7 bVII7 i7"),
        ("house", "house broken"), ("house machine", "analogue machine", "recorded machine"),
        (
            Seat("bass", ("synth bass", "sampled synth bass"), ("pump", "push", "octaves")),
            Seat("chords", ("rhodes", "grand piano", "synth pluck"), ("house", "offbeats")),
            Seat("pad", ("synth pad", "sampled pad"), ("hold",), 0.65),
            Seat("lead", ("synth lead", "synth pluck", "sampled lead"), ("syncopated", "sparse"), 0.6),
            Seat("vocal", ("singer",), ("sparse", "syncopated"), 0.45),
            _percussion(0.65, "congas busy", "shaker", "bongos", "cabasa"),
        ),
        looseness_ms=(1.0, 3.0), split_drums=0.4, same_room=0.0,
    ),
    Genre(
        "synthwave", (84, 118), ("minor",),
        ("i bVI bIII bVII", "i bVII bVI V", "i iv bVI bVII", "bVI bVII i i", "i i bVI|bVII i"),
        ("synthwave", "synthwave half"), ("analogue machine", "tight machine", "electronic"),
        (
            Seat("bass", ("synth bass",), ("sixteenths", "octaves", "eighths")),
            Seat("pad", ("synth pad", "sampled pad"), ("hold",)),
            Seat("chords", ("synth pluck", "sampled lead"), ("fast arpeggio", "arpeggio")),
            Seat("lead", ("synth lead", "solo guitar"), ("song", "sparse"), 0.75),
            Seat("chords", ("synth brass", "rhodes"), ("whole", "comp"), 0.4),
            Seat("vocal", ("singer",), ("song", "sparse"), 0.5),
            _percussion(0.2, "claps", "shaker"),
        ),
        looseness_ms=(0.5, 2.0), split_drums=0.4, same_room=0.0,
    ),
    Genre(
        "hip hop", (74, 98), ("minor", "dorian"),
        ("i7 iv7", "i7 bVImaj7 iv7 v7", "i9 i9 bVImaj7 v7", "ii7 V7 Imaj7 vi7", "i bVII bVI V7"),
        ("hip hop", "boom bap", "trap"), ("analogue machine", "808", "recorded machine", "room"),
        (
            Seat("bass", ("synth bass", "finger bass", "sampled synth bass"), ("boom", "push", "long")),
            Seat("chords", ("rhodes", "grand piano", "jazz guitar", "vibraphone"), ("comp", "whole", "arpeggio")),
            Seat("vocal", ("singer",), ("rap",), 0.75),
            Seat("lead", ("flute", "synth pluck", "bells", "trumpet"), ("sparse",), 0.55),
            Seat("pad", ("strings", "synth pad"), ("hold",), 0.4),
            Seat("chords", ("clean guitar", "pizzicato"), ("arpeggio", "stabs"), 0.35),
            _percussion(0.35, "shaker", "tambourine", "claves"),
        ),
        swing=(0.04, 0.24), looseness_ms=(2.0, 8.0), split_drums=0.35, same_room=0.1,
    ),
    Genre(
        "bossa nova", (112, 144), ("major", "dorian"),
        ("Imaj7 II7 ii7 V7", "Imaj7 vi7 ii7 V7", "i7 iv7 V7 i7", "ii7 V7 Imaj7 Imaj7", "Imaj7 bIImaj7 Imaj7 V7"),
        ("bossa", "bossa ride"), ("brush", "jazz", "standard"),
        (
            Seat("chords", ("nylon guitar",), ("bossa",)),
            Seat("bass", ("upright bass", "fretless bass"), ("bossa",)),
            Seat("vocal", ("singer",), ("song", "sparse"), 0.65),
            Seat("lead", ("flute", "saxophone", "clarinet", "vibraphone"), ("song", "sparse"), 0.7),
            Seat("chords", ("rhodes", "grand piano", "vibraphone"), ("comp", "whole"), 0.6),
            Seat("pad", ("strings",), ("hold",), 0.3),
            _percussion(0.6, "shaker", "claves", "cabasa", "triangle"),
        ),
        looseness_ms=(5.0, 11.0), drums=0.75, split_drums=0.15, same_room=0.6,
    ),
    Genre(
        "cinematic", (66, 104), ("minor", "dorian"),
        ("i bVI bIII bVII", "i i bVI bVII", "i v bVI iv", "i bIII bVII iv", "bVI bVII i v"),
        ("cinematic", "cinematic big"), ("orchestra", "power"),
        (
            Seat("pad", ("low strings", "strings"), ("hold",)),
            Seat("bass", ("bowed bass", "synth bass"), ("long", "eighths")),
            Seat("chords", ("pizzicato", "grand piano", "marimba"), ("fast arpeggio", "arpeggio", "quarters")),
            Seat("lead", ("horns", "strings", "cello"), ("sparse", "song"), 0.8),
            Seat("vocal", ("choir",), ("hold",), 0.55),
            Seat("pad", ("synth pad", "strings"), ("hold",), 0.5),
            Seat("lead", ("flute", "bells", "clarinet"), ("sparse", "song"), 0.45),
            _percussion(0.3, "triangle", "shaker eighths"),
        ),
        looseness_ms=(6.0, 14.0), drums=0.75, split_drums=0.0, same_room=0.8,
    ),
)  # fmt: skip

GENRES: tuple[str, ...] = tuple(genre.name for genre in _ALL)
HELD_OUT_GENRES: tuple[str, ...] = ("bossa nova", "cinematic")


def genre_named(name: str) -> Genre:
    """The genre of that name; raises UserError with the list of names if there is none."""
    for genre in _ALL:
        if genre.name == name:
            return genre
    raise UserError(f"unknown genre {name!r}: use one of {', '.join(GENRES)}")
