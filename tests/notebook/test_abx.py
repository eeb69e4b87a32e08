"""What is inside an A/B/X test: two sounds equally loud, nothing about X, honest errors."""

from __future__ import annotations

import html
import json
import re

import pytest
import torch

from megami.errors import UserError
from megami.notebook import abx

RATE = 44100


def noise(gain: float, seed: int = 0) -> torch.Tensor:
    return gain * torch.randn(2, RATE, generator=torch.Generator().manual_seed(seed))


def config(text: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', text)[1]))


def test_it_holds_a_and_b_and_no_third_sound() -> None:
    text = abx(("one", noise(0.1)), ("two", noise(0.02, seed=1)), RATE, "Which?", description="noise").body
    assert text.count("<audio") == 2
    settings = config(text)
    assert settings["names"] == ["one", "two"] and settings["trials"] == 10
    assert len(set(settings["hashes"])) == 2 and all(re.fullmatch("[0-9a-f]{64}", one) for one in settings["hashes"])
    assert not re.search(r"\bsecret|\border\b", json.dumps(settings))


def test_equal_sounds_at_different_levels_become_one_sound() -> None:
    """Loudness is matched: what differs in level alone cannot be told apart."""
    hashes = config(abx(("a", noise(0.1)), ("b", noise(0.05)), RATE, description="noise").html)["hashes"]
    kept = config(abx(("a", noise(0.1)), ("b", noise(0.05)), RATE, description="noise", match=False).html)["hashes"]
    assert hashes[0] == hashes[1] and kept[0] != kept[1]


@pytest.mark.parametrize("trials", [0, -1, 101, 2.5, True, "10"])
def test_a_wrong_number_of_trials_is_refused(trials: object) -> None:
    with pytest.raises(UserError, match="trials"):
        abx(("a", noise(0.1)), ("b", noise(0.1)), RATE, description="noise", trials=trials)


def test_it_wants_a_description_and_sound() -> None:
    with pytest.raises(UserError, match="description"):
        abx(("a", noise(0.1)), ("b", noise(0.1)), RATE, description=" ")
    with pytest.raises(UserError, match="'b'"):
        abx(("a", noise(0.1)), ("b", torch.zeros(3, 5)), RATE, description="noise")


def test_names_cannot_break_out_of_the_page() -> None:
    name = """</script><img src=x onerror=alert(1)> "quoted" 'n' & co"""
    text = abx((name, noise(0.1)), (name, noise(0.1, 1)), RATE, name, description=name).html
    assert "<img" not in text and text.count("</script>") == 2
    assert config(text)["names"] == [name, name]
