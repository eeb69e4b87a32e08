"""Five ways to mix, as tables: what each engineer does with each part of a song before having heard it."""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("kick", "snare", "drums", "percussion", "bass", "chords", "lead", "pad", "vocal")


@dataclass(frozen=True)
class Treatment:
    """What a style tends to do with one part; random variation and what the engineer hears come on top."""

    level_db: float  # loudness relative to the song's lead
    colour_db: tuple[float, float, float, float, float]  # below 160 Hz, low mids, mids, presence, above 6 kHz
    squeeze_db: float  # gain reduction of the compressor on loud moments
    drive_db: float  # how hard the saturation is driven; 0 leaves it out
    send: float  # share of the common room
    echo: float  # share of the common delay
    spread: float  # pseudo-stereo of the mono track, 0..1


@dataclass(frozen=True)
class MixStyle:
    """An engineer's habits: one Treatment per part (in the order of PARTS) and what is common to the whole song."""

    name: str
    number: int  # part of the random seed
    treatments: tuple[Treatment, ...]
    ratio: float
    attack_ms: tuple[float, float]
    release_ms: tuple[float, float]
    stereo: float  # width of everything behind the room: below 1 draws the mix together
    outermost: tuple[float, float]  # range of the outermost pan position
    pan_positions: int  # 0: any angle; else steps per side
    decay_s: tuple[float, float]
    pre_delay_ms: tuple[float, float]
    damping_hz: tuple[float, float]
    beats_per_echo: float
    ping_pong: int
    ear: float  # 0..1: how far the equaliser moves a track's colour to that expected of its part
    unmask_db: float  # cut where an accompanying track covers the lead
    make_room_db: float  # low shelf cut of everything but bass and drums
    lead_over_rest_db: tuple[float, float]  # bounds on the lead's loudness against all other tracks together

    def treatment(self, part: str) -> Treatment:
        """The Treatment of a part out of PARTS."""
        return self.treatments[PARTS.index(part)]


MODERN_WIDE = MixStyle(
    name="modern wide",
    number=1,
    treatments=(
        Treatment(-5.0, (3.0, -4.0, -1.0, 3.0, 2.0), 7.0, 8.0, 0.02, 0.0, 0.0),
        Treatment(-6.0, (0.0, -1.0, 0.0, 2.5, 3.0), 7.0, 9.0, 0.12, 0.0, 0.15),
        Treatment(-3.5, (2.0, -3.0, 0.0, 2.5, 4.0), 8.0, 9.0, 0.07, 0.0, 0.55),
        Treatment(-11.0, (-3.0, -2.0, 0.0, 2.0, 4.0), 4.0, 0.0, 0.10, 0.0, 0.4),
        Treatment(-5.0, (2.0, -2.0, 1.0, 2.0, 0.0), 7.0, 4.0, 0.0, 0.0, 0.0),
        Treatment(-7.5, (-3.0, -2.0, -0.5, 2.5, 4.5), 6.0, 0.0, 0.10, 0.05, 0.7),
        Treatment(-4.5, (-2.0, -1.0, 0.5, 2.5, 3.0), 7.0, 9.0, 0.12, 0.12, 0.35),
        Treatment(-10.0, (-4.0, -2.0, -1.0, 1.0, 4.0), 4.0, 0.0, 0.18, 0.0, 0.95),
        Treatment(-6.0, (-3.0, -1.5, 0.5, 3.5, 5.5), 8.0, 2.0, 0.10, 0.10, 0.2),
    ),
    ratio=4.5,
    attack_ms=(0.3, 1.5),
    release_ms=(60.0, 120.0),
    stereo=1.2,
    outermost=(0.75, 0.95),
    pan_positions=0,
    decay_s=(0.9, 1.5),
    pre_delay_ms=(20.0, 35.0),
    damping_hz=(7500.0, 10000.0),
    beats_per_echo=0.5,
    ping_pong=0,
    ear=0.5,
    unmask_db=3.0,
    make_room_db=5.0,
    lead_over_rest_db=(-3.0, 3.0),
)

