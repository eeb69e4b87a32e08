"""Figures in a page: alt text, both drawings, theme colours that stand out, no clashes, light weight."""

from __future__ import annotations

import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from megami.errors import UserError
from megami.notebook import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, INK, ON_DARK, PAPER, QUIET

ALT = "A line that rises."


def line(sheet: Sheet) -> None:
    axis = sheet.axis()
    axis.plot([0, 1, 2], [0, 1, 4], "o-", label="rising")
    axis.set_xlabel("time (s)")
    sheet.legend(axis)


def ids(shown: PageFigure) -> list[str]:
    return re.findall(r' id="([^"]+)"', shown.html)


def test_alt_text_is_required_and_cannot_break_out() -> None:
    with pytest.raises(UserError, match="alt text"):
        figure(line, alt=" ")
    nasty = """</div><script>alert(1)</script> "quoted" & 'co'"""

    def draw(sheet: Sheet) -> None:
        sheet.axis().set_title(nasty)

    page = figure(draw, nasty, alt=nasty).html
    assert "<script" not in page and "alert(1)" in page
    assert page.count("</div>") == 1


def test_a_figure_is_drawn_for_a_column_and_for_a_phone() -> None:
    seen = []

    def draw(sheet: Sheet) -> None:
        seen.append(sheet.narrow)
        line(sheet)

    page = figure(draw, alt=ALT, height_px=200, narrow_height_px=300).html
    assert seen == [False, True]
    assert re.findall(r'class="(\w+)" viewBox="0 0 (\d+) (\d+)"', page) == [
        ("wide", "720", "200"),
        ("narrow", "340", "300"),
    ]
    assert page.count(">time (s)</text>") == 2  # text that can be read aloud, searched and set in the reader's font


def test_the_same_figure_is_the_same_text_and_two_figures_share_no_ids() -> None:
    assert figure(line, alt=ALT).html == figure(line, alt=ALT).html

    def other(sheet: Sheet) -> None:
        sheet.axis().plot([0, 1], [1, 0], "s-")

    one, two = figure(line, alt=ALT), figure(other, alt=ALT)
    assert ids(one) and len(ids(one)) == len(set(ids(one)))
    assert not set(ids(one)) & set(ids(two))
    for shown in (one, two):  # whatever is referred to is there
        assert set(re.findall(r'(?:url\(#|href="#)([\w-]+)', shown.html)) == set(ids(shown))


def test_a_page_keeps_its_own_style() -> None:
    """matplotlib's style sheet (`* {...}`) would reach everything on the page."""
    markup = figure(line, alt=ALT).markup
    assert "<style" not in markup and "<metadata" not in markup and "<?xml" not in markup


def test_colours_follow_the_theme() -> None:
    page = figure(line, alt=ALT)
    assert not re.findall(r"(?:fill|stroke): #(?!000000|ffffff)\w+", page.markup)
    assert "var(--megami-0d6ecb)" in page.markup and "--megami-0d6ecb:#0d6ecb" in page.html


def luminance(colour: str) -> float:
    channels = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", COLOURS)
def test_lines_stand_out_from_the_ground_in_both_modes(colour: str) -> None:
    assert contrast(colour, PAPER) >= 3
    for ground in (ON_DARK[PAPER], "#14181e", "#1e1e1e"):  # widgets, the book, VS Code
        assert contrast(ON_DARK[colour], ground) >= 3


def test_words_can_be_read_in_both_modes() -> None:
    for words in (INK, QUIET):
        assert contrast(words, PAPER) >= 4.5 and contrast(ON_DARK[words], ON_DARK[PAPER]) >= 4.5


# What dichromats see of linear light, Machado, Oliveira & Fernandes (2009), severity 1.
DICHROMATS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


_LINEAR_TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
_CONES_TO_OKLAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def seen_by(kind: str, colour: str) -> np.ndarray:
    """A colour in Oklab, where equal steps look equally far apart, as a dichromat sees it."""
    channels = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(DICHROMATS[kind]) @ linear, 0, 1)
    return _CONES_TO_OKLAB @ np.cbrt(_LINEAR_TO_CONES @ seen)


@pytest.mark.parametrize("kind", DICHROMATS)
@pytest.mark.parametrize("dark", [False, True])
def test_all_series_can_be_told_apart_by_the_colour_blind(kind: str, dark: bool) -> None:
    """Three times as far apart as what can just be seen side by side (0.02)."""
    seen = [seen_by(kind, ON_DARK[colour] if dark else colour) for colour in COLOURS]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 0.06


def noise(sheet: Sheet) -> None:
    axis = sheet.axis()
    axis.imshow(np.random.default_rng(0).random((160, 600)), aspect="auto")
    axis.grid(False)


def test_dense_pictures_are_compressed() -> None:
    page = figure(noise, alt=ALT).html
    assert page.count("data:image/webp;base64,") == 2 and len(page) < 250_000  # as PNG it would be 500 kB


def test_small_pictures_stay_exact() -> None:
    def draw(sheet: Sheet) -> None:
        sheet.axis().imshow(np.eye(4))

    assert "data:image/png;base64," in figure(draw, alt=ALT).html


def test_coordinates_are_rounded_but_words_are_not() -> None:
    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        axis.plot(np.linspace(0, 1, 50) ** 1.3)
        axis.set_title("1.23456789")

    page = figure(draw, alt=ALT).html
    assert "1.23456789" in page
    assert not [path for path in re.findall(r'\sd="([^"]*)"', page) if re.search(r"\.\d{3}", path)]


def test_a_finished_matplotlib_figure_is_taken() -> None:
    drawing, axis = plt.subplots()
    axis.plot([1, 2], color=COLOURS[1])
    plt.close(drawing)
    page = figure(drawing, alt=ALT)
    assert page.markup.count("<svg") == 1 and "var(--megami-0d6ecb)" in page.markup


def test_nothing_stays_open_and_settings_stay_as_they_were() -> None:
    before = plt.rcParams.copy()
    figure(line, alt=ALT)
    assert plt.get_fignums() == [] and plt.rcParams == before


def test_what_is_placed_is_what_is_written() -> None:
    """The style decides how many ticks fit; were it gone when the picture is written, labels would leave the sheet."""

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        axis.plot([-24, 6], [0, 4])
        axis.set_ylabel("factor")

    made = figure(draw, alt="A line.", height_px=260)
    labels = re.findall(r"<text[^>]* x=\"([-\d.]+)\"[^>]*>factor</text>", made.markup)
    assert len(labels) == 2 and all(float(x) >= 8 for x in labels)
