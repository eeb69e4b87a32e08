"""Files among the tracks that are none, by their names: rough mixes, masters, click tracks."""

from __future__ import annotations

from megami.audio.track_names import role_of_name, words_of_name

KINDS = {
    "a mix of the others": "mix mixes mixdown mixture roughmix finalmix premix stereomix",
    "a master of the others": "master masters mastered mastering",
    "a click track": "click clicks clicktrack clk metronome metro",
}
PARTS = "synth synths fx sfx loop loops bus group sample samples noise crowd room amp di band orchestra backing karaoke"
"""With one of these words, as with that of an instrument, it is a mix of some part: "Synth mix"."""


def finished_kind(name: str) -> str | None:
    """What a track of this name is, if it is no track: "MySong_MIX" is a mix; "Drums mix" is a part of one."""
    said = words_of_name(name)
    if role_of_name(name) is not None or not said.isdisjoint(PARTS.split()):
        return None
    return next((kind for kind, words in KINDS.items() if not said.isdisjoint(words.split())), None)