VINTAGE_NARROW = MixStyle(
    name="vintage narrow",
    number=2,
    treatments=(
        Treatment(-6.0, (0.0, 2.0, 0.5, -2.5, -7.0), 4.0, 7.0, 0.06, 0.0, 0.0),
        Treatment(-6.0, (0.0, 2.0, 1.0, -2.0, -6.5), 4.0, 7.0, 0.15, 0.0, 0.0),
        Treatment(-4.0, (-1.0, 2.0, 1.0, -3.0, -8.0), 5.0, 8.0, 0.14, 0.0, 0.0),
        Treatment(-9.0, (-2.0, 1.0, 1.5, -2.0, -7.0), 3.0, 5.0, 0.16, 0.0, 0.0),
        Treatment(-4.0, (1.0, 2.5, 0.5, -5.0, -8.0), 5.0, 8.0, 0.02, 0.0, 0.0),
        Treatment(-5.5, (-2.0, 1.5, 2.0, -3.0, -8.0), 4.0, 9.0, 0.18, 0.0, 0.0),
        Treatment(-3.5, (-2.0, 1.0, 2.0, -2.0, -7.5), 4.0, 8.0, 0.22, 0.15, 0.0),
        Treatment(-8.5, (-2.0, 1.5, 0.5, -4.0, -8.0), 3.0, 5.0, 0.25, 0.0, 0.0),
        Treatment(-5.0, (-2.5, 1.0, 2.0, -1.5, -7.0), 5.0, 7.0, 0.24, 0.12, 0.0),
    ),
    ratio=3.0,
    attack_ms=(12.0, 25.0),
    release_ms=(150.0, 250.0),
    stereo=0.5,
    outermost=(0.30, 0.40),
    pan_positions=1,
    decay_s=(1.5, 2.0),
    pre_delay_ms=(0.0, 10.0),
    damping_hz=(3000.0, 4200.0),
    beats_per_echo=0.25,
    ping_pong=0,
    ear=0.25,
    unmask_db=1.0,
    make_room_db=2.0,
    lead_over_rest_db=(-4.5, 3.0),
)

DRY_AND_CLOSE = MixStyle(
    name="dry and close",
    number=3,
    treatments=(
        Treatment(-8.0, (1.0, -1.0, 0.0, 1.0, 0.0), 2.0, 0.0, 0.01, 0.0, 0.0),
        Treatment(-8.0, (0.0, 0.0, 0.0, 0.5, 0.5), 2.0, 0.0, 0.03, 0.0, 0.0),
        Treatment(-6.0, (0.5, -0.5, 0.0, 0.5, 0.5), 2.0, 0.0, 0.03, 0.0, 0.3),
        Treatment(-12.0, (-1.0, -0.5, 0.0, 0.5, 0.5), 1.5, 0.0, 0.04, 0.0, 0.1),
        Treatment(-6.5, (1.0, 0.0, 0.5, 0.5, 0.0), 3.0, 0.0, 0.0, 0.0, 0.0),
        Treatment(-8.5, (-1.0, -1.0, 0.0, 0.5, 0.0), 2.0, 0.0, 0.03, 0.0, 0.2),
        Treatment(-5.5, (-1.0, 0.0, 0.5, 1.0, 0.5), 2.0, 0.0, 0.04, 0.0, 0.0),
        Treatment(-12.0, (-2.0, -1.0, -0.5, 0.0, 0.0), 1.5, 0.0, 0.05, 0.0, 0.4),
        Treatment(-6.0, (-1.0, 0.5, 0.5, 2.0, 1.5), 3.0, 0.0, 0.03, 0.0, 0.0),
    ),
    ratio=2.0,
    attack_ms=(18.0, 30.0),
    release_ms=(120.0, 200.0),
    stereo=1.0,
    outermost=(0.45, 0.60),
    pan_positions=0,
    decay_s=(0.25, 0.4),
    pre_delay_ms=(0.0, 5.0),
    damping_hz=(5000.0, 7000.0),
    beats_per_echo=0.5,
    ping_pong=0,
    ear=0.35,
    unmask_db=2.0,
    make_room_db=3.0,
    lead_over_rest_db=(-0.5, 5.0),
)

