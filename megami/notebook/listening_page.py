"""The listening page: one web page with a player, which `megami mix --page` writes beside the mixes."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from pathlib import Path
from string import Template

from megami.errors import UserError
from megami.notebook.bundle import asset
from megami.notebook.matching import Match
from megami.notebook.page import write_page
from megami.notebook.player import build_player
from megami.notebook.recordings import Item, minus, recordings
from megami.notebook.stores import FileStore, InlineStore, Store
from megami.notebook.takes import Take, console_panel, file_links, readings_table
from megami.notebook.widget import Widget, together


def listening_page(
    path: str | Path,
    items: Sequence[Item],
    sample_rate: int,
    title: str,
    subtitle: str = "",
    captions: Sequence[str] | None = None,
    match: bool = True,
    bitrate_kbps: int = 128,
    audio_files: bool = False,
    notes: tuple[str, Sequence[str]] | None = None,
    warnings: Sequence[str] = (),
    takes: Sequence[Take] = (),
    console_note: str = "",
) -> Path:
    """Write one web page that compares recordings by ear; it needs no network and opens from disk.

    audio_files: write the sound into the folder `<page>_audio` beside the page, instead of into the page itself.
    notes: a heading and lines, folded below the player. warnings: lines that a reader should see. takes: links to
    their files, readings of their tracks as a table, and, in a tab of its own, the console of each take that has one,
    with console_note above it. The rest as in `player`. Returns the page's path. Raises UserError if it cannot be
    written, or nothing is to play.
    """
    path = Path(path)
    folder = f"{path.stem}_audio"
    store: Store = FileStore(path.parent / folder, folder) if audio_files else InlineStore()
    sound = recordings(items, sample_rate, match, bitrate_kbps)
    try:
        main = Template(asset("listening-page.html")).substitute(
            title=html.escape(title),
            subtitle=f'<p class="subtitle">{html.escape(subtitle)}</p>' if subtitle else "",
            listen=_listen(build_player(sound, "", captions, match, store, keys="page"), takes, console_note),
            warnings=_warnings(warnings),
            files=file_links(takes),
            readings=readings_table(takes),
            notes=_notes(notes),
            loudness_note=_loudness_note(sound.matches, match),
        )
        write_page(path, title, main)
    except OSError as error:
        raise UserError(f"cannot write the listening page {path}: {error.strerror or error}") from error
    return path


def _listen(player: Widget, takes: Sequence[Take], note: str) -> str:
    """The player; with consoles, these in a second tab."""
    consoles = [take.console for take in takes if take.console]
    if not consoles:
        return together([player])
    tabs = "".join(
        f'<button type="button" role="tab" id="{name}-tab" aria-controls="{name}">{label}</button>'
        for name, label in (("compare", "Compare"), ("console", "Console"))
    )
    panel = '<div id="{0}" role="tabpanel" aria-labelledby="{0}-tab">{1}</div>'.format
    scripts = dict.fromkeys(tag for widget in [player, *consoles] for tag in widget.scripts)
    return "\n".join(
        [
            f'<div class="tabs" role="tablist" aria-label="Ways to listen" hidden>{tabs}</div>',
            panel("compare", player.body),
            panel("console", console_panel(takes, note)),
            *scripts,
            f"<script>\n{asset('page.js')}</script>",
        ]
    )


def _warnings(lines: Sequence[str]) -> str:
    """What a reader should know of the song."""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f'<div class="warnings"><h2>Worth a look</h2><ul>{items}</ul></div>' if items else ""


def _notes(notes: tuple[str, Sequence[str]] | None) -> str:
    """A heading that unfolds a list; nothing where there are no lines."""
    if notes is None or not notes[1]:
        return ""
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in notes[1])
    return f'<details class="notes"><summary>{html.escape(notes[0])}</summary><ul>{lines}</ul></details>'


def _loudness_note(matches: tuple[Match, ...], match: bool) -> str:
    if not match:
        return "Levels are as they are: one gain for all."
    heard = [found.played_lufs for found in matches if math.isfinite(found.loudness_lufs)]
    if not heard:
        return "All versions are silent."
    return f"All versions are played at the same loudness, {minus(f'{heard[0]:.1f}')} LUFS: louder is not better."
