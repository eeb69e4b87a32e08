"""One track of a mix as a channel: settings for people, devices for a session, and the same sound from both.

Read from the structured processor's own chain, or estimated from what went into and came out of a processor that has no
knobs (the TCN).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, resample
from megami.effects import Compressor
from megami.embeddings import stereo_width
from megami.embeddings.spectrum import bands_of_power_db, mean_power
from megami.processor.filters import log_frequencies
from megami.processor.readout import ChainReadout, frame_peaks_db
from megami.session.bands import BandFit, fit_bands
from megami.session.devices import (
    CompressorDevice,
    ConvolverDevice,
    Device,
    DriveDevice,
    EqualiserDevice,
    pan_of,
    play,
)
from megami.session.gain_fit import CompressorFit, fit_compressor
from megami.session.room_numbers import has_room, reverb_of, without_end
from megami.session.settings import (
    CompressorSettings,
    DriveSettings,
    EchoSettings,
    EqualiserSettings,
    ReverbSettings,
    TrackSettings,
)

HEARD_BAND_DB, SOFTNESS_DB = -45.0, 3.0  # bands of a track below this share of its power hardly count
LEAST_DRIVE = 0.01  # share by which saturation changes the peaks: below, there is none
PEAK_OVER_LOUD = 4.0
ESTIMATE_HOP = 441  # 10 ms: level in and out over shorter times says more of phases than of gain
ESTIMATE_POINTS = 40
UNKNOWN = ("drive", "reverb", "echo")
QUIETEST_GAIN_DB = -100.0
LARGEST_MAKEUP_DB = 24.0


@dataclass(frozen=True)
class ChannelStrip:
    """A track's settings, the devices that play them at `sample_rate`, and the fader and pan behind them."""

    settings: TrackSettings
    devices: tuple[Device, ...] = ()

    @property
    def volume(self) -> float:
        """The fader as an amplitude."""
        return float(10 ** (self.settings.gain_db / 20))


def read_strip(name: str, chain: ChainReadout, dry: Tensor, wet: Tensor, sample_rate: int) -> ChannelStrip:
    """The strip of a track that the structured processor rendered; dry [1 or 2, n], wet [2, n] at `sample_rate`."""
    bands = _bands(chain.hz, chain.colour_db, chain.have_db)
    knobs = chain.dynamics
    slope = float(knobs.slope * knobs.amount)
    own = Compressor(
        threshold_db=float(np.clip(float(knobs.threshold_db) + _db(chain.loud_level), -80, 0)),
        ratio=1 / (1 - min(slope, 0.95)),
        attack_ms=float(knobs.attack_ms),
        release_ms=float(knobs.release_ms),
    )
    frame_ms = 1000 * chain.hop / chain.sample_rate
    squeezed = fit_compressor(_array(chain.peak_db), _array(chain.gain_db), frame_ms, own)
    share, drive = float(knobs.drive_mix * knobs.amount), float(knobs.drive)
    bent = 1 - math.tanh(drive * PEAK_OVER_LOUD) / (drive * PEAK_OVER_LOUD)
    driven = DriveSettings(_db(drive / chain.loud_level), share) if share * bent > LEAST_DRIVE else None
    space = resample(chain.space, chain.sample_rate, sample_rate).double().numpy()
    if sample_rate != chain.sample_rate:
        space = space * (chain.sample_rate / sample_rate)  # samples are further apart, so fewer of them add up
    room = without_end(space) if has_room(space) else None
    reverb = None if room is None else reverb_of(room, sample_rate)
    echo = chain.echo and EchoSettings(1000 * chain.echo.time_s, chain.echo.level_db, chain.echo.feedback)
    known = _Known("read", bands, squeezed, driven, room, reverb, echo or None)
    return _built(name, known, dry, wet, sample_rate)


def estimated_strip(name: str, dry: Tensor, wet: Tensor, sample_rate: int) -> ChannelStrip:
    """An honest guess at the strip of a track of which only dry [1 or 2, n] and wet [2, n] are known.

    The equaliser is the ratio of the two spectra, the compressor what its gain over time looks like. Saturation and
    reverberation cannot be told from these; they are named as unknown.
    """
    before, after = (one.mean(0, keepdim=True)[None].float() for one in (dry, wet))
    powers = [mean_power(resample(one[0], sample_rate, SAMPLE_RATE)) for one in (before, after)]
    own, out = (bands_of_power_db(power, ESTIMATE_POINTS)[0] for power in powers)
    hz = log_frequencies(ESTIMATE_POINTS)
    bands = _bands(hz, out - own, own)
    hop = max(1, round(ESTIMATE_HOP * sample_rate / SAMPLE_RATE))
    coloured = torch.from_numpy(play((EqualiserDevice(bands.bands),), before[0].numpy(), sample_rate)[:1])[None].float()
    levels = [_levels_db(one, hop) for one in (coloured, after)]
    squeezed = fit_compressor(
        _array(frame_peaks_db(coloured, hop)), levels[1] - levels[0], 1000 * hop / sample_rate, None
    )
    return _built(name, _Known("estimated", bands, squeezed), dry, wet, sample_rate)


