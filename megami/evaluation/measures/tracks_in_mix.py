"""What one can say of each track of a mix without knowing how it was made: level, place, width, brightness, clearness.

The Mix Gym of the book computes the same numbers in the page (notebook/web/console-measures.js), and a test compares
both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from megami.evaluation.measures.descriptors import NAMES as DESCRIPTORS
from megami.evaluation.measures.descriptors import OCTAVES_HZ, band_powers, descriptors

NAMES = ("level_db", "off_centre_db", "width_db", "brightness_octaves", "clear_db")
LOWEST_DB = -40.0
CLEAR_RANGE_DB = 40.0
FLOOR = 1e-9


def track_measures(tracks: Tensor, sample_rate: int = 44100) -> Tensor:
    """Measure each track within its mix: wet tracks [tracks, 2, samples] -> [tracks, 5], in the order of NAMES.

    level_db: the track's loud 100 ms frames over those of the whole mix. off_centre_db: the louder channel over the
    softer one. width_db: side over mid, 250 Hz to 4 kHz. brightness_octaves: spectral centroid over 1 kHz. clear_db:
    how far the track stands above the sum of all others, band by band in octaves, weighted by where the track has its
    power; a track under 0 is covered in most of its own range. All are bounded, so a silent track has finite numbers.
    The Mix Gym of the chapter "What a mix engineer does" is built on it.
    """
    mix = tracks.sum(0)
    found = dict(zip(DESCRIPTORS, descriptors(tracks, sample_rate).unbind(1), strict=True))
    loudest = descriptors(mix[None], sample_rate)[0, DESCRIPTORS.index("level_db")]
    level = (found["level_db"] - loudest).clamp_min(LOWEST_DB)
    parts = [level, found["pan_db"].abs(), found["width_mid_db"], found["centroid_octaves"]]
    return torch.stack([*parts, _clear_db(tracks, mix, sample_rate)], dim=1)


def _clear_db(tracks: Tensor, mix: Tensor, sample_rate: int) -> Tensor:
    """Power of each track over that of the others in octave bands, weighted by the track's own share: [tracks]."""
    own = band_powers(tracks, OCTAVES_HZ, sample_rate)
    others = band_powers(mix - tracks, OCTAVES_HZ, sample_rate)
    over_db = 10 * torch.log10((own + FLOOR) / (others + FLOOR))
    weights = (own + FLOOR) / (own + FLOOR).sum(-1, keepdim=True)
    return (weights * over_db.clamp(-CLEAR_RANGE_DB, CLEAR_RANGE_DB)).sum(-1)
