"""Drum and percussion grooves as text: one line a drum, one character a step, digits are accents."""

from __future__ import annotations

DRUM_KEYS: dict[str, int] = {
    "kick": 36, "rim": 37, "snare": 38, "clap": 39, "hat": 42, "pedal": 44, "open": 46, "ride": 51, "crash": 49,
    "tom high": 48, "tom mid": 45, "tom low": 41, "tambourine": 54, "cowbell": 56, "bongo high": 60, "bongo low": 61,
    "conga slap": 62, "conga high": 63, "conga low": 64, "cabasa": 69, "maracas": 70, "clave": 75, "woodblock": 76,
    "triangle": 81, "shaker": 82, "sticks": 31,
}  # fmt: skip

GROOVES: dict[str, dict[str, str]] = {
    "pop": {"kick": "9.....7.8.......", "snare": "....9.......9..2", "hat": "8.5.7.5.8.5.7.5."},
    "pop push": {"kick": "9..7....8.8.....", "snare": "....9.......9...", "hat": "7.5.7.5.7.5.7.56"},
    "rock": {"kick": "9.......8.8.....", "snare": "....9..2....9...", "hat": "9.6.8.6.9.6.8.6."},
    "rock drive": {"kick": "9...8..89...8...", "snare": "....9.......9...", "open": "8...7...8...7..."},
    "rock ride": {"kick": "9.....8.8.......", "snare": "....9.......9.2.", "ride": "9.6.8.6.9.6.8.6."},
    "half time": {"kick": "9.....7.........", "snare": "........9.......", "hat": "8.5.6.5.8.5.6.5."},
    "disco": {
        "kick": "9...9...9...9...", "snare": "....8.......8...", "hat": "8.55..558.55..55",
        "open": "..8...8...8...8.",
    },
    "disco busy": {
        "kick": "9...9...9...9...", "snare": "....8..2.2..8..4", "hat": "85.585.585.585.5",
        "open": "..7...7...7...7.",
    },
    "house": {
        "kick": "9...9...9...9...", "clap": "....8.......8...", "open": "..8...8...8...8.",
        "hat": "4.444.444.444.44",
    },
    "house broken": {"kick": "9...9...9...9..6", "clap": "....8.......8...", "hat": "..8..58...8..585"},
    "synthwave": {"kick": "9...8...9...8...", "snare": "....9.......9...", "hat": "6.6.6.6.6.6.6.66"},
    "synthwave half": {"kick": "9.....8...8.....", "snare": "....9.......9...", "hat": "7656765676567656"},
    "hip hop": {"kick": "9..6...7..8.....", "snare": "....9.......9..2", "hat": "7.6.7.6.7.667.6."},
    "trap": {"kick": "9......7..8..7..", "clap": "........9.......", "hat": "7.7.7.767.7.6777"},
    "boom bap": {"kick": "9.7.......87....", "snare": "....9..3.2..9...", "hat": "8.6.8.6.8.6.8.6."},
    "funk": {"kick": "9..7..7...8..7..", "snare": "....9..3.3..9..3", "hat": "8575857585758575"},
    "funk open": {
        "kick": "9.7....7..8.....", "snare": "....9..2.4.29...", "hat": "8.6.8.6.8.6.8...",
        "open": "..............7.",
    },
    "train": {"kick": "9...7...9...7...", "snare": "5358535853585358"},
    "country": {"kick": "9.......9.......", "snare": "....8.......8...", "hat": "7.5.7.5.7.5.7.5."},
    "country cross": {"kick": "9.......9.7.....", "rim": "....8.......8...", "hat": "7.5.7.5.7.5.7.5."},
    "folk": {"kick": "8.......7.......", "rim": "....6.......6...", "pedal": "....5.......5..."},
    "folk brush": {"kick": "7.........6.....", "snare": "4.436.434.436.43"},
    "soul": {"kick": "9....78..7..", "rim": "...8.....8..", "hat": "756756756756"},
    "soul full": {"kick": "9....7.78...", "snare": "...9.....9..", "ride": "856756856756"},
    "bossa": {"kick": "8..78..78..78..7", "rim": "8..7..7...7..7..", "hat": "6464646464646464"},
    "bossa ride": {"kick": "8..78..78..78..7", "rim": "..7..7..8..7....", "ride": "7.5.7.5.7.5.7.5."},
    "cinematic": {"tom low": "9..7..8.9..7..8.", "kick": "9.......9......."},
    "cinematic big": {
        "tom low": "9.6.8.6.9.668.68", "tom mid": "......7.......7.", "kick": "9...............",
        "crash": "7...............",
    },
}  # fmt: skip

PERCUSSION: dict[str, dict[str, str]] = {
    "tambourine": {"tambourine": "..5...8...5...8."},
    "tambourine sixteenths": {"tambourine": "6484648464846484"},
    "shaker": {"shaker": "7454745474547454"},
    "shaker eighths": {"maracas": "8.5.8.5.8.5.8.5."},
    "cabasa": {"cabasa": "8.538.538.538.53"},
    "congas": {"conga high": "....8..5....8.8.", "conga slap": "7.......7.......", "conga low": "..6...5...6....."},
    "congas busy": {
        "conga high": "..6.7..5..6.7.8.",
        "conga slap": "8....5..8....5..",
        "conga low": "...6..67...6....",
    },
    "bongos": {"bongo high": "8.556.558.556.55", "bongo low": "....7.......7.7."},
    "cowbell": {"cowbell": "8...6.6.8...6.6."},
    "claves": {"clave": "8..8..8...8.8..."},
    "claps": {"clap": "....8.......8..."},
    "triangle": {"triangle": "..6...6...6...6.", "maracas": "5.4.5.4.5.4.5.4."},
    "twelve tambourine": {"tambourine": "..5...8....."},
}

FILLS: dict[int, tuple[dict[str, str], ...]] = {
    16: (
        {"snare": "........6.7.8899", "kick": "9.......8......."},
        {"snare": "............8.88", "tom high": "........88......", "tom low": "..........88...."},
        {
            "tom high": "........8.8.....",
            "tom mid": "..........8.8...",
            "tom low": "............8.88",
            "kick": "9.......",
        },
        {"snare": "....9.......9.99", "kick": "9.......8.8....."},
    ),
    12: ({"snare": "......678789", "kick": "9....."}, {"tom high": "......88....", "tom low": "........8888"}),
}


def hits(groove: dict[str, str]) -> list[tuple[str, float, float]]:
    """Hits of one bar as (drum, start in beats, velocity 0..1)."""
    found = []
    for drum, text in groove.items():
        steps = 12 if len(text) in (6, 12) else 16
        for step, character in enumerate(text):
            if character != ".":
                found.append((drum, 4.0 * step / steps, int(character) / 9.0))
    return found
