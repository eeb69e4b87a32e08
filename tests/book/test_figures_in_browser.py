"""Figures and tables as a reader meets them: words large enough on a phone, theme colours, keys, screen reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe import grave_faults
from pages import open_file

from megami.notebook import Sheet, figure, table

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")

ALT = "Two lines cross."


def lines(sheet: Sheet) -> None:
    axis = sheet.axis()
    for number in range(4):
        axis.plot([0, 1], [number, 3 - number], label=f"series {number}")
    axis.set_xlabel("time (s)")
    axis.set_ylabel("level (dB)")
    sheet.legend(axis)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two figures and a wide table on a page that is light or, with #dark, dark."""
    columns = ["system", *(f"measure {number} (dB)" for number in range(8))]
    rows = [[f"system {row}", *(np.arange(8) - row).tolist()] for row in range(4)]
    parts = [figure(lines, "Levels", alt=ALT), figure(lines, alt=ALT, height_px=200)]
    parts += [table(rows, columns, "Measures", description="Eight measures of four systems.", highlight=[1])]
    path = tmp_path_factory.mktemp("figures") / "page.html"
    path.write_text(
        "<!DOCTYPE html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        "<title>Figures</title><style>body { margin: 0; padding: 16px; background: #fff; color: #212529; } "
        "body:has(:target) { background: #14181e; color: #ced6dd; } main { max-width: 720px; }</style>"
        f"<body><main id='dark'><h1>Figures</h1>{''.join(part.html for part in parts)}</main>",
        encoding="utf-8",
    )
    return path


@pytest.fixture(params=[(1300, ""), (1300, "#dark"), (390, ""), (390, "#dark")], ids=lambda place: str(place))
def shown(page: object, written: Path, request: pytest.FixtureRequest) -> Iterator[tuple[object, int, bool]]:
    """The page at one width in one mode."""
    width, mode = request.param
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.get(written.resolve().as_uri() + mode)
    yield page, width, bool(mode)
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


WORDS = """
return [...document.querySelectorAll('.megami-figure svg')].filter((svg) => svg.getClientRects().length).map((svg) => {
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const sizes = [...svg.querySelectorAll('text')].map((text) => scale * parseFloat(getComputedStyle(text).fontSize));
  return [svg.getAttribute('class'), Math.min(...sizes), Math.max(...sizes)];
});
"""


def test_labels_have_the_size_of_words_at_every_width(shown: tuple) -> None:
    page, width, _ = shown
    drawings = page.execute_script(WORDS)
    assert [name for name, _, _ in drawings] == ["narrow" if width == 390 else "wide"] * 2
    assert all(smallest >= 9 and largest <= 17 for _, smallest, largest in drawings)


LUMINANCE = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number)
    .map((part) => part / (colour.startsWith('color') ? 1 : 255))
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = light(getComputedStyle(document.body).backgroundColor);
const contrast = (colour) => {
  const [low, high] = [light(colour), ground].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
"""


def test_words_and_lines_stand_out_in_the_colours_of_the_page(shown: tuple) -> None:
    page, _, _ = shown
    words = page.execute_script(
        LUMINANCE + "return [...document.querySelectorAll('svg text')].map((t) => contrast(getComputedStyle(t).fill));"
    )
    assert len(words) > 20 and min(words) >= 4.5
    series = page.execute_script(
        LUMINANCE
        + "return [...document.querySelectorAll('svg path')].filter((path) => /megami-(?!1d2126|5f6670|e2dfd8|ffffff)/"
        ".test(path.style.stroke)).map((path) => contrast(getComputedStyle(path).stroke));"
    )
    assert len(series) >= 16 and min(series) >= 3


def test_the_figure_is_transparent(shown: tuple) -> None:
    page, _, _ = shown
    opaque = """
      return [...document.querySelectorAll('.megami-figure, .picture, .megami-figure svg, .megami-table')]
        .filter((part) => getComputedStyle(part).backgroundColor !== 'rgba(0, 0, 0, 0)').length
        + [...document.querySelectorAll('svg > g > g:first-child > path')]
        .filter((path) => getComputedStyle(path).fill !== 'none').length;"""
    assert page.execute_script(opaque) == 0


def test_only_the_table_scrolls_sideways_and_the_keyboard_reaches_it(shown: tuple) -> None:
    page, width, _ = shown
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    box = page.find_element("css selector", ".megami-table")
    page.execute_script("arguments[0].focus()", box)
    assert page.switch_to.active_element == box
    scrolls = page.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", box)
    assert scrolls == (width == 390)
    size = page.execute_script("return parseFloat(getComputedStyle(arguments[0].querySelector('td')).fontSize)", box)
    assert size >= 12


def test_a_screen_reader_is_told_each_picture_once(shown: tuple) -> None:
    page, _, _ = shown
    names = [part.accessible_name for part in page.find_elements("css selector", "[role=img]")]
    assert names == [ALT, ALT]
    assert grave_faults(page) == []


def test_no_id_is_used_twice_by_different_pictures(page: object, written: Path) -> None:
    open_file(page, written)
    text = written.read_text(encoding="utf-8")
    ids = re.findall(r' id="(m[^"]+)"', text)
    assert len(ids) == len(set(ids)) > 0


# What JupyterLab says of tables in outputs (its rendered_html styles).
NOTEBOOK = """
.jp-RenderedHTMLCommon table { border: none; font-size: 12px; table-layout: fixed; margin-left: auto; }
.jp-RenderedHTMLCommon:not(.jp-RenderedMarkdown) td, .jp-RenderedHTMLCommon:not(.jp-RenderedMarkdown) th,
.jp-RenderedHTMLCommon:not(.jp-RenderedMarkdown) tr { text-align: right; vertical-align: middle; max-width: none; }
.jp-RenderedHTMLCommon tbody tr:nth-child(odd) { background: #f5f5f5; }
"""


def test_a_table_looks_the_same_in_a_notebook(page: object, tmp_path: Path) -> None:
    shown = table([["name", 1], ["other", 2]], ["what", "count"], description="Counts.")
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!DOCTYPE html><meta charset='utf-8'><style>{NOTEBOOK}</style>"
        f"<body><div class='jp-RenderedHTMLCommon'>{shown.html}</div>",
        encoding="utf-8",
    )
    open_file(page, path)
    aligned = "return [...document.querySelectorAll('tbody tr')[0].children].map((c) => getComputedStyle(c).textAlign)"
    assert page.execute_script(aligned) == ["left", "right"]
    ground = "return getComputedStyle(document.querySelector('tbody tr')).backgroundColor"
    assert page.execute_script(ground) == "rgba(0, 0, 0, 0)"
