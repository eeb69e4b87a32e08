"""Where the published inference does something that the paper does not say, and what we do instead.

Every choice is a field; the defaults are ours, `PUBLISHED` is what the released code does. The book's appendix "The
paper, the published code and this book" goes through them one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from megami.errors import UserError
from megami.generator import Denoiser
from megami.processor import BlockPass, FilmTCN, FxNorm
from megami.weights import GeneratorConfig, Networks, with_config

CHOICES = {
    "statistics": ("running", "track"),
    "fxnorm_division": ("track", "batch"),
    "seams": ("none", "repaired", "published"),
    "level": ("song", "block"),
    "content_segment": ("common", "own"),
    "content_window": ("loudest", "random"),
    "track_numbers": ("drawn", "in order"),
    "extra_tracks": ("wrap", "zeros"),
}


@dataclass(frozen=True)
class Behaviour:
    """How to mix where the paper leaves it open. Raises UserError for unknown or contradictory choices."""

    # BatchNorm of the effect processor: "running" statistics of its training; "track": of the very track and block
    # that it processes, as happens when it is left in training mode.
    statistics: str = "running"
    # Songs of one block (11.9 s) or less: normalise them as all others, or send them in as they are.
    fxnorm_short: bool = True
    # FxNorm divides each "track" by its own peak, or all tracks of a block by their common maximum ("batch").
    fxnorm_division: str = "track"
    # "none": the song is rendered in one piece. Else blocks of 11.9 s, cross-faded as intended ("repaired") or with the
    # released code's defect at the song's edges and wherever one track plays alone ("published").
    seams: str = "none"
    # The generated level of a track is set once for the "song", or anew in every "block".
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

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise UserError(f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if not 0 <= self.content_noise < 1:
            raise UserError(f"content_noise must be from 0 to 1, not {self.content_noise}")
        if self.seams == "none" and (self.statistics == "track" or self.level == "block"):
            raise UserError("statistics 'track' and level 'block' belong to blocks: choose seams repaired or published")

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


OURS = Behaviour()
PUBLISHED = Behaviour(
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
)
COMPAT = {"ours": OURS, "published": PUBLISHED}


def behaviour_named(name: str) -> Behaviour:
    """Give the behaviour of that name: "ours" or "published". Raises UserError for another name."""
    if name not in COMPAT:
        raise UserError(f"unknown compat {name!r}: choose from {', '.join(COMPAT)}")
    return COMPAT[name]


def behaving(networks: Networks, behaviour: Behaviour) -> Networks:
    """Give networks with the same weights that behave so; those passed in are not changed.

    Raises UserError where the choices are about a part that these weights do not have.
    """
    if behaviour == OURS:
        return networks
    if not isinstance(networks.processor, FilmTCN):
        raise UserError("the published behaviour is that of the convolutional processor: use --weights paper")
    return replace(
        networks,
        processor=_processor(networks.processor, behaviour),
        fxnorm=_fxnorm(networks.fxnorm, behaviour),
        generator=_generator(networks.generator, behaviour),
    )


def _processor(network: FilmTCN, behaviour: Behaviour) -> FilmTCN:
    return with_config(network, replace(network.config, own_statistics=behaviour.statistics == "track"))


def _fxnorm(fxnorm: FxNorm | None, behaviour: Behaviour) -> FxNorm | None:
    if fxnorm is None:
        return None
    return with_config(fxnorm, replace(fxnorm.config, shared_division=behaviour.fxnorm_division == "batch"))


def _generator(denoiser: Denoiser, behaviour: Behaviour) -> Denoiser:
    transformer = replace(denoiser.network.config, extra_tracks=behaviour.extra_tracks)
    return with_config(denoiser, GeneratorConfig(transformer, denoiser.config))
