"""Pages with widgets on them, made for the tests, and what is inside."""

from __future__ import annotations

import html
from pathlib import Path

import torch

from megami.notebook.widget import together

SAMPLE_RATE = 44100


def tone(hz: float, seconds: float, gain: float = 0.2, channels: int = 2) -> torch.Tensor:
    """A sine [channels, samples]."""
    time = torch.arange(round(seconds * SAMPLE_RATE), dtype=torch.float64) / SAMPLE_RATE
    return (gain * torch.sin(2 * torch.pi * hz * time)).float().expand(channels, -1).clone()


def open_file(driver: object, path: Path) -> None:
    """Load a page from disk, until it is drawn."""
    driver.get(path.resolve().as_uri())
    drawn(driver)


def drawn(driver: object) -> None:
    """Wait until the page was laid out and drawn: a click before that may meet what moves away under it."""
    driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def written_page(path: Path, *widgets: object, ground: str = "white") -> Path:
    """A page from disk with widgets on it, on a light or dark ground."""
    colour = "black" if ground == "white" else "white"
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Widgets</title>'
        '<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body style="background: {ground}; color: {colour}; margin: 8px">'
        f"<main>{together(widgets)}</main></body></html>",
        encoding="utf-8",
    )
    return path


def sandboxed(path: Path, inner: str) -> Path:
    """A page that shows another in a frame that may run scripts and nothing else, as Colab shows outputs."""
    frame = '<iframe sandbox="allow-scripts" style="width: 100%; height: 1600px" title="Output" srcdoc="{}"></iframe>'
    outer = f'<!DOCTYPE html><html lang="en"><title>Outer</title><body>{frame.format(html.escape(inner))}</body></html>'
    path.write_text(outer, encoding="utf-8")
    return path


def shadow_parts(driver: object, selector: str, number: int = 0) -> list:
    """Elements inside a widget of the page."""
    host = driver.find_elements("css selector", ".megami-widget")[number]
    return host.shadow_root.find_elements("css selector", selector)
