"""Room `audio`: multitracks, files, resampling, levels, loudness, mastering and segments."""

from megami.audio.constant_offset import without_offset
from megami.audio.files import read_audio, write_audio
from megami.audio.folding import cancelling_tracks, fold_to_mono, has_image
from megami.audio.kinds import AUDIO_SUFFIXES
from megami.audio.large import kept_large, large_zeros
from megami.audio.level import (
    SILENT_DB,
    bring_to_rms,
    db_to_gain,
    framed_level_db,
    framed_power,
    level_db,
    normalise_level,
    normalising_gain,
)
from megami.audio.loudness import gated_loudness, integrated_loudness, true_peak_db
from megami.audio.mastering import Mastered, master, master_and_measure, master_with_gain
from megami.audio.multitrack import Multitrack
from megami.audio.rate import SAMPLE_RATE
from megami.audio.reading import read_multitrack
from megami.audio.resampling import resample
from megami.audio.scale import within_scale
from megami.audio.segments import block_starts, fade_edges, loudest_segment
from megami.audio.song_files import SongFiles, find_song

__all__ = [
    "AUDIO_SUFFIXES",
    "SAMPLE_RATE",
    "SILENT_DB",
    "Mastered",
    "Multitrack",
    "SongFiles",
    "block_starts",
    "bring_to_rms",
    "cancelling_tracks",
    "db_to_gain",
    "fade_edges",
    "find_song",
    "fold_to_mono",
    "framed_level_db",
    "framed_power",
    "gated_loudness",
    "has_image",
    "integrated_loudness",
    "kept_large",
    "large_zeros",
    "level_db",
    "loudest_segment",
    "master",
    "master_and_measure",
    "master_with_gain",
    "normalise_level",
    "normalising_gain",
    "read_audio",
    "read_multitrack",
    "resample",
    "true_peak_db",
    "within_scale",
    "without_offset",
    "write_audio",
]
