"""A matplotlib figure as a piece of SVG for the middle of a page: small, in theme colours, with names of its own."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from megami.notebook.palette import ON_DARK, css_name

FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
DENSE_BYTES = 20_000  # a raster that is larger as PNG is compressed with losses
QUALITY = 82
_TAG = re.compile(r"<[^>]*>")
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")
_NOWHERE = re.compile(r"M (\S+ \S+) L \1(?!\S)")  # a stroke of no length, which round ends make a dot
_COORDINATES = re.compile(r'(?<=\s)(d|x|y|width|height|points)="([^"]*)"')
_COLOUR = re.compile("|".join(ON_DARK))
_RASTER = re.compile(r'xlink:href="data:image/png;base64,([^"]*)"')


def inline_svg(figure: Figure, name: str) -> str:
    """The figure as an <svg> element of class `name`, one unit to a pixel; the same figure gives the same text.

    Text stays text. Colours of the palette become CSS variables. Ids carry a hash of the picture, so that several on
    a page do not clash. Dense rasters are stored as WebP.
    """
    buffer = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "megami"}
    with matplotlib.rc_context(settings):
        figure.savefig(buffer, format="svg", dpi=72, transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>|<defs>\s*</defs>", "", text, flags=re.S)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    text = _RASTER.sub(lambda found: f'href="{_compressed(found[1])}"', text).replace("xlink:href", "href")
    text = _TAG.sub(lambda found: _tidy_tag(found[0]), text)
    width, height = (f"{side * 72:g}" for side in figure.get_size_inches())
    text = f'<svg class="{name}" viewBox="0 0 {width} {height}" aria-hidden="true">{text[text.index(">") + 1 :]}'
    return _own_ids(re.sub(r">\s+<", "><", text).strip())


def _tidy_tag(tag: str) -> str:
    """Hundredths of a pixel, theme colours, the fonts of the page's system."""
    tag = _COORDINATES.sub(lambda found: f'{found[1]}="{_short(found[2])}"', tag)
    if "style=" in tag:
        tag = _COLOUR.sub(lambda found: f"var({css_name(found[0])})", tag)
        tag = re.sub(r"'DejaVu Sans'[^;\"]*", FONTS, tag)
    return tag


def _short(numbers: str) -> str:
    return _NOWHERE.sub(r"M\1h0", " ".join(_LONG.sub(r"\1", numbers).split()))


def _compressed(png_base64: str) -> str:
    """A raster as a data: URL, small."""
    data = base64.b64decode("".join(png_base64.split()))
    kind = "png"
    if len(data) > DENSE_BYTES:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(data)).save(buffer, format="WEBP", quality=QUALITY, method=6)
        data, kind = buffer.getvalue(), "webp"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _own_ids(text: str) -> str:
    """Only the ids that something refers to, each with the hash of the picture before it."""
    used = set(re.findall(r'(?:url\(#|href="#)([\w-]+)', text))
    code = hashlib.blake2s(text.encode(), digest_size=4).hexdigest()
    names = {old: f"m{code}-{number}" for number, old in enumerate(dict.fromkeys(re.findall(r' id="([^"]*)"', text)))}
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{names[found[1]]}"' if found[1] in used else "", text)
    return re.sub(r'(url\(#|href="#)([\w-]+)', lambda found: found[1] + names.get(found[2], found[2]), text)
