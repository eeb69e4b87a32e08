"""The player: compare several versions of a song by ear, in a notebook or in the built book."""

from __future__ import annotations

from collections.abc import Sequence

from megami.errors import UserError
from megami.notebook.recordings import Item, Recordings, loudness_words, recordings
from megami.notebook.stores import Store, store_here
from megami.notebook.widget import Widget, build_widget


def player(
    items: Sequence[Item],
    sample_rate: int,
    title: str = "",
    captions: Sequence[str] | None = None,
    match: bool = True,
    bitrate_kbps: int = 128,
) -> Widget:
    """Compare recordings by ear: switching keeps the place in the song, and all are played equally loud.

    items: (title, audio [channels, samples]) each, mono or stereo; shorter ones are padded with silence.
    captions: one line for each item. match: play all at one loudness; False keeps their balance (stems of one song).
    Works without a kernel, loads nothing from elsewhere. While the book is built, the sound is written into files
    beside the page, so that pages stay light. Raises UserError if there is nothing to play.
    """
    return build_player(recordings(items, sample_rate, match, bitrate_kbps), title, captions, match, store_here())


def build_player(
    sound: Recordings,
    title: str,
    captions: Sequence[str] | None,
    match: bool,
    store: Store,
    keys: str = "focus",
    group: str = "",
) -> Widget:
    """The player of recordings.

    keys: "focus" (when the player has the focus) or "page" (always). group: a player goes on where the one before it in
    its group was, which `live` uses when it renders anew.
    """
    if captions is not None and len(captions) != len(sound.titles):
        raise UserError(f"{len(sound.titles)} items but {len(captions)} captions: give one caption for each item")
    rows = zip(sound.titles, captions or [""] * len(sound.titles), sound.matches, sound.overviews(), strict=True)
    items = []
    for name, caption, found, picture in rows:
        level, level_long = loudness_words(found, match)
        items.append({"title": name, "caption": caption, "level": level, "levelLong": level_long, "overview": picture})
    description = f"{len(sound.titles)} items of {sound.seconds:.1f} s: {', '.join(sound.titles)}"
    config = {"title": title, **sound.config(), "keys": keys, "group": group, "items": items}
    return build_widget("player", config, description, sound.audio_elements(store, sound.identity(title)), store)
