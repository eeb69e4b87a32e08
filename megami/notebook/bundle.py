"""The scripts and styles of widgets: parts that all share, and one small script for each kind of widget.

Both are plain JavaScript in `web/`. The parts run once per page and are kept under the hash of their text, so that a
page with outputs of two versions of this package still works. A kind's script is a function of the parts, `PARTS`; a
long one is several files, KIND-*.js, which KIND.js takes in by lines `// include KIND-PART.js`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_PARTS = (
    "theme.js",
    "drawing.js",
    "lane.js",
    "memory.js",
    "engine.js",
    "listened.js",
    "results.js",
    "widget.js",
    "transport.js",
    "parts.js",
)
_INCLUDE = re.compile(r"^// include ([\w.-]+)$|<!-- include ([\w.-]+) -->|/\* include ([\w.-]+) \*/", re.MULTILINE)


@dataclass(frozen=True)
class Script:
    """A script: the name of its file, and its text."""

    name: str
    text: str


@cache
def asset(name: str) -> str:
    """The text of a file in `web/`, with the files that it includes in their places."""
    text = resources.files("megami.notebook").joinpath("web", name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: asset(found[found.lastindex or 0]).strip(), text)


@cache
def parts_script() -> Script:
    """The parts that all widgets share."""
    text = "\n".join(map(asset, _PARTS))
    code = short_hash(text)
    return Script(
        f"megami-parts-{code}.js",
        f'(window.megamiParts ??= {{}})["{code}"] ??= (() => {{\n{text}\nreturn PARTS;\n}})();',
    )


@cache
def widget_script(kind: str) -> Script:
    """The script of one kind of widget, which starts all of them on the page: `web/KIND.js`, `.html` and `.css`."""
    parts_code = short_hash("\n".join(map(asset, _PARTS)))
    look = {"template": asset(f"{kind}.html"), "style": asset("base.css") + asset(f"{kind}.css")}
    code = code_of(kind)
    return Script(
        f"megami-{kind}-{code}.js",
        "\n".join(
            [
                "{",
                f'const PARTS = window.megamiParts["{parts_code}"];',
                f'const make = ((window.megamiKinds ??= {{}})["{kind}-{code}"] ??= (() => {{',
                asset(f"{kind}.js"),
                f"const LOOK = {in_script(look)};",
                f"return (host) => new {_class_name(kind)}(host, LOOK);",
                "})());",
                f'PARTS.startWidgets("{kind}", "{code}", make);',
                "}",
            ]
        ),
    )


@cache
def code_of(kind: str) -> str:
    """The hash of everything that a kind of widget is made of: a widget is started by the code it was written for."""
    return short_hash("\n".join([*map(asset, _PARTS), asset("base.css"), *(asset(f"{kind}.{end}") for end in _ENDS)]))


_ENDS = ("js", "html", "css")


def short_hash(text: str) -> str:
    """Ten characters that stand for a text."""
    return hashlib.blake2s(text.encode(), digest_size=5).hexdigest()


def in_script(value: object) -> str:
    """A JavaScript literal that is safe inside <script>."""
    return json.dumps(value).replace("</", "<\\/")


def _class_name(kind: str) -> str:
    """`listening-test` is made by the class ListeningTest."""
    return "".join(word.capitalize() for word in kind.split("-"))
