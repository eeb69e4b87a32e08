"""What a wish can be about: quantities that are read from a plan, in decibels, differentiable.

A plan says how loud each channel of each track is, how wide it is, and (with a spectrum code) how loud each of its
bands is. All of it is said of the track as it sounds in the mix, before the mix is brought to its loudness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from megami.embeddings import EmbeddingConfig, decode, renormalise
from megami.embeddings.spectrum import MID_BANDS, SIDE_BANDS, SIDE_RANGE_DB
from megami.processor import EffectProcessor, SpaceKnobs, StructuredProcessor
from megami.processor.filters import interpolation_matrix, log_frequencies
from megami.processor.panorama import panned_side_db, stereo_evidence
from megami.processor.render import plausible_level_db

NARROWEST, WIDEST = 1e-5, 10.0  # side over mid in energy: what is called mono here (-50 dB), and the most there is
QUIETEST_HEARD_DB = -45.0  # of a band, against the whole track: below, its width is not heard
LOUDEST_BAND_DB = 6.0  # as the processor takes it
ANY = float("inf")


@dataclass(frozen=True, eq=False)
class Said:
    """What a plan says of its tracks. Bands are None without a spectrum code, knobs where nothing sets a reverb."""

    asked_db: Tensor  # [tracks, 2]: level of left and right, loudest 400 ms, as the dynamics code says it
    level_db: Tensor  # [tracks, 2]: the same, as it will be rendered
    imbalance: Tensor  # [tracks]: -1 (left) to 1 (right), in energy
    width: Tensor  # [tracks]: side over mid in energy, as the dynamics code says it
    mid_db: Tensor | None = None  # [tracks, 24]: share of each band in the mid
    side_db: Tensor | None = None  # [tracks, 8]: side over mid in each band
    knobs: SpaceKnobs | None = None

    @property
    def power(self) -> Tensor:
        """Power of each track: [tracks]."""
        return (10 ** (self.level_db / 10)).sum(-1)

    @property
    def energy_ratio(self) -> Tensor:
        """Side over mid in energy, over all bands: [tracks]; what is rendered follows the bands where there are any."""
        if self.mid_db is None or self.side_db is None:
            return self.width.clamp_min(NARROWEST)
        mid = 10 ** (self.mid_db / 10)
        return ((mid * 10 ** (self.fine_side_db / 10)).sum(-1) / mid.sum(-1)).clamp_min(NARROWEST)

    @property
    def fine_side_db(self) -> Tensor:
        """The side bands at the places of the mid bands: [tracks, 24]."""
        assert self.side_db is not None
        return finer_side_db(self.side_db)


def finer_side_db(side_db: Tensor) -> Tensor:
    """Side bands [..., 8] at the places of the mid bands: [..., 24]."""
    return side_db @ interpolation_matrix(log_frequencies(SIDE_BANDS), log_frequencies(MID_BANDS)).to(side_db)


def read_plan(z: Tensor, embedding: EmbeddingConfig, processor: EffectProcessor | None = None) -> Said:
    """Read the plan z [tracks, dim] of a song; `processor` may know how a plan sets a reverb."""
    said = decode(embedding, z)
    knobs = None
    if has_reverb(processor):
        assert isinstance(processor, StructuredProcessor)
        knobs = processor.space_knobs(renormalise(embedding, z).to(next(processor.parameters())))
    bands: dict[str, Tensor] = {}
    if embedding.spectrum_dim:
        # No floor: what lies at it has to be able to rise.
        bands["mid_db"] = said["mid_bands_db"].clamp_max(LOUDEST_BAND_DB)
        bands["side_db"] = said["side_bands_db"].clamp_max(SIDE_RANGE_DB[1])
    level = plausible_level_db(embedding, z)
    return Said(said["level_db"], level, said["imbalance"], said["width"], knobs=knobs, **bands)


def has_reverb(processor: EffectProcessor | None) -> bool:
    """Whether a processor sets its reverb by a knob that can be read from a plan."""
    return isinstance(processor, StructuredProcessor) and processor.config.echoes


@dataclass(frozen=True, eq=False)
class Aim:
    """Numbers of a plan that shall lie between bounds: `of` gives [k], `low` and `high` are [k]."""

    of: Callable[[Said], Tensor]
    low: Tensor
    high: Tensor


def decibels(power: Tensor) -> Tensor:
    """10 log10, of what is above 0."""
    return 10 * torch.log10(power)


def level(said: Said, track: int) -> Tensor:
    """Power of a track over that of all others together, each in its loudest 400 ms, in dB."""
    rest = torch.cat([said.power[:track], said.power[track + 1 :]])
    return decibels(said.power[track]) - decibels(rest.sum())


def pan(said: Said, track: int) -> Tensor:
    """Level of right minus level of left in dB: 0 in the middle, negative to the left."""
    return said.level_db[track, 1] - said.level_db[track, 0]


def width(said: Said, track: int) -> Tensor:
    """Side over mid in dB, averaged over the bands in which the track sounds: 0 for unrelated channels, -50 for mono.

    Without a spectrum code that of all energy, which mostly is that of the lowest notes.
    """
    if said.mid_db is None:
        return decibels(said.energy_ratio[track])
    return where_it_sounds(said.fine_side_db[track], said.mid_db[track])


def brightness(said: Said, track: int) -> Tensor:
    """Mean level of the upper twelve bands minus that of the lower twelve in dB; 735 Hz parts them."""
    assert said.mid_db is not None  # seen to where the wish is read
    return tilt(said.mid_db[track])


def reverb(said: Said, track: int) -> Tensor:
    """Energy of the reverb over the direct sound in dB, as its knob says."""
    assert said.knobs is not None
    return said.knobs.reverb_db[track].to(said.level_db)


def mix_bands(said: Said) -> tuple[Tensor, Tensor]:
    """Bands of all tracks together, as if no two were related: mid [24] in dB of all, and side over mid [24] in dB."""
    assert said.mid_db is not None
    mid = said.power / (1 + said.energy_ratio)
    bands = mid[:, None] * 10 ** (said.mid_db / 10)
    together = decibels(bands.sum(0))
    side = decibels((bands * 10 ** (said.fine_side_db / 10)).sum(0)) - together
    return together - decibels(bands.sum()), side


def mix_width(said: Said) -> Tensor:
    """The width of all tracks together in dB, as `width`, as if no two tracks were related."""
    if said.mid_db is None:
        mid = said.power / (1 + said.energy_ratio)
        return decibels((mid * said.energy_ratio).sum()) - decibels(mid.sum())
    bands_db, side_db = mix_bands(said)
    return where_it_sounds(side_db, bands_db)


def mix_brightness(said: Said) -> Tensor:
    """The tilt of all tracks' mids together in dB, as `brightness`, as if no two tracks were related."""
    return tilt(mix_bands(said)[0])


