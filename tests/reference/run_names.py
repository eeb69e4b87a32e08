"""Runs and their settings, as the JSON beside the numbers names them.

A name is made of parts joined by underscores; a part that ends in a number is a setting, and a piece of the audio may
stand at the end: `out.y_gate1_rms-16_first_30000_samples`, `out.sample_order1_cfg2.5`.
"""

from __future__ import annotations

import re

NUMBER = r"-?\d+(?:\.\d+)?"
PIECE = re.compile(r"(?:^|_)(?:(?P<side>first|last)_(?P<length>\d+)_samples|samples_(?P<start>\d+)_(?P<stop>\d+))$")


def names(words: dict, prefix: str) -> list[str]:
    """The tensors in the file's list whose names begin so; there is at least one."""
    found = [name for name in words["tensor_list"] if name.startswith(prefix)]
    assert found, f"{words['name']}.json lists no tensor {prefix}*"
    return found


def only_name(words: dict, prefix: str) -> str:
    """The one tensor in the file's list whose name begins so."""
    found = names(words, prefix)
    assert len(found) == 1, found
    return found[0]


def settings(name: str, prefix: str, known: tuple[str, ...]) -> dict[str, float]:
    """The settings that a name gives after its prefix, the piece left out; 1 for a word without a number.

    Each must be among those that the test knows, so that none is passed over.
    """
    found: dict[str, float] = {}
    for part in filter(None, PIECE.sub("", name.removeprefix(prefix)).split("_")):
        word, number = re.fullmatch(rf"(.*?)({NUMBER})?", part).groups()
        assert word in known, f"{name}: what is {part!r}?"
        found[word] = float(number) if number else 1.0
    return found


def piece(name: str) -> slice:
    """Which samples a tensor holds by its name; all where it names none."""
    found = PIECE.search(name)
    if found is None:
        return slice(None)
    if found["side"] is None:
        return slice(int(found["start"]), int(found["stop"]))
    return slice(int(found["length"])) if found["side"] == "first" else slice(-int(found["length"]), None)
