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
from megami.notebook.player import build_player
from megami.notebook.recordings import Item, minus, recordings
from megami.notebook.stores import FileStore, InlineStore, Store, write_whole
from megami.notebook.widget import together


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
) -> Path:
    """Write one web page that compares recordings by ear; it needs no network and opens from disk.

    audio_files: write the sound into the folder `<page>_audio` beside the page, instead of into the page itself.
    notes: a heading and lines, folded below the player. The rest as in `player`. Returns the page's path. Raises
    UserError if it cannot be written, or nothing is to play.
    """
    path = Path(path)
    folder = f"{path.stem}_audio"
    store: Store = FileStore(path.parent / folder, folder) if audio_files else InlineStore()
    sound = recordings(items, sample_rate, match, bitrate_kbps)
    try:
        page = Template(asset("page.html")).substitute(
            title=html.escape(title),
            style=asset("page.css"),
            subtitle=f'<p class="subtitle">{html.escape(subtitle)}</p>' if subtitle else "",
            player=together([build_player(sound, "", captions, match, store, keys="page")]),
            notes=_notes(notes),
            loudness_note=_loudness_note(sound.matches, match),
        )
        write_whole(path, page.encode())
    except OSError as error:
        raise UserError(f"cannot write the listening page {path}: {error.strerror or error}") from error
    return path


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
