"""Explore, the Python side: a slider or a full pad, values with units, and items that do not fit are named."""

from __future__ import annotations

import html
import json
import re

import matplotlib.pyplot as plt
import pytest
import torch

from megami.errors import UserError
from megami.notebook import PageFigure, Sheet, Widget, explore, figure

RATE = 44100
WORDS = "What changes, in a sentence."


def tone(hz: float) -> torch.Tensor:
    return 0.2 * torch.sin(2 * torch.pi * hz * torch.arange(RATE // 2) / RATE).expand(2, -1)


def picture(number: float) -> PageFigure:
    def draw(sheet: Sheet) -> None:
        sheet.axis().plot([0, 1], [0, number])

    return figure(draw, alt=f"A line up to {number}.")


def config(widget: Widget) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', widget.html)[1]))


def test_a_slider_has_its_values_in_order_with_unit_and_true_minus() -> None:
    items = [(value, tone(300 + value)) for value in (-6, 0, 1.5)]
    shown = config(explore(items, RATE, "Tilt", description=WORDS, label="tilt", unit="dB"))
    values = ["\u22126\N{NO-BREAK SPACE}dB", "0\N{NO-BREAK SPACE}dB", "1.5\N{NO-BREAK SPACE}dB"]
    assert shown["axes"] == [{"label": "tilt", "values": values}]
    assert shown["items"] == [[0], [1], [2]] and shown["start"] == 1
    assert len(shown["overviews"]) == 3 and shown["seconds"] == pytest.approx(0.5)


def test_a_pad_knows_where_each_item_lies_whatever_their_order() -> None:
    items = [((x, y), picture(x + y)) for y in (2, 1) for x in (10, 0, 5)]
    shown = config(explore(items, description=WORDS, label=("across", "up"), unit=("ms", "")))
    assert [axis["values"] for axis in shown["axes"]] == [[f"{x}\N{NO-BREAK SPACE}ms" for x in (0, 5, 10)], ["1", "2"]]
    assert shown["items"] == [[2, 1], [0, 1], [1, 1], [2, 0], [0, 0], [1, 0]]
    assert "seconds" not in shown  # pictures alone: nothing to play


def test_without_scripts_every_sound_and_picture_is_there_with_its_value() -> None:
    items = [(value, tone(300), picture(value)) for value in (1, 2)]
    page = explore(items, RATE, description=WORDS, label="gain", unit="dB").html
    assert re.findall(r"<figcaption>(.*?)</figcaption><audio", page) == ["gain 1\u00a0dB", "gain 2\u00a0dB"]
    assert re.findall(r"<p>(.*?)</p><figure", page) == ["gain 1\u00a0dB", "gain 2\u00a0dB"]
    assert re.findall(r'role="img" aria-label="(.*?)"', page) == ["A line up to 1.", "A line up to 2."]
    assert page.count('preload="none"') == 2  # nothing loads before it is wanted


def test_a_matplotlib_figure_comes_with_its_alt_text() -> None:
    drawing, _ = plt.subplots()
    plt.close(drawing)
    items = [(name, (drawing, f"Nothing in {name}.")) for name in ("a", "b")]
    assert 'aria-label="Nothing in b."' in explore(items, description=WORDS, label="case").html
    with pytest.raises(UserError, match="needs alt text"):
        explore([("a", drawing), ("b", drawing)], description=WORDS, label="case")


def test_words_cannot_break_out_of_the_page() -> None:
    nasty = """</script><img src=x onerror=alert(1)> "quoted" 'n' & co"""
    widget = explore([(nasty, tone(300)), ("b", tone(400))], RATE, nasty, description=nasty, label=nasty, unit=nasty)
    assert "<img" not in widget.html and widget.html.count("</script>") == 2
    assert config(widget)["axes"][0]["label"] == nasty


def test_the_same_items_give_the_same_page() -> None:
    pages = [explore([(1, picture(1)), (2, picture(2))], description=WORDS, label="x").html for _ in range(2)]
    assert pages[0] == pages[1]


GOOD = [(1, tone(300)), (2, tone(400))]


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        (GOOD[:1], {}, "at least two"),
        (GOOD, {"sample_rate": None}, "sample_rate"),
        (GOOD, {"label": ("x", "y")}, "must agree"),
        (GOOD, {"unit": ("dB", "ms")}, "must agree"),
        (GOOD, {"start": 2}, "0 to 1, got 2"),
        (GOOD, {"description": " "}, "description"),
        ([*GOOD, (1, tone(500))], {}, "same value"),
        ([*GOOD, (3, picture(3))], {}, "all items the same"),
        ([(1,), (2,)], {}, "a sound, or a picture"),
        ([(1, "loud"), (2, "soft")], {}, "neither audio nor a picture, but str"),
        ([((0, 0), tone(1)), ((0, 1), tone(2)), ((1, 0), tone(3))], {"label": ("x", "y")}, "4 places, but 3 items"),
    ],
)
def test_what_does_not_fit_is_named(items: list, options: dict, message: str) -> None:
    settings = {"sample_rate": RATE, "description": WORDS, "label": "x", **options}
    with pytest.raises(UserError, match=message):
        explore(items, settings.pop("sample_rate"), **settings)


def test_items_lie_on_a_map_with_one_scale_and_a_colour_for_each_group() -> None:
    items = [(f"take {number}", tone(300 + number)) for number in range(3)]
    places = [(0.0, 0.0), (4.0, 2.0), (2.0, 1.0)]
    widget = explore(items, RATE, description=WORDS, label="take", at=places, at_labels=("x", "y"), groups=list("aab"))
    shown = config(widget)["map"]
    assert shown["places"] == [[0.0, 0.25], [1.0, 0.75], [0.5, 0.5]]
    assert shown["groups"] == [0, 0, 1] and shown["names"] == ["a", "b"] and shown["labels"] == ["x", "y"]
    assert len(set(map(tuple, shown["colours"]))) == 2
    plain = config(explore(items, RATE, description=WORDS, label="take", at=places))["map"]
    assert plain["names"] == [] and plain["groups"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("items", "options", "message"),
    [
        (GOOD, {"at": [(0, 0)]}, "2 items, but 1 places"),
        (GOOD, {"at": [(0, 0), (1, 1)], "groups": ["a"]}, "1 groups"),
        (GOOD, {"at": [(0, 0), (1, float("nan"))]}, "finite"),
        (
            [((0, 0), tone(1)), ((0, 1), tone(2))],
            {"at": [(0, 0), (1, 1)], "label": ("x", "y")},
            "only items of a slider",
        ),
    ],
)
def test_a_map_that_does_not_fit_is_named(items: list, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        explore(items, RATE, **{"description": WORDS, "label": "x", **options})
