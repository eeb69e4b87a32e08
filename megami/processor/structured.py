"""The structured processor: an effect chain of differentiable signal processing, its knobs set by a small network.

The same interface as the paper's TCN (dry track and effect embedding in, wet stereo out), good after minutes on a CPU:
equaliser, compressor, drive, a second equaliser with a left-right difference, a room, echoes. A last equaliser listens
to the result: what its colour lacks of what the embedding says, it adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.spectrum import mid_bands_db
from megami.processor.conditioning import QUIETEST_BAND_DB, Condition, Conditioning, Measured, loud_level
from megami.processor.dynamics_layer import DynamicsLayer, DynamicsSettings
from megami.processor.filters import (
    BlockSpectra,
    CurveFilter,
    convolve,
    convolve_in_blocks,
    dead_zone,
    decay_window,
    remove_dc,
    soft_limit,
    without_silent_end,
)
from megami.processor.room import EchoTaps, RoomTail
from megami.processor.space import EarlyTaps, NoiseTail, join_kernels
from megami.processor.space_head import SpaceHead, SpaceKnobs
from megami.processor.structured_config import StructuredConfig

NOTHING_DB = 0.4  # corrections of the equalisers below this are the error of the estimate
LONGEST_BLOCK = 2**18  # samples that are convolved at once


@dataclass(frozen=True)
class StructuredSettings:
    """Everything that stays the same over a song, for each item of a batch."""

    pre_kernel: Tensor  # [b, 1, taps]
    dynamics: DynamicsSettings
    stereo_kernel: Tensor  # [b, 2, samples]
    colour_db: Tensor  # [b, bands] of the mid, as z wants them
    knobs: SpaceKnobs | None = None  # of reverb and echo, where the processor has such


def of_fold_and_image(audio: Tensor) -> tuple[Tensor, ...]:
    """A mono track alone [b, 1, n]; or it and the stereo track beside it, of [b, 3, n]."""
    return audio.split([1, 2], dim=1) if audio.shape[1] == 3 else (audio,)


class StructuredProcessor(nn.Module):
    """Render an effect embedding onto a dry track.

    forward: dry [b, 1, n], z [b, dim] -> wet [b, 2, n], as loud as the network likes: level and balance are set
    afterwards from z (`render_tracks`). `content` is accepted and not used. Any n > 0; silence stays silence.
    """

    dc_window: Tensor

    def __init__(self, config: StructuredConfig) -> None:
        super().__init__()
        self.config = config
        hidden, points, rate = config.hidden, config.points, config.sample_rate
        self.conditioning = Conditioning(config)
        layers = [nn.Linear(self.conditioning.size, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()]
        self.body = nn.Sequential(*layers)
        self.prior = nn.Parameter(torch.ones(points))
        self.curves = nn.Linear(hidden, 3 * points)  # correction, emphasis, post difference
        # Straight from the condition to the two curves common to both channels. Never to the difference: a mono target
        # would leak into the side.
        self.skip = nn.Linear(self.conditioning.size, 2 * points, bias=False)
        for layer in (self.curves, self.skip):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.curves.bias)
        self.filter = CurveFilter(points, config.fir_taps, rate)
        self.dynamics = DynamicsLayer(
            hidden, config.net_channels, config.net_blocks, config.net_kernel, config.hop, sample_rate=rate
        )
        self.early = EarlyTaps(hidden, config.early_taps, rate)
        self.tail: NoiseTail | RoomTail
        if config.echoes:
            self.tail = RoomTail(hidden, config.tail_s, config.tail_bands, rate)
            self.space = SpaceHead(config.embedding.dim)
            self.echoes = EchoTaps(config.tail_s, rate)
        else:
            self.tail = NoiseTail(hidden, config.tail_s, config.tail_bands, rate)
        self.register_buffer("dc_window", decay_window(config.fir_taps, sample_rate=rate), persistent=False)

    def measure(self, dry: Tensor, image: Tensor | None = None) -> Measured:
        """What `render` needs to know of a dry track [b, 1, n] that no z changes, to be measured once for all takes."""
        return self.conditioning.measure(dry, image)

    def settings(
        self, dry: Tensor, z: Tensor, image: Tensor | None = None, measured: Measured | None = None
    ) -> StructuredSettings:
        """Set every knob from the whole track and z; blocks of the track then share them.

        `image` [b, 2, n] is the stereo track that `dry` is folded from: it is widened only if z is wider than it.
        `measured`: what `measure` says of both, if that is known.
        """
        condition = self.conditioning(measured or self.measure(dry, image), z)
        hidden = self.body(condition.known)
        # dB per unit of the network: curves move in dB while weights move in hundredths.
        correction, emphasis, apart = (12 * self.curves(hidden)).unflatten(-1, (3, -1)).unbind(1)
        skips = (4 * self.skip(condition.known)).unflatten(-1, (2, -1)).unbind(1)
        # What the dynamics shall react to is raised before and lowered after them by the same curve, so that an
        # emphasis cancels where they do nothing; the colour of the track is changed by the correction alone.
        emphasis = condition.change * soft_limit(emphasis + skips[1], self.config.post_limit_db)
        correction = dead_zone(self.prior * condition.difference_db + correction + skips[0], NOTHING_DB)
        correction = condition.change * soft_limit(correction, self.config.pre_limit_db)
        pre, post = correction + emphasis, -emphasis
        apart = condition.stereo * soft_limit(dead_zone(apart, NOTHING_DB), self.config.post_limit_db) / 2
        kernels = self.filter(torch.stack([pre, post + apart, post - apart], dim=1))
        direct = torch.lerp(kernels[:, 1:], remove_dc(kernels[:, 1:], self.dc_window), condition.change[..., None])
        early = self.early(hidden, condition.stereo)
        if isinstance(self.tail, NoiseTail):
            direct = convolve(F.pad(direct, (0, early.shape[-1])), early)
            closed = not torch.is_grad_enabled() and not bool(condition.stereo.any())
            tail = direct.new_zeros(1, 2, 1) if closed else condition.stereo[..., None] * self.tail(hidden)
            stereo, knobs = join_kernels(direct, tail), None
        else:
            # In training what lies beyond the end of a crop is not computed; the kernels that are kept are whole.
            stereo, knobs = self._with_space(
                direct, early, z, hidden, condition, dry.shape[-1] if self.training else None
            )
        colour_db, _ = self.conditioning.wanted_bands_db(z)
        dynamics = self.dynamics.settings(hidden, condition.change)
        return StructuredSettings(kernels[:, :1], dynamics, stereo, colour_db, knobs)

    def space_knobs(self, z: Tensor) -> SpaceKnobs:
        """What reverb and echo z [b, dim] asks for; only a processor with `echoes` can say."""
        return self.space(z * self.config.embedding.dim**0.5)

    def _with_space(
        self, direct: Tensor, early: Tensor, z: Tensor, hidden: Tensor, condition: Condition, samples: int | None
    ) -> tuple[Tensor, SpaceKnobs]:
        """The kernel of direct sound, room and echoes [b, 2, k], and the knobs of the latter two.

        The room hears the last equaliser as the direct sound does: an emphasis has to cancel in both, or the level of
        the room would hang on it.
        """
        assert isinstance(self.tail, RoomTail)
        knobs = self.space_knobs(z)
        room = join_kernels(early, condition.stereo[..., None] * self.tail(knobs, hidden, samples))
        kernel = convolve_in_blocks(F.pad(room, (0, direct.shape[-1])), direct, LONGEST_BLOCK)
        return join_kernels(kernel, self.echoes(knobs, condition.change, kernel, samples)), knobs

    def forward(self, dry: Tensor, z: Tensor, content: Tensor | None = None) -> Tensor:
        return self.apply_settings(dry, self.settings(dry, z))

    def apply_settings(self, dry: Tensor, settings: StructuredSettings) -> Tensor:
        """Render a dry track with knobs that are set already, filter by filter: [b, 1, n] -> [b, 2, n]."""
        equalised = convolve(dry, settings.pre_kernel)
        shaped = self.dynamics(equalised / loud_level(equalised), settings.dynamics) * loud_level(dry)
        wet = convolve(shaped, settings.stereo_kernel)
        if not self.config.trim_limit_db:
            return wet
        return convolve(wet, self._trim_kernel(wet, settings.colour_db))

    @torch.no_grad()
    def render(
        self,
        dry: Tensor,
        z: Tensor,
        content: Tensor | None = None,
        block: int = LONGEST_BLOCK,
        measured: Measured | None = None,
    ) -> Tensor:
        """`forward` for long tracks, and quicker: convolutions in blocks of `block` samples, merged where they can be.

        `measured`: what `measure` says of the track, if that is known.
        """
        return self._render(dry, None, z, block, measured)[0]

    @torch.no_grad()
    def render_image(
        self,
        dry: Tensor,
        image: Tensor,
        z: Tensor,
        content: Tensor | None = None,
        block: int = LONGEST_BLOCK,
        measured: Measured | None = None,
    ) -> tuple[Tensor, Tensor]:
        """`render`, and the same done to the stereo track [b, 2, n] that `dry` is folded from: two times [b, 2, n].

        Every knob, the gain of the dynamics and the last equaliser are those of `dry`. Left is what left would become
        in the place of `dry`, right likewise.
        """
        wet, wet_image = self._render(dry, image, z, block, measured)
        assert wet_image is not None
        return wet, wet_image

    def _render(
        self, dry: Tensor, image: Tensor | None, z: Tensor, block: int, measured: Measured | None
    ) -> tuple[Tensor, Tensor | None]:
        """The wet track, and what becomes of its image where there is one."""
        measured = measured or self.measure(dry, image)
        settings = self.settings(dry, z, image, measured)
        played = dry if image is None else torch.cat([dry, image], dim=1)
        equalised = convolve_in_blocks(played, settings.pre_kernel, block)
        del played
        equalised /= loud_level(equalised[:, :1])
        shaped = self.dynamics(equalised[:, :1], settings.dynamics, None if image is None else equalised)
        del equalised
        kernel = without_silent_end(settings.stereo_kernel) * measured.level
        trim_taps = self.config.fir_taps if self.config.trim_limit_db else 1
        blocks = [BlockSpectra(part, kernel.shape[-1] + trim_taps - 1, block) for part in of_fold_and_image(shaped)]
        del shaped
        response = blocks[0].response(kernel)
        if self.config.trim_limit_db:
            # The last equaliser hears the mid, and is then merged into the kernel: one way back for each channel.
            mid = blocks[0].filtered(response.mean(dim=1, keepdim=True))
            response = response * blocks[0].response(self._trim_kernel(mid, settings.colour_db))
            del mid
        wet, *wet_image = (part.filtered(response) for part in blocks)
        return wet, wet_image[0] if wet_image else None

    def _trim_kernel(self, wet: Tensor, colour_db: Tensor) -> Tensor:
        """What brings the bands of the mid to those wanted, for both channels alike: wet [b, 2, n] -> [b, 1, taps].

        Of the mid alone [b, 1, n] the same.

        What the parts before leave of the colour is measured here, not foreseen; bands that hardly sound stay as they
        are. The gains carry no gradient.
        """
        with torch.no_grad():
            have = mid_bands_db(wet, self.config.mid_bands)
            heard = torch.sigmoid((have - QUIETEST_BAND_DB) / 3)
            missing = dead_zone((colour_db - have) * heard, NOTHING_DB / 2)
            gains = soft_limit(missing, self.config.trim_limit_db) @ self.conditioning.to_points
            return self.filter(gains[:, None])
