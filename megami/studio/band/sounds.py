"""What each instrument of the studio is rendered with: engine, SoundFont programs, register, and how it is recorded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sound:
    """An instrument as the renderer knows it.

    `instrument` is one of INSTRUMENTS; `engine` is gm (SoundFont), kit, bass synth, lead synth, pad synth, pluck synth
    or voice; `programs` are General MIDI programs to choose from; `low`..`high` is the register (MIDI pitch);
    `recording` is mic, di, line, clean amp or drive amp.
    """

    instrument: str
    engine: str
    programs: tuple[int, ...]
    low: int
    high: int
    recording: str


SOUNDS: dict[str, Sound] = {
    "finger bass": Sound("electric bass", "gm", (33, 33, 37), 28, 48, "di"),
    "pick bass": Sound("electric bass", "gm", (34,), 28, 48, "clean amp"),
    "slap bass": Sound("electric bass", "gm", (36, 37), 28, 48, "di"),
    "fretless bass": Sound("electric bass", "gm", (35,), 28, 50, "di"),
    "upright bass": Sound("acoustic bass", "gm", (32,), 28, 50, "mic"),
    "bowed bass": Sound("acoustic bass", "gm", (43,), 28, 50, "mic"),
    "synth bass": Sound("synth bass", "bass synth", (), 26, 48, "line"),
    "sampled synth bass": Sound("synth bass", "gm", (38, 39), 28, 48, "line"),
    "nylon guitar": Sound("acoustic guitar", "gm", (24,), 40, 76, "mic"),
    "steel guitar": Sound("acoustic guitar", "gm", (25,), 40, 76, "mic"),
    "banjo": Sound("acoustic guitar", "gm", (105,), 50, 76, "mic"),
    "clean guitar": Sound("electric guitar", "gm", (27,), 40, 79, "clean amp"),
    "jazz guitar": Sound("electric guitar", "gm", (26,), 40, 79, "clean amp"),
    "muted guitar": Sound("electric guitar", "gm", (28,), 45, 76, "clean amp"),
    "crunch guitar": Sound("distorted guitar", "gm", (27, 28), 40, 72, "drive amp"),
    "high gain guitar": Sound("distorted guitar", "gm", (29, 30), 40, 72, "drive amp"),
    "solo guitar": Sound("distorted guitar", "gm", (29, 27), 55, 81, "drive amp"),
    "grand piano": Sound("piano", "gm", (0, 0, 1), 50, 79, "mic"),
    "old piano": Sound("piano", "gm", (3,), 50, 79, "mic"),
    "rhodes": Sound("electric piano", "gm", (4, 5), 50, 76, "line"),
    "clavinet": Sound("electric piano", "gm", (7,), 48, 72, "clean amp"),
    "organ": Sound("organ", "gm", (16, 17, 18), 52, 76, "mic"),
    "accordion": Sound("organ", "gm", (21, 23), 55, 79, "mic"),
    "strings": Sound("strings", "gm", (48, 49), 52, 82, "mic"),
    "low strings": Sound("strings", "gm", (48, 44, 42), 40, 67, "mic"),
    "pizzicato": Sound("strings", "gm", (45,), 48, 79, "mic"),
    "fiddle": Sound("strings", "gm", (110, 40), 60, 86, "mic"),
    "cello": Sound("strings", "gm", (42,), 43, 67, "mic"),
    "brass section": Sound("brass", "gm", (61,), 53, 79, "mic"),
    "trumpet": Sound("brass", "gm", (56, 59), 58, 82, "mic"),
    "horns": Sound("brass", "gm", (60, 57), 46, 70, "mic"),
    "saxophone": Sound("woodwind", "gm", (65, 66), 50, 76, "mic"),
    "flute": Sound("woodwind", "gm", (73,), 62, 86, "mic"),
    "clarinet": Sound("woodwind", "gm", (71, 68), 55, 80, "mic"),
    "harmonica": Sound("woodwind", "gm", (22,), 60, 84, "mic"),
    "vibraphone": Sound("mallets", "gm", (11,), 55, 82, "mic"),
    "marimba": Sound("mallets", "gm", (12, 108), 50, 79, "mic"),
    "bells": Sound("mallets", "gm", (9, 8, 10), 67, 91, "mic"),
    "synth lead": Sound("synth lead", "lead synth", (), 57, 84, "line"),
    "sampled lead": Sound("synth lead", "gm", (80, 81, 90), 57, 84, "line"),
    "synth pluck": Sound("synth lead", "pluck synth", (), 52, 84, "line"),
    "synth pad": Sound("synth pad", "pad synth", (), 48, 76, "line"),
    "sampled pad": Sound("synth pad", "gm", (50, 51, 89, 95, 94), 48, 76, "line"),
    "synth brass": Sound("brass", "gm", (62, 63), 50, 74, "line"),
    "singer": Sound("voice", "voice", (), 45, 66, "mic"),
    "choir": Sound("voice", "gm", (52, 53), 52, 77, "mic"),
}
