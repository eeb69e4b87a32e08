"""A song made ready to be heard: at the networks' rate, within full scale, silent tracks put aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from megami.audio import (
    SAMPLE_RATE,
    SILENT_DB,
    Multitrack,
    cancelling_tracks,
    has_image,
    resample,
    within_scale,
    without_offset,
)
from megami.errors import UserError, warn_of_song
from megami.mixing.quiet_tracks import left_out, levels_db, noisy_tracks


@dataclass(frozen=True, eq=False)
class ReadySong:
    """A song and what the networks are shown of it.

    song is the whole, within full scale and without offsets (mono where its stems are averaged); heard holds its tracks
    that play, as the networks take them, and playing their numbers; levels_db are those of all dry tracks; noisy are
    the tracks that may be noise, as `noisy_tracks` gives them.
    """

    song: Multitrack
    heard: Multitrack
    playing: tuple[int, ...]
    levels_db: list[float]
    noisy: dict[int, float]

    @classmethod
    def of(cls, song: Multitrack, prepare: Callable[[Multitrack], Multitrack], mono_stems: bool = False) -> ReadySong:
        """Make a song ready by `prepare` (see `Mixer.prepared`). Warns (SongWarning) of what is odd about its tracks.

        Raises UserError if all tracks are silent.
        """
        song, too_loud = within_scale(song)
        song, offsets = without_offset(song)
        warn_of_song([*too_loud, *offsets])
        song = song.as_mono() if mono_stems else song
        prepared = prepare(song)
        levels = levels_db(prepared.audio)
        playing = [index for index, level in enumerate(levels) if level >= SILENT_DB]
        if not playing:
            raise UserError(f"all tracks are silent (below {SILENT_DB:g} dB): nothing to mix")
        warn_of_song(left_out(song.names, levels))
        noisy = noisy_tracks(prepared.audio, levels)
        heard = prepared if len(playing) == len(song.names) else prepared.select(playing)
        warn_of_song(cancelling_tracks(heard))
        return cls(song, heard, tuple(playing), levels, noisy)


def as_networks_take_it(song: Multitrack, keeps_image: bool) -> Multitrack:
    """The song at the networks' rate: mono where no track has an image, or none is to be kept.

    Else stereo; the channels of a track that has no image are then still the same, number for number.
    """
    song, _ = within_scale(song)
    song, _ = without_offset(song)
    keeps_image = keeps_image and any(has_image(track) for track in song.audio)
    if song.sample_rate == SAMPLE_RATE:
        return song if keeps_image or song.audio.shape[1] == 1 else replace(song, audio=song.mono())
    audio = resample(song.mono(), song.sample_rate, SAMPLE_RATE)
    if keeps_image:
        audio = audio.expand(-1, 2, -1).clone()
        for index, track in enumerate(song.audio):
            if has_image(track):
                audio[index] = resample(track, song.sample_rate, SAMPLE_RATE)
    return replace(song, audio=audio, sample_rate=SAMPLE_RATE)
