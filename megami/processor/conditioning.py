"""What the structured processor sets its knobs by: a dry track as measured, and what an embedding wants of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.dynamics import crest_factor_db, decode_dynamics, log_spread_db, standardise_dynamics
from megami.embeddings.effect_embedding import split_parts
from megami.embeddings.spectrum import bands_of_power_db, decode_spectrum, mean_power, side_bands_db
from megami.processor.filters import interpolation_matrix, log_frequencies
from megami.processor.panorama import panned_side_db, stereo_evidence
from megami.processor.structured_config import StructuredConfig

QUIETEST_BAND_DB = -58.0
CHANGED_DB, CHANGED_DYNAMICS_DB = 1.0, 0.5
"""From these differences of a band, and of crest factor or spread, a track was surely changed; a fifth is none."""
LEVEL_FRAME = 1024
LEVEL_FLOOR = 1e-6


def loud_level(audio: Tensor) -> Tensor:
    """Level of the loud parts: power-weighted mean power of frames of 23 ms, as an amplitude. [b, 1, n] -> [b, 1, 1].

    Silence before, after or between the notes does not change it, so a crop and its song agree.
    """
    power = F.pad(audio, (0, -audio.shape[-1] % LEVEL_FRAME)).unflatten(-1, (-1, LEVEL_FRAME)).square().mean(-1)
    power = power + LEVEL_FLOOR**2
    return (power.square().sum(-1, keepdim=True) / power.sum(-1, keepdim=True)).sqrt()


def evidence_of_change(bands_db: Tensor, dynamics_db: Tensor) -> Tensor:
    """How surely a track was changed in more than level and balance, which leave its bands and its dynamics alone.

    Differences in dB from the track's own bands [b, bands] and crest factor and spread [b, 2] -> 0..1 [b, 1].
    """
    colour = bands_db.abs().amax(-1, keepdim=True) / CHANGED_DB
    dynamics = dynamics_db.abs().amax(-1, keepdim=True) / CHANGED_DYNAMICS_DB
    return ((torch.maximum(colour, dynamics) - 0.2) / 0.8).clamp(0, 1)


@dataclass(frozen=True)
class Measured:
    """What there is to know of a dry track before any plan: every take of a song is rendered by it."""

    level: Tensor  # [b, 1, 1], as `loud_level` says
    bands_db: Tensor  # [b, bands] of its spectrum, as the mid has them in z
    points_db: Tensor  # [b, points]: the same, finer
    dynamics_db: Tensor  # [b, 2]: crest factor and spread
    side_db: Tensor | None  # [b, side bands] of the stereo track that it is folded from


@dataclass(frozen=True)
class Condition:
    """What the knobs of each item are set by."""

    known: Tensor  # [b, size], at about unit scale: the input of the small network
    difference_db: Tensor  # [b, points]: from the track's spectrum to the target's, at the points of the equaliser
    stereo: Tensor  # [b, 1]: how surely the target is wide; without that the parts that widen stay closed
    change: Tensor  # [b, 1]: how surely there is anything to do but level and balance


class Conditioning(nn.Module):
    """What a track that was measured and an embedding z [b, dim] say together: `Condition`.

    Parts that are not surely wanted stay closed, since the errors of their knobs would be heard.
    """

    to_points: Tensor

    def __init__(self, config: StructuredConfig) -> None:
        super().__init__()
        if not config.embedding.spectrum_dim:
            raise ValueError("the structured processor needs an effect embedding with a spectrum code")
        self.config = config
        self.size = config.points + config.mid_bands + 2 * config.side_bands + 14 + config.embedding.fx_dim
        to_points = interpolation_matrix(log_frequencies(config.mid_bands), log_frequencies(config.points))
        self.register_buffer("to_points", to_points, persistent=False)

    @torch.no_grad()
    def measure(self, dry: Tensor, image: Tensor | None = None) -> Measured:
        """Measure dry tracks [b, 1, n], and the stereo tracks [b, 2, n] that they are folded from."""
        config, power = self.config, mean_power(dry[:, 0])
        return Measured(
            loud_level(dry),
            bands_of_power_db(power, config.mid_bands),
            bands_of_power_db(power, config.points),
            torch.cat([crest_factor_db(dry), log_spread_db(dry)], dim=-1),
            None if image is None else side_bands_db(image, config.side_bands),
        )

    def forward(self, track: Measured, z: Tensor) -> Condition:
        config = self.config
        fx, _, dynamics = split_parts(config.embedding, z)
        mid, side = self.wanted_bands_db(z)
        bands, points, own = track.bands_db, track.points_db, track.dynamics_db
        wanted = decode_dynamics(dynamics)
        # What was done shows in differences: squashed peaks against the track's own, width against that of panning.
        squashed_db = wanted[:, 2:6] - own.repeat_interleave(2, dim=-1)
        widened = (side - panned_side_db(wanted[:, 7:])) / 15
        parts = [
            (points + 30) / 20,
            (mid + 25) / 20,
            (side + 20) / 15,
            widened.clamp(-3, 4),
            standardise_dynamics(wanted).clamp(-4, 4),
            (squashed_db / 3).clamp(-4, 4),
            (own - own.new_tensor([16.0, -15.0])) / 8,
            F.normalize(fx, dim=-1) * config.embedding.fx_dim**0.5,
        ]
        difference_db = self.difference_db(mid, bands) @ self.to_points
        stereo = stereo_evidence(side, wanted[:, 7:], track.side_db)
        audible = torch.sigmoid((torch.maximum(mid, bands) - QUIETEST_BAND_DB) / 3)
        # The louder channel: a track that was panned far has too little of the other to measure.
        squashed_db = torch.where(wanted[:, 7:] > 0, squashed_db[:, 1::2], squashed_db[:, 0::2])
        change = torch.maximum(evidence_of_change(audible * (mid - bands), squashed_db), stereo)
        return Condition(torch.cat(parts, dim=-1), difference_db, stereo, change)

    def wanted_bands_db(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Mid [b, bands] and side [b, bands] in dB that z [b, dim] asks for, kept within what audio can have."""
        spectrum = split_parts(self.config.embedding, z).spectrum
        assert spectrum is not None  # seen to when this was built
        mid, side = decode_spectrum(spectrum)
        return mid.clamp(-70, 6), side.clamp(-60, 20)

    def difference_db(self, target: Tensor, have: Tensor) -> Tensor:
        """Target minus track per band; what the track hardly has is not raised, for that would be its noise."""
        difference = target - have
        present = torch.sigmoid((have - QUIETEST_BAND_DB) / 3)
        return torch.where(difference > 0, difference * present, difference)