SPACIOUS = MixStyle(
    name="spacious",
    number=4,
    treatments=(
        Treatment(-6.0, (-2.0, -2.0, 0.0, 1.0, 0.5), 3.0, 0.0, 0.12, 0.0, 0.0),
        Treatment(-5.0, (-2.0, 0.0, 0.0, 1.0, 1.0), 3.0, 0.0, 0.32, 0.0, 0.2),
        Treatment(-4.5, (-3.0, -1.0, 0.0, 0.5, 1.5), 3.0, 0.0, 0.26, 0.0, 0.5),
        Treatment(-8.0, (-4.0, -1.0, 0.5, 1.0, 2.0), 2.0, 0.0, 0.36, 0.10, 0.5),
        Treatment(-6.0, (-2.5, 0.0, 0.5, 0.0, 0.0), 4.0, 0.0, 0.06, 0.0, 0.0),
        Treatment(-4.0, (-4.0, -1.0, 0.0, 0.5, 1.0), 3.0, 0.0, 0.34, 0.10, 0.8),
        Treatment(-2.5, (-3.0, -1.0, 0.0, 0.0, 0.5), 3.0, 0.0, 0.38, 0.20, 0.5),
        Treatment(-3.5, (-4.0, 0.0, 0.5, 0.5, 1.5), 2.0, 0.0, 0.45, 0.0, 1.0),
        Treatment(-4.0, (-4.0, -1.0, 0.0, 0.5, 1.0), 4.0, 0.0, 0.38, 0.15, 0.3),
    ),
    ratio=2.5,
    attack_ms=(15.0, 25.0),
    release_ms=(150.0, 250.0),
    stereo=1.0,
    outermost=(0.65, 0.85),
    pan_positions=0,
    decay_s=(2.4, 3.4),
    pre_delay_ms=(30.0, 60.0),
    damping_hz=(5000.0, 7500.0),
    beats_per_echo=0.75,
    ping_pong=1,
    ear=0.35,
    unmask_db=1.0,
    make_room_db=7.0,
    lead_over_rest_db=(-6.0, 0.0),
)

CLUB = MixStyle(
    name="club",
    number=5,
    treatments=(
        Treatment(2.0, (4.0, -3.0, -1.0, 2.0, 1.0), 7.0, 8.0, 0.0, 0.0, 0.0),
        Treatment(-2.0, (0.0, 0.0, 0.0, 2.0, 3.0), 7.0, 8.0, 0.10, 0.0, 0.1),
        Treatment(2.0, (3.5, -3.5, -1.0, 2.0, 5.5), 8.0, 9.0, 0.04, 0.0, 0.2),
        Treatment(-5.0, (-4.0, -2.0, 0.0, 2.0, 5.0), 6.0, 2.0, 0.06, 0.15, 0.4),
        Treatment(1.5, (4.5, -1.0, 0.0, 0.0, -2.0), 7.0, 5.0, 0.0, 0.0, 0.0),
        Treatment(-6.0, (-6.0, -3.0, 0.0, 1.0, 1.5), 6.0, 0.0, 0.08, 0.22, 0.5),
        Treatment(-3.0, (-5.0, -2.0, 0.5, 1.5, 2.0), 6.0, 3.0, 0.10, 0.35, 0.2),
        Treatment(-9.0, (-6.0, -3.0, 0.0, 1.0, 2.0), 6.0, 0.0, 0.15, 0.15, 0.8),
        Treatment(-4.0, (-5.0, -2.0, 0.5, 2.0, 2.5), 7.0, 2.0, 0.10, 0.30, 0.1),
    ),
    ratio=6.0,
    attack_ms=(1.0, 5.0),
    release_ms=(50.0, 90.0),
    stereo=1.0,
    outermost=(0.50, 0.70),
    pan_positions=0,
    decay_s=(0.5, 0.8),
    pre_delay_ms=(0.0, 15.0),
    damping_hz=(6000.0, 9000.0),
    beats_per_echo=0.75,
    ping_pong=1,
    ear=0.4,
    unmask_db=1.5,
    make_room_db=7.0,
    lead_over_rest_db=(-9.0, -3.5),
)

MIX_STYLES: tuple[MixStyle, ...] = (MODERN_WIDE, VINTAGE_NARROW, DRY_AND_CLOSE, SPACIOUS, CLUB)
