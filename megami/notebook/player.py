"""The player: compare several versions of a song by ear, in a notebook, in the built book, or on a page of its own."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

import torch

from megami.audio import SAMPLE_RATE, db_to_gain, resample
from megami.errors import UserError
from megami.notebook.compress import MEDIA_TYPES, PAGE_RATES, compress, page_audio_suffix
from megami.notebook.matching import Match, keep_balance, match_loudness
from megami.notebook.overview import overview

Item = tuple[str, torch.Tensor]
BOOK_AUDIO_FOLDER = "MEGAMI_BOOK_AUDIO"  # set while the book is built (book/_ext/book_build.py)
_SCRIPTS = ("engine.js", "drawing.js", "lane.js", "player.js")


@dataclass(frozen=True)
class Player:
    """A player as HTML: notebooks show it by themselves; `html` may be put into any page, several on one."""

    html: str
    description: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<player: {self.description}>"


def player(
    items: Sequence[Item],
    sample_rate: int,
    title: str = "",
    captions: Sequence[str] | None = None,
    match: bool = True,
    bitrate_kbps: int = 128,
) -> Player:
    """Compare recordings by ear: switching keeps the place in the song, and all are played equally loud.

    items: (title, audio [channels, samples]) each, mono or stereo; shorter ones are padded with silence.
    captions: one line for each item. match: play all at one loudness; False keeps their balance (stems of one song).
    Works without a kernel, loads nothing from elsewhere. While the book is built, the sound is written into files
    beside the page, so that pages stay light. Raises UserError if there is nothing to play.
    """
    folder = os.environ.get(BOOK_AUDIO_FOLDER)
    store = _FileStore(Path(folder), Path(folder).name, shared=True) if folder else _InlineStore()
    return _build(items, sample_rate, title, captions, match, bitrate_kbps, store, keys="focus")[0]


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
    store = _FileStore(path.parent / folder, folder, shared=False) if audio_files else _InlineStore()
    try:
        body, matches = _build(items, sample_rate, "", captions, match, bitrate_kbps, store, keys="page")
        page = Template(_asset("page.html")).substitute(
            title=html.escape(title),
            style=_asset("page.css"),
            subtitle=f'<p class="subtitle">{html.escape(subtitle)}</p>' if subtitle else "",
            player=body.html,
            notes=_notes(notes),
            loudness_note=_loudness_note(matches, match),
        )
        _write_whole(path, page.encode())
    except OSError as error:
        raise UserError(f"cannot write the listening page {path}: {error.strerror or error}") from error
    return path


def _notes(notes: tuple[str, Sequence[str]] | None) -> str:
    """A heading that unfolds a list; nothing where there are no lines."""
    if notes is None or not notes[1]:
        return ""
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in notes[1])
    return f'<details class="notes"><summary>{html.escape(notes[0])}</summary><ul>{lines}</ul></details>'


def _build(
    items: Sequence[Item],
    sample_rate: int,
    title: str,
    captions: Sequence[str] | None,
    match: bool,
    bitrate_kbps: int,
    store: _InlineStore | _FileStore,
    keys: str,
) -> tuple[Player, tuple[Match, ...]]:
    titles, audios = _checked(items, captions)
    if sample_rate not in PAGE_RATES:
        audios, sample_rate = [resample(audio, sample_rate, SAMPLE_RATE) for audio in audios], SAMPLE_RATE
    audios = _alike(audios)
    matches = (match_loudness if match else keep_balance)(audios, sample_rate)
    audios = [audio * db_to_gain(found.gain_db) for audio, found in zip(audios, matches, strict=True)]
    compressed = [compress(audio, sample_rate, bitrate_kbps) for audio in audios]
    identity = hashlib.blake2s(b"".join([title.encode(), *compressed]), digest_size=5).hexdigest()
    sources = [
        store.put(identity, f"{number:02d}-{_slug(name)}", data)
        for number, (name, data) in enumerate(zip(titles, compressed, strict=True), start=1)
    ]
    reference = max(float(audio.abs().max()) for audio in audios)
    config = {
        "title": title,
        "seconds": audios[0].shape[-1] / sample_rate,
        "sampleRate": sample_rate,
        "channels": audios[0].shape[0],
        "keys": keys,
        "items": [
            _item_config(name, caption, found, match, overview(audio, sample_rate, reference))
            for name, caption, found, audio in zip(titles, captions or [""] * len(titles), matches, audios, strict=True)
        ],
    }
    description = f"{len(titles)} items of {config['seconds']:.1f} s: {', '.join(titles)}"
    return Player(_fragment(identity, config, titles, sources), description), matches


def _checked(items: Sequence[Item], captions: Sequence[str] | None) -> tuple[list[str], list[torch.Tensor]]:
    if not items:
        raise UserError("nothing to play: give at least one (title, audio) pair")
    if captions is not None and len(captions) != len(items):
        raise UserError(f"{len(items)} items but {len(captions)} captions: give one caption for each item")
    audios = [torch.as_tensor(audio).detach().to("cpu", torch.float32) for _, audio in items]
    audios = [audio[None] if audio.ndim == 1 else audio for audio in audios]
    for (name, _), audio in zip(items, audios, strict=True):
        if audio.ndim != 2 or audio.shape[0] not in (1, 2) or audio.shape[1] == 0:
            raise UserError(f"cannot play {name!r}: expected audio [1 or 2 channels, samples], got {list(audio.shape)}")
        if not bool(torch.isfinite(audio).all()):
            raise UserError(f"cannot play {name!r}: the audio holds NaN or infinite samples")
    return [str(name) for name, _ in items], audios


def _alike(audios: list[torch.Tensor]) -> list[torch.Tensor]:
    """All of one length, and all stereo if one is: equal files start after equal delays of the decoder."""
    longest = max(audio.shape[-1] for audio in audios)
    channels = max(audio.shape[0] for audio in audios)
    return [torch.nn.functional.pad(audio, (0, longest - audio.shape[-1])).expand(channels, -1) for audio in audios]


def _item_config(name: str, caption: str, found: Match, match: bool, picture: bytes) -> dict[str, str]:
    silent = not math.isfinite(found.loudness_lufs)
    level = "silent" if silent else _minus(f"{found.loudness_lufs:.1f}\N{NO-BREAK SPACE}LUFS")
    change = _minus(f"{found.gain_db:+.1f}\N{NO-BREAK SPACE}dB")
    if match and not silent and abs(found.gain_db) >= 0.05:
        level += f", played {change}"
    explained = "" if silent else f"Integrated loudness {level.split(',')[0]}; played with a gain of {change}"
    return {
        "title": name,
        "caption": caption,
        "level": level,
        "levelLong": explained,
        "overview": base64.b64encode(picture).decode(),
    }


def _fragment(identity: str, config: dict[str, object], titles: list[str], sources: list[str]) -> str:
    """Plain <audio> elements that work without scripts, and the script that puts the player in their place."""
    audio = "\n".join(
        f"<figure><figcaption>{html.escape(name)}</figcaption>"
        f'<audio controls preload="none" src="{html.escape(source)}" aria-label="{html.escape(name)}"></audio></figure>'
        for name, source in zip(titles, sources, strict=True)
    )
    start = (
        f"for (const host of document.querySelectorAll('[data-megami-player=\"{identity}\"]')) "
        "if (!host.shadowRoot) new MegamiPlayer(host, TEMPLATE, STYLE);"
    )
    script = "\n".join(
        [
            "(() => {",
            *map(_asset, _SCRIPTS),
            f"const TEMPLATE = {_in_script(_asset('player.html'))};",
            f"const STYLE = {_in_script(_asset('player.css'))};",
            start,
            "})();",
        ]
    )
    settings = html.escape(json.dumps(config, ensure_ascii=False))
    return (
        f'<div class="megami-player" data-megami-player="{identity}" data-lm-suppress-shortcuts="true" '
        f'data-player="{settings}">\n{audio}\n</div>\n<script>\n{script}\n</script>'
    )


def _loudness_note(matches: tuple[Match, ...], match: bool) -> str:
    if not match:
        return "Levels are as they are: one gain for all."
    heard = [found.played_lufs for found in matches if math.isfinite(found.loudness_lufs)]
    if not heard:
        return "All versions are silent."
    return f"All versions are played at the same loudness, {_minus(f'{heard[0]:.1f}')} LUFS: louder is not better."


class _InlineStore:
    """Sound inside the page, as data: URLs."""

    def put(self, identity: str, name: str, data: bytes) -> str:
        return f"data:{MEDIA_TYPES[page_audio_suffix()]};base64,{base64.b64encode(data).decode()}"


@dataclass(frozen=True)
class _FileStore:
    """Sound in files of a folder, which the page reaches as `url`; `shared` if several players write into it."""

    folder: Path
    url: str
    shared: bool

    def put(self, identity: str, name: str, data: bytes) -> str:
        file = f"{identity}-{name}.{page_audio_suffix()}" if self.shared else f"{name}.{page_audio_suffix()}"
        _write_whole(self.folder / file, data)
        return f"{self.url}/{file}"


def _write_whole(path: Path, data: bytes) -> None:
    """All of the file or none of it: written beside, then moved into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@cache
def _asset(name: str) -> str:
    return resources.files("megami.notebook").joinpath(name).read_text(encoding="utf-8")


def _in_script(text: str) -> str:
    """A JavaScript string literal that is safe inside <script>."""
    return json.dumps(text).replace("</", "<\\/")


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "audio"