def where_it_sounds(values: Tensor, bands_db: Tensor) -> Tensor:
    """Mean of a value per band [24] over the bands whose level [24], in dB of all, is not too low to be heard."""
    heard = torch.sigmoid((bands_db.detach() - QUIETEST_HEARD_DB) / 3)
    return (values * heard).sum() / heard.sum()


def tilt(bands_db: Tensor) -> Tensor:
    """Mean of the upper half of bands [..., bands] minus that of the lower half."""
    lower, upper = bands_db.chunk(2, dim=-1)
    return upper.mean(-1) - lower.mean(-1)


def pan_aims(said: Said, track: int, low: float, high: float) -> list[Aim]:
    """What a pan needs: the two levels, the imbalance that goes with them, and a side that panning makes.

    A track that is no wider than its pan made it keeps no width when it is moved; one that is wider may keep more.
    """
    bounds = said.asked_db.new_tensor([[low], [high]])
    right = 10 ** (bounds / 10)
    leaning = (right - 1) / (right + 1)  # energy of right minus left over their sum
    aims = [
        Aim(lambda said: said.asked_db[track, 1:] - said.asked_db[track, :1], *bounds),
        Aim(lambda said: said.imbalance[track : track + 1], *leaning),
    ]
    if said.side_db is None:
        return aims
    made = panned_side_db(leaning.abs().amax()).expand(SIDE_BANDS)
    is_wide = float(stereo_evidence(said.side_db[track : track + 1], said.imbalance[track : track + 1, None])) > 0.5
    most = torch.full_like(made, ANY) if is_wide else made + 1.0
    return [*aims, Aim(lambda said: _of_track(said.side_db, track), made, most)]


def width_aims(said: Said, track: int, low: float, high: float) -> list[Aim]:
    """Both places where a plan says how wide a track is: the side bands, and in like measure the dynamics code."""
    bounds = said.level_db.new_tensor([[low], [high]])
    if said.side_db is None:
        return [Aim(lambda said: said.width[track : track + 1], *10 ** (bounds / 10))]
    now, energy = width(said, track).detach(), said.width[track].detach().clamp(NARROWEST, WIDEST)
    wanted = (energy * 10 ** ((bounds - now) / 10)).clamp_max(WIDEST)
    return [
        Aim(lambda said: width(said, track)[None], *bounds),
        Aim(lambda said: said.width[track : track + 1], *wanted),
    ]


def reverb_aims(said: Said, track: int, low: float, high: float) -> list[Aim]:
    """The knob, and a gate that is surely open."""
    bounds = said.level_db.new_tensor([[low], [high]])
    gate = bounds.new_tensor([[1.0], [ANY]])

    def logit(said: Said) -> Tensor:
        assert said.knobs is not None
        return said.knobs.reverb[track : track + 1].to(bounds)

    return [Aim(lambda said: reverb(said, track)[None], *bounds), Aim(logit, *gate)]


def _of_track(values: Tensor | None, track: int) -> Tensor:
    assert values is not None
    return values[track]
