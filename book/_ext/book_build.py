"""Two touches on the build: sound lies beside the pages, and pages load nothing from elsewhere.

While the book is built, players write their sound into files beside the page instead of into the page.

A page with a few players would otherwise weigh several megabytes before it shows anything. The players
(megami.notebook) read the folder from the environment, which the notebooks' kernels inherit from this process; it lies
in the output, so nothing is added to the source tree, and a notebook run by hand stays self-contained.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PAGES = "book"  # all pages lie in this folder: the sound beside them is reached as `_audio/...`


def use_audio_folder(app: Sphinx) -> None:
    """Start the build with an empty folder for sound."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / PAGES / "_audio"
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["MEGAMI_BOOK_AUDIO"] = str(folder)


def read_all_pages(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Have every page made anew: the sound of the build before is gone."""
    return sorted(env.found_docs)


def drop_remote_scripts(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Leave out Thebe (live cells from a remote kernel), which the builder adds to every page though none uses it."""
    context["script_files"] = [file for file in context["script_files"] if "thebe" not in _text_of(file).lower()]


def _text_of(file: object) -> str:
    return f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", use_audio_folder)
    app.connect("env-get-outdated", read_all_pages)
    app.connect("html-page-context", drop_remote_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
