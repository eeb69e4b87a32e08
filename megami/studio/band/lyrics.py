"""Words to sing and to say: small vocabularies with the number of syllables of each word, and lines made of them."""

from __future__ import annotations

import numpy as np

from megami.studio.band.patterns import pick

Word = tuple[str, int]
"""A word as it is written, and how many syllables it has."""


def _words(text: str, syllables: int) -> tuple[Word, ...]:
    return tuple((word, syllables) for word in text.split())


_NOUNS = _words(
    "moon night road rain stone light sea wind home fire snow wall name time dream hand heart train town sky "
    "ground day eye boat song", 1
) + _words("river window summer morning water shadow winter garden silver mirror corner city paper", 2)  # fmt: skip
_VERBS = _words(
    "runs falls burns waits turns sleeps knows calls shines goes leaves holds comes sings grows", 1
) + _words("remembers", 3)  # fmt: skip
_LINKS = _words("in on by through from", 1) + _words("over under", 2)
_ARTICLES = _words("the my your our this", 1)
_ADJECTIVES = _words("cold old blue slow long red low wild late small", 1) + _words("empty golden hollow broken", 2)
_LATIN = _words(
    "luna sera vento mare sole onda casa vita mano nave fuoco lume rosa sale neve porta nota fine mondo ora "
    "lento lana seta pane voce sono vola dorme gira torna balla parla", 2
) + _words("la tu no ma si e da mi", 1)  # fmt: skip
VOCALISES: tuple[str, ...] = ("la", "na", "oh", "ah", "ooh", "doo", "hey", "da")
"""Syllables that mean nothing; every voice can sing them."""
_OPEN = ("ah", "ooh", "oh")
_SPELLING = {"ooh": "uu", "doo": "du", "hey": "ei", "oh": "o", "ah": "a"}  # in a language that is read as it is written


def draw_line(syllables: int, language: str, rng: np.random.Generator) -> list[Word]:
    """A line of exactly so many syllables in english (sentences of a kind) or latin (strings of words)."""
    line: list[Word] = []
    left = syllables
    place = int(rng.integers(3))
    while left:
        kinds = (_ARTICLES, _ADJECTIVES, _NOUNS, _VERBS, _LINKS) if language == "english" else (_LATIN,)
        fitting = tuple(word for word in kinds[place % len(kinds)] if word[1] <= left)
        place += 1 if rng.random() < 0.8 else 2
        if fitting:
            line.append(pick(rng, fitting))
            left -= line[-1][1]
    return line


def draw_vocalise(syllables: int, language: str, rng: np.random.Generator, held: bool = False) -> list[Word]:
    """One or two syllables over and over; `held`: open vowels only."""
    choices = _OPEN if held else VOCALISES
    first, other = pick(rng, choices), pick(rng, choices)
    every = int(rng.integers(2, 5))
    line = [other if index % every == every - 1 else first for index in range(syllables)]
    return [(word if language == "english" else _SPELLING.get(word, word), 1) for word in line]
