"""Room `audio`: multitracks, files, resampling, levels, loudness, mastering and segments."""

from megami.audio.files import AUDIO_SUFFIXES, read_audio, write_audio
from megami.audio.level import (
    SILENT_DB,
    bring_to_rms,
    db_to_gain,
    framed_level_db,
    framed_power,
    level_db,
    normalise_level,
)
from megami.audio.loudness import gated_loudness, integrated_loudness, true_peak_db
from megami.audio.mastering import master, master_with_gain
from megami.audio.multitrack import Multitrack
from megami.audio.rate import SAMPLE_RATE
from megami.audio.reading import audio_files, has_audio_files, read_multitrack
from megami.audio.resampling import resample
from megami.audio.segments import block_starts, fade_edges, loudest_segment

__all__ = [
    "AUDIO_SUFFIXES",
    "SAMPLE_RATE",
    "SILENT_DB",
    "Multitrack",
    "audio_files",
    "block_starts",
    "bring_to_rms",
    "db_to_gain",
    "fade_edges",
    "framed_level_db",
    "framed_power",
    "gated_loudness",
    "has_audio_files",
    "integrated_loudness",
    "level_db",
    "loudest_segment",
    "master",
    "master_with_gain",
    "normalise_level",
    "read_audio",
    "read_multitrack",
    "resample",
    "true_peak_db",
    "write_audio",
]
