"""What the structured processor did to one track, in numbers: curves, gain over time, drive, room.

It is watched at work, so the numbers are those that were heard. Watching needs no line in the processor itself, by
whose code cached renderings are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.spectrum import bands_of_power_db, mean_power
from megami.processor.conditioning import loud_level
from megami.processor.dynamics_layer import DynamicsSettings
from megami.processor.filters import convolve, hard_gate, log_frequencies
from megami.processor.render import SHORTEST_SECONDS
from megami.processor.room import SURE, UNSURE
from megami.processor.space_head import SpaceKnobs, likeliest_time
from megami.processor.structured import StructuredProcessor

ECHO_HEARD = 1e-3  # amplitude of the first echo, over the direct sound: below, there is none


@dataclass(frozen=True)
class Echo:
    """A train of echoes: the time between them, the first one's level over the direct sound, each one's share."""

    time_s: float
    level_db: float
    feedback: float


@dataclass(frozen=True)
class ChainReadout:
    """One track's chain: equaliser, then dynamics and drive, then what is stereo, then a last equaliser.

    hz, colour_db, have_db [points]: the curve that both channels share, before, between and after the other parts, and
    how the dry track's own power lies over the same frequencies. peak_db, gain_db [frames] of `hop` samples: the peak
    of the coloured track in dB of full scale, and the gain that the dynamics gave. space [2, samples]: the impulse
    response of early reflections, reverberation, echoes and the difference between left and right; 1 at first where
    there is none of it. loud_level: amplitude of the coloured track's loud parts, to which the knobs of `dynamics`
    refer.
    """

    hz: Tensor
    colour_db: Tensor
    have_db: Tensor
    peak_db: Tensor
    gain_db: Tensor
    hop: int
    loud_level: float
    dynamics: DynamicsSettings
    space: Tensor
    echo: Echo | None
    sample_rate: int


@torch.no_grad()
def read_chain(processor: StructuredProcessor, dry: Tensor, z: Tensor, image: Tensor | None = None) -> ChainReadout:
    """Render dry [1, 1, n] with z [1, dim] and say what was done; `image` [1, 2, n] is the stereo track it was.

    What the parts do is decided from the whole track, so nothing shorter can be asked. What comes back is on the CPU.
    """
    missing = max(0, int(SHORTEST_SECONDS * processor.config.sample_rate) - dry.shape[-1])
    dry, image = F.pad(dry, (0, missing)), None if image is None else F.pad(image, (0, missing))
    with watched(processor.filter) as curves, watched(processor.dynamics) as dynamics:
        settings = processor.settings(dry, z, image)
        processor.apply_settings(dry, settings)
    pre, left, right = curves[0].given[0][0]
    colour = pre + (left + right) / 2
    if len(curves) > 1:
        colour = colour + curves[1].given[0][0, 0]
    coloured = convolve(dry, processor.filter(colour[None, None]))
    hop = processor.dynamics.hop
    space = settings.stereo_kernel
    inverse = processor.filter(-(left + right)[None, None] / 2)
    space = convolve(F.pad(space, (0, processor.config.fir_taps)), inverse)
    return ChainReadout(
        hz=log_frequencies(processor.config.points),
        colour_db=colour.cpu(),
        have_db=bands_of_power_db(mean_power(dry[:, 0]), processor.config.points)[0].cpu(),
        peak_db=frame_peaks_db(coloured, hop).cpu(),
        gain_db=processor.dynamics.gain_db(dynamics[0].given[0], settings.dynamics)[0].cpu(),
        hop=hop,
        loud_level=float(loud_level(coloured)),
        dynamics=settings.dynamics,
        space=space[0].cpu(),
        echo=None if settings.knobs is None else read_echo(settings.knobs, float(settings.dynamics.amount)),
        sample_rate=processor.config.sample_rate,
    )


def frame_peaks_db(audio: Tensor, hop: int) -> Tensor:
    """Largest sample of each frame in dB of full scale: [1, channels, n] -> [ceil(n / hop)]."""
    frames = F.pad(audio.abs().amax(1), (0, -audio.shape[-1] % hop)).unflatten(-1, (-1, hop))
    return 20 * torch.log10(frames.amax(-1)[0] + 1e-6)


def read_echo(knobs: SpaceKnobs, share: float) -> Echo | None:
    """The echo that `EchoTaps` makes of these knobs; None where it is not heard."""
    time_s, certainty = likeliest_time(knobs.time)
    known = ((certainty - UNSURE) / (SURE - UNSURE)).clamp(0, 1)
    amplitude = float(share * hard_gate(knobs.echo) * known) * 10 ** (float(knobs.echo_db) / 20)
    if amplitude < ECHO_HEARD:
        return None
    return Echo(float(time_s), float(20 * torch.log10(torch.tensor(amplitude))), float(knobs.feedback))


@dataclass(frozen=True)
class Call:
    """What a part of a network was given, and what it made of it."""

    given: tuple[Any, ...]
    made: Any


@contextmanager
def watched(part: nn.Module) -> Iterator[list[Call]]:
    """Give a list that fills with the calls of `part` while the block lasts."""
    calls: list[Call] = []
    handle = part.register_forward_hook(lambda module, given, made: calls.append(Call(given, made)))
    try:
        yield calls
    finally:
        handle.remove()
