"""Where the published inference does something that the paper does not say, and what we do instead.

Every choice is a field; the defaults are ours, `PUBLISHED` is what the released code does. The book's appendices A
and B on the published code go through them one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from megami.adaptation import ClapEncoder
from megami.errors import UserError
from megami.generator import Denoiser
from megami.mixing.pretrained import Networks
from megami.presets import network_config, with_config
from megami.processor import BlockPass, FilmTCN, FxNorm

CHOICES = {
    "statistics": ("running", "track"),
    "fxnorm_division": ("track", "batch"),
    "seams": ("none", "repaired", "published"),
    "level": ("song", "block"),
    "content_segment": ("common", "own"),
    "content_window": ("loudest", "random"),
    "track_numbers": ("drawn", "in order"),
    "extra_tracks": ("wrap", "zeros"),
    "stems": ("stereo", "mono"),
}


@dataclass(frozen=True)
class Compat:
    """How to mix where the paper leaves it open. Raises UserError for unknown or contradictory choices."""

    # BatchNorm of the effect processor: "running" statistics of its training; "track": of the very track and block
    # that it processes, as happens when it is left in training mode.
    statistics: str = "running"
    # Songs of one block (11.9 s) or less: normalise them as all others, or send them in as they are.
    fxnorm_short: bool = True
    # FxNorm divides each "track" by its own peak, or all tracks of a block by their common maximum ("batch").
    fxnorm_division: str = "track"
    # "none": the song is rendered in one piece. Else blocks of 11.9 s, cross-faded as intended ("repaired") or with the
    # released code's defect at the song's edges and wherever one track plays alone ("published"). With blocks come
    # FxNorm in each of them, and silence for tracks that stay below -45 dB in a block.
    seams: str = "none"
    # The generated level of a track is set once for the "song", and kept plausible; or anew in every "block", as it is.
    level: str = "song"
    # Noise on the content embedding, per dimension (published: 0.011, about a quarter of its norm).
    content_noise: float = 0.0
    # All tracks are heard over one "common" segment, the song's loudest, as in training; or each over its "own".
    content_segment: str = "common"
    # Of the 11.9 s segment CLAP hears the "loudest" 10 s, or a "random" 10 s.
    content_window: str = "loudest"
    # Networks that are told track numbers get them "drawn" from the seed, or "in order" of the files.
    track_numbers: str = "drawn"
    # Tracks beyond the last number (14): numbers are given again ("wrap"), or there is none ("zeros").
    extra_tracks: str = "wrap"
    # Stereo tracks keep their image ("stereo"), or are averaged to "mono" before anything else. Blocks are always mono.
    stems: str = "stereo"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if not isinstance(self.fxnorm_short, bool):
            raise UserError(f"fxnorm_short must be True or False, not {self.fxnorm_short!r}")
        if not 0 <= self.content_noise < 1:
            raise UserError(f"content_noise must be 0 or more and below 1, not {self.content_noise}")
        of_blocks = {"statistics": "track", "level": "block", "fxnorm_division": "batch"}
        for name, value in of_blocks.items():
            if self.seams == "none" and getattr(self, name) == value:
                raise UserError(f"{name} {value!r} belongs to blocks: choose seams repaired or published with it")

    @property
    def block_pass(self) -> BlockPass | None:
        """Settings of the rendering in blocks; None where the song is rendered in one piece."""
        if self.seams == "none":
            return None
        return BlockPass(
            fxnorm_short=self.fxnorm_short,
            published_seams=self.seams == "published",
            level_per_block=self.level == "block",
        )

    def differences(self) -> dict[str, object]:
        """Which fields differ from our defaults, with their values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


OURS = Compat()
PUBLISHED = Compat(
    statistics="track",
    fxnorm_short=False,
    fxnorm_division="batch",
    seams="published",
    level="block",
    content_noise=0.011,
    content_segment="own",
    content_window="random",
    track_numbers="in order",
    extra_tracks="zeros",
    stems="mono",
)
COMPAT = {"ours": OURS, "published": PUBLISHED}


def compat_named(name: str) -> Compat:
    """Give the choices of that name: "ours" or "published". Raises UserError for another name."""
    if name not in COMPAT:
        raise UserError(f"unknown compat {name!r}: choose from {', '.join(COMPAT)}")
    return COMPAT[name]


def with_compat(networks: Networks, compat: Compat) -> Networks:
    """Give networks with the same weights that behave so; those passed in are not changed.

    Raises UserError for a choice about a part that these weights do not have.
    """
    for field in compat.differences():
        part, there = part_of(field, networks)
        if not there:
            raise UserError(f"{field} is about {part}, which these weights do not have: it belongs to those of 'paper'")
    changes: dict[str, Any] = {}
    if isinstance(networks.processor, FilmTCN):
        changes["processor"] = _processor(networks.processor, compat)
    if networks.fxnorm is not None:
        changes["fxnorm"] = _fxnorm(networks.fxnorm, compat)
    if numbered(networks):
        changes["generator"] = _generator(networks.generator, compat)
    return networks if compat == OURS else replace(networks, **changes)


def part_of(field: str, networks: Networks) -> tuple[str, bool]:
    """Say which part of the system a choice is about, and whether these networks have it."""
    if field == "statistics":
        return "the convolutional processor", isinstance(networks.processor, FilmTCN)
    if field.startswith("fxnorm"):
        return "FxNorm", networks.fxnorm is not None
    if field in ("track_numbers", "extra_tracks"):
        return "track numbers", numbered(networks)
    if field == "content_window":
        return "CLAP", isinstance(networks.content_encoder, ClapEncoder)
    return "every system", True


def numbered(networks: Networks) -> bool:
    """True where the generator is told track numbers."""
    return networks.generator.network.config.track_ids != "none"


def _processor(network: FilmTCN, compat: Compat) -> FilmTCN:
    return with_config(network, replace(network.config, own_statistics=compat.statistics == "track"))


def _fxnorm(fxnorm: FxNorm, compat: Compat) -> FxNorm:
    return with_config(fxnorm, replace(fxnorm.config, shared_division=compat.fxnorm_division == "batch"))


def _generator(denoiser: Denoiser, compat: Compat) -> Denoiser:
    transformer = replace(denoiser.network.config, extra_tracks=compat.extra_tracks)
    return with_config(denoiser, replace(network_config(denoiser), transformer=transformer))
