"""The package's docstrings on the pages of its API.

Docstrings are plain text with `names` in single backticks, so that they read well in a terminal. Sphinx expects
reStructuredText; this extension translates. It also lists the constants of a room, which have no docstring to show.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sized
from types import ModuleType

from sphinx.application import Sphinx

CODE = re.compile(r"(`+)(.+?)\1")
ROW = re.compile(r"^(\w[\w.]*) {2,}(\S.*)$")  # of a list of options: the name, a gap, what it does
LONGEST_VALUE = 60  # characters


def as_rest(lines: list[str]) -> list[str]:
    """Translate a docstring, line by line: names become code, rows of options a list, all else is literal text."""
    out: list[str] = []
    in_list = in_code = False
    for line in lines:
        if line.startswith(">>> "):
            in_code = True
        if in_code:
            out.append(line)
            in_code = bool(line.strip())
            continue
        row = ROW.match(line)
        if row:
            if not in_list and out and out[-1].strip():
                out.append("")
            out.append(f"- ``{row[1]}``: {_literal(row[2])}")
        elif in_list and line.startswith(" "):
            out.append(f"  {_literal(line.strip())}")
        else:
            if in_list and line.strip():
                out.append("")
            out.append(_literal(line.strip()))
        in_list = bool(row) or (in_list and line.startswith(" "))
    return out


def _literal(text: str) -> str:
    """One line in which nothing but code spans is markup."""
    parts, end = [], 0
    for found in CODE.finditer(text):
        parts += [_escape(text[end : found.start()]), f"\\ ``{found[2]}``\\ "]
        end = found.end()
    return "".join([*parts, _escape(text[end:])])


def _escape(text: str) -> str:
    return re.sub(r"([\\*|`_])", r"\\\1", text)


def constants(room: ModuleType) -> list[str]:
    """One line for each public name of a room that is neither class nor function: its value, or how many it holds."""
    found = []
    for name in getattr(room, "__all__", ()):
        value = getattr(room, name)
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
            continue
        text = repr(value).replace("typing.", "").replace("collections.abc.", "")
        if len(text) > LONGEST_VALUE:
            size = f" of {len(value)}" if isinstance(value, Sized) else ""
            keys = [str(key) for key in value] if isinstance(value, dict | tuple | list) else []
            keys = [key for key in keys if len(key) < 30][:12]
            names = f": {', '.join(keys)}" if keys else ""
            text = f"{type(value).__name__}{size}{names}" if isinstance(value, Sized) else f"{text[:LONGEST_VALUE]}…"
        found.append(f"- ``{name}``: ``{text}``")
    return found


def translate(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Called for each docstring, which is changed in place."""
    lines[:] = as_rest(lines)
    listed = constants(obj) if isinstance(obj, ModuleType) else []
    if listed:
        lines += ["", "Constants and type names:", "", *listed, ""]


def skip(app: Sphinx, what: str, name: str, obj: object, skipped: bool, options: object) -> bool | None:
    """Leave out what Python itself says of the fields of a named tuple."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", translate)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