def silent_strip(name: str) -> ChannelStrip:
    """The strip of a track that was left out of the mix."""
    return ChannelStrip(TrackSettings(name, "silent", gain_db=QUIETEST_GAIN_DB))


@dataclass(frozen=True)
class _Known:
    """What is known of a strip before its make-up gain, fader and pan are set by what comes out."""

    source: str
    bands: BandFit
    squeezed: CompressorFit | None
    drive: DriveSettings | None = None
    room: np.ndarray | None = None
    reverb: ReverbSettings | None = None
    echo: EchoSettings | None = None


def _built(name: str, known: _Known, dry: Tensor, wet: Tensor, sample_rate: int) -> ChannelStrip:
    """Set the gains one after the other, each by what the devices before it make of the track."""
    audio, target = dry.double().numpy(), wet.double().numpy()
    devices: list[Device] = [EqualiserDevice(known.bands.bands)] if known.bands.bands else []
    audio = play(tuple(devices), audio, sample_rate)
    compressor = None
    if known.squeezed is not None:
        knobs = known.squeezed.compressor
        loud = _loud(audio)
        lost_db = _db(loud) - _db(_loud(CompressorDevice(knobs).apply(audio, sample_rate)))
        knobs = replace(knobs, makeup_db=min(lost_db, LARGEST_MAKEUP_DB))
        devices.append(CompressorDevice(knobs))
        audio = play((devices[-1],), audio, sample_rate)
        compressor = CompressorSettings(
            knobs.threshold_db,
            knobs.ratio,
            knobs.attack_ms,
            knobs.release_ms,
            knobs.makeup_db,
            known.squeezed.median_error_db,
        )
    rest: list[Device] = [] if known.drive is None else [DriveDevice(known.drive.gain_db, known.drive.mix)]
    if known.room is not None:
        rest.append(ConvolverDevice(known.room))
    audio = play(tuple(rest), audio, sample_rate)
    left, right = (_rms(one) / max(_rms(own), 1e-12) for one, own in zip(target, audio, strict=True))
    settings = TrackSettings(
        name=name,
        source="read" if known.source == "read" else "estimated",
        gain_db=max(_db(max(left, right)), QUIETEST_GAIN_DB),
        pan=pan_of(left, right),
        width=float(stereo_width(wet[None].float())),
        equaliser=EqualiserSettings(known.bands.bands, known.bands.median_error_db) if known.bands.bands else None,
        compressor=compressor,
        drive=known.drive,
        reverb=known.reverb,
        echo=known.echo,
        unknown=UNKNOWN if known.source == "estimated" else (),
    )
    return ChannelStrip(settings, (*devices, *rest))


def _bands(hz: Tensor, curve_db: Tensor, have_db: Tensor) -> BandFit:
    weight = torch.sigmoid((have_db - HEARD_BAND_DB) / SOFTNESS_DB)
    return fit_bands(_array(hz), _array(curve_db), _array(weight))


def _levels_db(audio: Tensor, hop: int) -> np.ndarray:
    """Level of each frame of [1, 1, n] in dB: [frames]."""
    padded = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % hop)).unflatten(-1, (-1, hop))
    return _array(10 * torch.log10(padded.square().mean(-1)[0, 0] + 1e-10))


def _loud(audio: np.ndarray) -> float:
    """Amplitude of the loud parts: the power-weighted mean of the power of frames of 23 ms."""
    whole = audio[0, : audio.shape[-1] // 1024 * 1024].reshape(-1, 1024) if audio.shape[-1] >= 1024 else audio[:1]
    power = np.square(whole).mean(-1) + 1e-12
    return float(np.sqrt(np.square(power).sum() / power.sum()))


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.square(audio).mean()))


def _db(amplitude: float) -> float:
    return 20 * math.log10(max(amplitude, 1e-9))


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().double().numpy()
