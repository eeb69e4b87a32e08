"""MathJax beside the pages, so that formulas are set without a network.

It is copied after the build, and only what the pages use: the package holds 24 MB, of which 2.1 are needed. Under
`html_static_path` every page would load every file of it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

PACKAGE = "sphinx-mathjax-offline"
NEEDED = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def ship(app: Sphinx, error: Exception | None) -> None:
    """Copy what `mathjax_path` names, its fonts and its extensions into the built book."""
    if error or app.builder.format != "html":
        return
    source = _mathjax()
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        place = target / name if (source / name).is_dir() else (target / name).parent
        copy_asset(source / name, place)


def _mathjax() -> Path:
    """The folder of MathJax in the installed package, whose name is no Python name and cannot be imported."""
    package = find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise ExtensionError(f"{PACKAGE} is not installed, so formulas cannot be set: run make setup")
    return Path(package.origin).parent / "static" / "mathjax"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", ship)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
