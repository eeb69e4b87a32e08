"""A widget: a piece of a page that plays, moves or asks, without a kernel and without anything from elsewhere.

Every function that makes one has the same form: first what is shown, then `title` (shown above, may be empty), then by
keyword `description` (what a reader is told who cannot see or hear it) and options. The player alone needs no
description: the names and captions of its items are one.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from megami.errors import UserError
from megami.notebook.bundle import code_of, parts_script, widget_script
from megami.notebook.stores import Store


@dataclass(frozen=True)
class Widget:
    """A widget as HTML: notebooks show it by themselves; `html` may be put into any page, several on one."""

    description: str
    body: str  # the element, with what is shown where scripts do not run
    scripts: tuple[str, ...]  # tags, in order; those of several widgets may be merged

    @property
    def html(self) -> str:
        """The widget with the scripts that it needs."""
        return "\n".join([self.body, *self.scripts])

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<widget: {self.description}>"


def build_widget(kind: str, config: Mapping[str, object], description: str, fallback: str, store: Store) -> Widget:
    """A widget of a kind (`web/KIND.js`).

    config: what its script reads, as JSON. description: what there is to see or hear, for those who cannot. fallback:
    HTML that is shown where scripts do not run; it holds the widget's <audio> elements. Raises UserError without a
    description.
    """
    if not description.strip():
        raise UserError("a widget needs a description: say in a sentence what is to be seen or heard")
    settings = html.escape(json.dumps({"kind": kind, "description": description, **config}, ensure_ascii=False))
    body = (
        f'<div class="megami-widget" data-megami-widget="{kind}" data-code="{code_of(kind)}" '
        f'data-lm-suppress-shortcuts="true" data-config="{settings}">\n{fallback}\n</div>'
    )
    scripts = (parts_script(), widget_script(kind))
    return Widget(description, body, tuple(store.script(script.name, script.text) for script in scripts))


def together(widgets: Iterable[Widget]) -> str:
    """Several widgets on one page, each script once."""
    widgets = list(widgets)
    scripts = dict.fromkeys(tag for widget in widgets for tag in widget.scripts)
    return "\n".join([*(widget.body for widget in widgets), *scripts])
