"""Live widgets: with a kernel sliders render anew, in a book the precomputed widget stands in their place."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from megami.effects import Compressor, Delay, Gain
from megami.errors import UserError
from megami.notebook import Knob, live, live_effect

ipywidgets = pytest.importorskip("ipywidgets", reason="ipywidgets is not installed: pip install megami[book]")
RATE = 44100


def music() -> torch.Tensor:
    time = torch.arange(RATE) / RATE
    return (0.3 * torch.sin(2 * torch.pi * 220 * time) * (1 - time)).expand(2, -1).clone()


def scaled(audio: torch.Tensor, gain: float) -> torch.Tensor:
    if gain > 3:
        raise UserError("too much gain")
    return gain * audio


def sliders(found: object) -> list:
    return [child for child in found.widgets().children if hasattr(child, "min")]


def captions(found: object) -> list[str]:
    output = next(child for child in found.widgets().children if isinstance(child, ipywidgets.Output))
    config = json.loads(html.unescape(re.search(r'data-config="([^"]+)"', output.outputs[0]["data"]["text/html"])[1]))
    return [item["caption"] for item in config["items"]]


def test_turning_a_knob_renders_anew() -> None:
    found = live(music(), RATE, scaled, [Knob("gain", 0.1, 2.5, 1.0, "x", log=True)], description="A gain")
    assert captions(found) == ["", "gain 1 x"]
    sliders(found)[0].value = 2.0
    assert captions(found) == ["", "gain 2 x"]


def test_a_setting_that_cannot_be_rendered_is_said_and_the_last_sound_stays() -> None:
    found = live(music(), RATE, scaled, [Knob("gain", 0.1, 2.5, 1.0)], description="A gain")
    sliders(found)[0].max = 5
    sliders(found)[0].value = 4
    message = next(child for child in found.widgets().children if type(child).__name__ == "Label")
    assert message.value == "too much gain" and captions(found)[1].startswith("gain 1")


def test_knobs_of_an_effect_have_its_limits_scales_and_units() -> None:
    found = live_effect(music(), RATE, Compressor, knobs={"threshold_db": -30, "ratio": 4}, description="Compression")
    threshold, ratio = sliders(found)
    limits = Compressor.RANGES["threshold_db"]
    assert (threshold.min, threshold.max, threshold.value) == (limits.low, limits.high, -30)
    assert threshold.description == "threshold_db (dB)" and ratio.value == pytest.approx(4)
    expected = Compressor(threshold_db=-10, ratio=4).apply(music().numpy(), RATE)
    assert np.allclose(found.render(music(), threshold_db=-10.0, ratio=4.0).numpy(), expected)


def test_in_a_notebook_both_are_offered_and_in_a_book_only_the_one_without_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = live_effect(music(), RATE, Gain, knobs={next(iter(Gain.RANGES)): 0.0}, description="A gain")
    bundle = found._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert 'data-megami-widget="explore"' in bundle["text/html"]
    monkeypatch.setenv("MEGAMI_BOOK_AUDIO", str(tmp_path / "_audio"))
    assert set(found._repr_mimebundle_()) == {"text/html", "text/plain"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Knob("gain", 1, 0, 0.5),
        lambda: Knob("gain", 0, 1, 2),
        lambda: Knob("gain", 0, 1, 0.5, log=True),
        lambda: live(music(), RATE, scaled, [], description="d"),
        lambda: live(music(), RATE, scaled, [Knob("gain", 0, 1, 1)], description="d", steps=1),
        lambda: live_effect(music(), RATE, Delay, knobs={"colour": 1}, description="d"),
    ],
)
def test_knobs_that_make_no_sense_are_refused(make: object) -> None:
    with pytest.raises(UserError):
        make()
