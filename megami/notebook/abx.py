"""A/B/X: can a listener tell two recordings apart, and how sure may we be?"""

from __future__ import annotations

import base64
import hashlib

from megami.errors import UserError
from megami.notebook.overview import overview
from megami.notebook.recordings import Item, recordings
from megami.notebook.stores import store_here
from megami.notebook.widget import Widget, build_widget

MOST_TRIALS = 100


def abx(
    a: Item,
    b: Item,
    sample_rate: int,
    title: str = "",
    *,
    description: str,
    trials: int = 10,
    match: bool = True,
    bitrate_kbps: int = 192,
) -> Widget:
    """An A/B/X test: in every trial X is A or B, drawn at random, and the reader says which.

    a, b: (title, audio [channels, samples]) each; the titles are shown. The reader switches in place between A, B and
    X, all equally loud unless match is False. After `trials` answers (1 to 100) the page tells the score, the
    probability of reaching it by guessing (one-sided binomial test), and what that means; it hands out the results as
    JSON. What was answered is kept across reloads. While the test runs nothing on the page tells what X is, and two
    switches sound alike whether the recordings are the same or not: the old one fades out before the new one fades in.
    Raises UserError if something cannot be played, or for a wrong number of trials.
    """
    if isinstance(trials, bool) or not isinstance(trials, int) or not 1 <= trials <= MOST_TRIALS:
        raise UserError(f"an A/B/X test has 1 to {MOST_TRIALS} trials, not {trials!r}")
    sound = recordings([a, b], sample_rate, match, bitrate_kbps)
    both = (sound.audios[0] + sound.audios[1]) / 2  # one picture of both: a listener sees where the song is, no more
    picture = overview(both, sound.sample_rate, float(both.abs().max()))
    store = store_here()
    identity = sound.identity(title)
    config = {
        "title": title,
        "test": identity,
        **sound.config(),
        "names": list(sound.titles),
        "trials": trials,
        "hashes": [hashlib.sha256(data).hexdigest() for data in sound.compressed],
        "overview": base64.b64encode(picture).decode(),
    }
    return build_widget("abx", config, description, sound.audio_elements(store, identity), store)
