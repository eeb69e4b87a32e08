"""Mends of the markup that the builder writes, where screen readers stumble over it.

- A folded cell says what it holds ("Show code cell source"); its `aria-label` says "Toggle hidden content" instead, so
  that what is seen and what is read out differ. The label goes.
- The entries of a bibliography lie in a list, but have a role that no list may hold. They become list items.
- Pages of text that hold a cell count as notebooks, and would offer to open themselves on Colab, which opens `.ipynb`
  files only. They lose that button.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

LABEL = ' aria-label="Toggle hidden content"'
ENTRY, LIST_ITEM = 'role="doc-biblioentry"', 'role="listitem"'


def mend(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Mend the body of a page."""
    if "body" in context:
        context["body"] = context["body"].replace(LABEL, "").replace(ENTRY, LIST_ITEM)


def no_launch_button(app: Sphinx, doctree: nodes.document) -> None:
    """Have a page of text with cells in it, `.md`, not offered as a notebook."""
    if not app.env.doc2path(app.env.docname).endswith(".ipynb"):
        app.env.metadata[app.env.docname].pop("kernelspec", None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", mend)
    app.connect("doctree-read", no_launch_button)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
