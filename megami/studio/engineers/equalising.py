"""The equaliser's settings: a style's habit, corrected by what the engineer hears in the track and its neighbours."""

from __future__ import annotations

import numpy as np

from megami.effects import Equaliser
from megami.studio.engineers.styles import PARTS, MixStyle

LIMIT_DB = 8.0
NOTHING_THERE_DB = 15.0  # a region this far below the expected holds noise, not a dull sound
ACCOMPANIMENT = ("chords", "pad", "lead", "percussion", "vocal")  # what has to make way for the song's lead
LOW_PARTS = ("kick", "drums", "bass")
# Expected colour of each part: power of the equaliser's five regions relative to the whole, dB; rows as in PARTS.
PROFILES_DB = np.array(
    [
        (-0.3, -13.0, -22.0, -22.0, -30.0),
        (-12.0, -3.0, -7.0, -10.0, -15.0),
        (-1.5, -8.0, -15.0, -14.0, -14.0),
        (-30.0, -5.0, -10.0, -8.0, -10.0),
        (-2.0, -5.5, -21.0, -35.0, -45.0),
        (-16.0, -1.3, -8.0, -16.0, -30.0),
        (-30.0, -3.0, -4.0, -12.0, -25.0),
        (-25.0, -1.3, -8.0, -20.0, -35.0),
        (-28.0, -2.0, -6.0, -17.0, -24.0),
    ]
)


def correction_db(heard_db: np.ndarray, part: str, strength: float) -> np.ndarray:
    """Gain [5] that moves a track's colour towards that expected of its part, but never lifts mere noise."""
    missing_db = PROFILES_DB[PARTS.index(part)] - heard_db
    return strength * np.where(missing_db > NOTHING_THERE_DB, 0.0, missing_db)


def presence_in(heard_db: np.ndarray) -> np.ndarray:
    """How much (0..1) a track lives in each region: 1 in its strongest, 0 where it is 12 dB weaker."""
    return np.clip(1 - (heard_db.max() - heard_db) / 12.0, 0.0, 1.0)


def colour_gains_db(
    heard_db: np.ndarray,
    part: str,
    style: MixStyle,
    lead_heard_db: np.ndarray | None,
    has_bass: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """The five gains in dB for one track, within ±8: habit + correction + room for the lead and the bass + variation.

    `heard_db` [5] is the track's colour as measured, `lead_heard_db` that of the song's lead (None for itself).
    """
    gains = np.array(style.treatment(part).colour_db) + rng.normal(0.0, 0.8, 5)
    gains += correction_db(heard_db, part, style.ear)
    if lead_heard_db is not None and part in ACCOMPANIMENT:
        covered = presence_in(heard_db) * presence_in(lead_heard_db)
        gains[1:4] -= style.unmask_db * covered[1:4]
    if has_bass and part not in LOW_PARTS:
        gains[0] -= style.make_room_db
    return np.clip(gains, -LIMIT_DB, LIMIT_DB)


def equaliser(gains_db: np.ndarray, rng: np.random.Generator) -> Equaliser:
    """Five-band equaliser with these gains, its frequencies and widths varied around the middle of each region."""
    low, mid1, mid2, mid3, high = (float(gain) for gain in gains_db)
    return Equaliser(
        low_gain_db=low,
        low_hz=float(rng.uniform(90.0, 140.0)),
        peak1_gain_db=mid1,
        peak1_hz=float(rng.uniform(260.0, 450.0)),
        peak1_q=float(rng.uniform(0.6, 1.0)),
        peak2_gain_db=mid2,
        peak2_hz=float(rng.uniform(1000.0, 1700.0)),
        peak2_q=float(rng.uniform(0.6, 1.0)),
        peak3_gain_db=mid3,
        peak3_hz=float(rng.uniform(3000.0, 4800.0)),
        peak3_q=float(rng.uniform(0.6, 1.0)),
        high_gain_db=high,
        high_hz=float(rng.uniform(6500.0, 9500.0)),
    )
