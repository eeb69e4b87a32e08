"""Data sets that the `mirdata` package knows and that serve here: GuitarSet (dry guitars) and Slakh (rendered stems).

mirdata (mirdata.readthedocs.io; Bittner et al., ISMIR 2019) is imported only when one of them is asked for. It needs
its index of the data set, which `mirdata.initialize(NAME, data_home=FOLDER).download(["index"])` gets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from megami.corpus.recordings.songs import ListedRecordings, RecordedSong, TrackFile, unique_names
from megami.errors import UserError

PREFIX = "mirdata:"


def read_mirdata(root: Path, name: str) -> ListedRecordings:
    """List the songs of a data set that mirdata knows. Raises UserError without mirdata, its index, or for others."""
    if name not in READERS:
        raise UserError(f"no layout {PREFIX}{name}: of mirdata's data sets {', '.join(READERS)} are read")
    try:
        import mirdata
    except ImportError:
        raise UserError(f"{PREFIX}{name} takes the mirdata package: pip install mirdata") from None
    try:
        songs = READERS[name](mirdata.initialize(name, data_home=str(root)))
    except (OSError, KeyError, ValueError) as error:
        raise UserError(
            f"{root}: mirdata cannot read {name} there ({' '.join(str(error).split())}): "
            f"see that its index is there, mirdata.initialize({name!r}).download(['index'])"
        ) from None
    return ListedRecordings(name, tuple(sorted(songs, key=lambda song: song.name)))


def _guitarset(dataset: Any) -> list[RecordedSong]:
    """Each excerpt by its microphone, which is dry; the player is the artist."""
    songs = []
    for name, track in dataset.load_tracks().items():
        path = Path(track.audio_mic_path)
        there = path.exists()
        songs.append(
            RecordedSong(
                dataset="guitarset",
                name=str(name),
                dry=(TrackFile(path, "guitar", "acoustic guitar"),) if there else (),
                wet=(),
                mix=None,
                paired=False,
                artist=f"player {track.player_id}",
                genre=str(track.style),
                missing=() if there else (path,),
            )
        )
    return songs


def _slakh(dataset: Any) -> list[RecordedSong]:
    """Each song's stems, as its instruments were rendered, without the songs that the published split omits."""
    songs = []
    for name, song in dataset.load_multitracks().items():
        if song.split == "omitted":
            continue
        tracks = [track for track in song.tracks.values() if track.audio_path]
        files = [Path(track.audio_path) for track in tracks]
        labels = [str(track.instrument or "") for track in tracks]
        names = unique_names([label or path.stem for label, path in zip(labels, files, strict=True)])
        stems = [TrackFile(*said) for said in zip(files, names, labels, strict=True)]
        mix = Path(song.mix_path)
        songs.append(
            RecordedSong(
                dataset="slakh",
                name=str(name),
                dry=(),
                wet=tuple(stem for stem in stems if stem.path.exists()),
                mix=mix if mix.exists() else None,
                paired=False,
                missing=tuple(path for path in (*files, mix) if not path.exists()),
                published_split=song.split or "",
            )
        )
    return songs


READERS = {"guitarset": _guitarset, "slakh": _slakh}
