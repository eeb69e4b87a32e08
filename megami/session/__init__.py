"""Room `session`: a mix as settings that people read, and as sessions that other programs open."""

from __future__ import annotations

from megami.session.bands import Band, fit_bands
from megami.session.build import MixedTrack, read_session, take_of, write_session
from megami.session.channel import ChannelStrip, estimated_strip, read_strip, silent_strip
from megami.session.gain_fit import fit_compressor
from megami.session.session import Channel, Session, Take, TrackPair
from megami.session.settings import (
    CompressorSettings,
    DriveSettings,
    EchoSettings,
    EqualiserSettings,
    ReverbSettings,
    TrackSettings,
)

__all__ = [
    "Band",
    "Channel",
    "ChannelStrip",
    "CompressorSettings",
    "DriveSettings",
    "EchoSettings",
    "EqualiserSettings",
    "MixedTrack",
    "ReverbSettings",
    "Session",
    "Take",
    "TrackPair",
    "TrackSettings",
    "estimated_strip",
    "fit_bands",
    "fit_compressor",
    "read_session",
    "read_strip",
    "silent_strip",
    "take_of",
    "write_session",
]
