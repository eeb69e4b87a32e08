"""Decks as files: a page for each chapter, a page of all, and beside them everything that they load.

reveal.js shows the slides (MIT licence, by Hakim El Hattab); its files come with the package sphinx-revealjs, of which
nothing else is used. MathJax, colours of code, pictures and sound are those of the built book.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from string import Template

from megami.errors import UserError
from megami.notebook.bundle import asset
from megami.notebook.slides import Deck, Slide

PARTS = "_parts"  # the folder of scripts and styles
INDEX = "index.html"
BOOK = "MEGAMI: generative automatic mixing"
KEYS = (
    (("→", "Space"), "next"),
    (("←",), "back"),
    (("S",), "speaker's window: notes, clock, next slide"),
    (("F",), "full screen"),
    (("T",), "light or dark"),
    (("O",), "all slides at once"),
    (("Esc",), "from a player back to the slides"),
)
_REVEAL = {
    "reveal.js": "dist/reveal.js",
    "reveal.css": "dist/reveal.css",
    "notes.js": "plugin/notes/notes.js",
    "reveal-LICENSE.txt": "LICENSE",
}
_BESIDE = re.compile(r'\b(src|href|data-src)="((?:\.\./)*(?:_audio|_images|_downloads)/[^"#?]+)"')


def deck_files(decks: Sequence[Deck], built: Path) -> dict[str, bytes]:
    """All files of a folder of slides, by their paths in it.

    built: the folder of the built book's pages, `_build/html/book`. Raises UserError if a file is missing there, or if
    reveal.js is not installed.
    """
    files: dict[str, bytes] = {}
    for deck in decks:
        page = deck_page(deck)
        for _, address in _BESIDE.findall(page):
            files.setdefault(_own_place(address), _read(built / html.unescape(address)))
        files[f"{deck.name}.html"] = _BESIDE.sub(lambda found: f'{found[1]}="{_own_place(found[2])}"', page).encode()
    files[INDEX] = index_page(decks).encode()
    return files | _parts(built.parent / "_static")


def deck_page(deck: Deck) -> str:
    """The page of one deck, with the addresses of pictures and sound as the book's page has them."""
    plain_title = re.sub(r"<[^>]*>", "", deck.title)
    columns: list[list[Slide]] = []
    for slide in deck.slides:
        if slide.below and columns:
            columns[-1].append(slide)
        else:
            columns.append([slide])
    keys = " ".join(f"<span>{_caps(names)} {said}</span>" for names, said in KEYS[:5])
    title = (
        f'<section><div class="body title"><h1>{deck.title}</h1><p>{html.escape(BOOK)}</p>'
        f'<p class="keys">{keys}</p></div></section>'
    )
    sections = [title]
    for column in columns:
        inner = "\n".join(_section(slide, deck.title) for slide in column)
        sections.append(f"<section>\n{inner}\n</section>" if len(column) > 1 else inner)
    return _fill("slides.html", title=f"{plain_title}: slides", slides="\n".join(sections), parts=PARTS)


def index_page(decks: Sequence[Deck]) -> str:
    """The page that leads to all decks."""
    cards = "\n".join(map(_card, decks))
    keys = "\n".join(f"<tr><td>{_caps(names)}</td><td>{said}</td></tr>" for names, said in KEYS)
    said = (
        "Slides for teaching, cut out of the chapters. Players, moving pictures and quizzes work as they do in the "
        "book. To print a deck, or to save it as PDF, add <code>?print-pdf</code> to its address and print the page."
    )
    return _fill("slides-index.html", title=f"Slides of {BOOK}", said=said, cards=cards, keys=keys, parts=PARTS)


def _section(slide: Slide, title: str) -> str:
    notes = f'<aside class="notes">{slide.notes}</aside>' if slide.notes else ""
    body = f'<div class="body"><h2>{slide.heading}</h2>{slide.body}<footer>{title}</footer></div>'
    return f"<section>{body}{notes}</section>"


def _card(deck: Deck) -> str:
    link = f'<a href="{html.escape(deck.name)}.html"><b>{deck.title}</b><span>{len(deck.slides) + 1} slides</span></a>'
    return f"<li>{link}</li>"


def _caps(names: Sequence[str]) -> str:
    return " or ".join(f"<kbd>{name}</kbd>" for name in names)


def _fill(name: str, **values: str) -> str:
    return Template(asset(name)).substitute(values)


def _own_place(address: str) -> str:
    """Where a file of the book lies among the slides: `../_images/a.png` in `_images/a.png`."""
    return html.unescape(posixpath.normpath(address).lstrip("./"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"the built book lacks {path.name}: run make book ({error.strerror})") from error


def _parts(static: Path) -> dict[str, bytes]:
    """Scripts and styles: reveal.js, ours, and what the built book has for code and formulas."""
    reveal = _reveal_folder()
    files = {name: _read(reveal / place) for name, place in _REVEAL.items()}
    files |= {name: asset(name).encode() for name in ("slides.css", "slides.js", "slides-theme.js")}
    files["pygments.css"] = _read(static / "pygments.css")
    mathjax = static / "mathjax"
    found = sorted(path for path in mathjax.rglob("*") if path.is_file())
    if not found:
        raise UserError("the built book has no MathJax: run make book")
    files |= {f"mathjax/{path.relative_to(mathjax).as_posix()}": _read(path) for path in found}
    return {f"{PARTS}/{name}": data for name, data in files.items()}


def _reveal_folder() -> Path:
    """The folder of reveal.js in the installed package. Raises UserError if it is not installed."""
    package = find_spec("sphinx_revealjs")
    if package is None or package.origin is None:
        raise UserError("sphinx-revealjs, which brings reveal.js, is not installed: run make setup")
    return Path(package.origin).parent / "_static" / "revealjs"
