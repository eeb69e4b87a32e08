"""What a listening page says of each take: where its file is, what was measured of its tracks, a console over them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from megami.notebook.recordings import minus
from megami.notebook.widget import Widget


@dataclass(frozen=True)
class TrackReading:
    """A track in a mix: level in dB, pan from -1 (left) to 1 (right), width as side over mid energy; None: silent."""

    level_db: float | None
    pan: float | None
    width: float | None


@dataclass(frozen=True)
class Take:
    """A take on a page: its name, its file (relative to the page), readings of its tracks, a console over them."""

    name: str
    file: str = ""
    tracks: Mapping[str, TrackReading] = field(default_factory=dict)
    console: Widget | None = None


def file_links(takes: Sequence[Take]) -> str:
    """A list of links to the files of the takes."""
    links = [
        f'<li><a href="{html.escape(quote(take.file))}">{html.escape(take.name)}</a> '
        f"<small>{html.escape(take.file)}</small></li>"
        for take in takes
        if take.file
    ]
    return f'<h2>Files</h2><ul class="files">{"".join(links)}</ul>' if links else ""


def readings_table(takes: Sequence[Take]) -> str:
    """Level, pan and width of every track in every take, as a table that scrolls by itself."""
    takes = [take for take in takes if take.tracks]
    if not takes:
        return ""
    names = list(dict.fromkeys(name for take in takes for name in take.tracks))
    groups = "".join(f'<th scope="colgroup" colspan="3">{html.escape(take.name)}</th>' for take in takes)
    heads = '<th scope="col">Level</th><th scope="col">Pan</th><th scope="col">Width</th>' * len(takes)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>{"".join(_cells(take.tracks.get(name)) for take in takes)}</tr>'
        for name in names
    )
    return (
        '<h2>What each take does</h2><div class="scroll" tabindex="0" role="region" '
        'aria-label="Level, pan and width of every track in every take"><table><thead>'
        f'<tr><td></td>{groups}</tr><tr><th scope="col">Track</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        "<p>Level: the loudest 400 ms, in dB below full scale. Pan: right minus left energy, from 100 % left to "
        "100 % right. Width: energy of side over energy of mid; 0 is mono.</p>"
    )


def _cells(reading: TrackReading | None) -> str:
    """The three cells of a track in a take."""
    if reading is None or reading.level_db is None:
        return '<td colspan="3">silent</td>'
    width = "" if reading.width is None else f"{reading.width:.2f}"
    return f"<td>{minus(f'{reading.level_db:.1f}')} dB</td><td>{_side(reading.pan)}</td><td>{width}</td>"


def _side(pan: float | None) -> str:
    """Where a track stands, in words."""
    if pan is None:
        return ""
    percent = round(100 * abs(pan))
    return "centre" if percent == 0 else f"{percent} % {'left' if pan < 0 else 'right'}"


def console_panel(takes: Sequence[Take], note: str = "") -> str:
    """The consoles of the takes, one of which is shown at a time; empty where there is none."""
    takes = [take for take in takes if take.console]
    if not takes:
        return ""
    options = "".join(f"<option>{html.escape(take.name)}</option>" for take in takes)
    consoles = "".join(f'<div class="take">{take.console.body}</div>' for take in takes if take.console)
    return (
        f'<p class="take-choice"><label>Tracks of <select>{options}</select></label> '
        f"<span>{html.escape(note)}</span></p>{consoles}"
    )
