"""Which songs a catalogue holds: folders from the command line, or from a list with options for each song."""

from __future__ import annotations

import csv
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from megami.errors import UserError, as_one_line

LONGEST_NAME = 200  # bytes; below what file systems allow, for hidden folders beside it have longer names
COMMENT = "#"
MANY = ";"  # between several values in one cell


@dataclass(frozen=True)
class Listed:
    """A song as it was listed: its stems, where that was, its name if it was given one, and options of `MixJob`."""

    stems: Path
    where: str
    name: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


def yes_or_no(text: str) -> bool:
    """Read a cell that switches something on. Raises ValueError."""
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[text.lower()]


def several(text: str) -> tuple[str, ...]:
    """Read a cell that may hold several values."""
    return tuple(part.strip() for part in text.split(MANY) if part.strip())


COLUMNS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "num_mixes": ("num_mixes", int),
    "seed": ("seed", int),
    "steps": ("steps", int),
    "guidance": ("guidance", float),
    "temperature": ("temperature", float),
    "loudness": ("loudness_lufs", float),
    "format": ("format", str.lower),
    "stems": ("stems_too", yes_or_no),
    "page": ("page", yes_or_no),
    "role": ("roles", several),
    "roles_from_names": ("roles_from_names", yes_or_no),
    "use_all": ("use_all", yes_or_no),
    "mono_stems": ("mono_stems", yes_or_no),
    "wish": ("wishes", several),
    "reference": ("references", several),
    "reference_stems": ("reference_stems", Path),
    "amount": ("amounts", several),
}
"""Columns of a list beside `folder` and `name`, called as options are: field of `MixJob`, and how a cell is read."""


def listed_folders(folders: Iterable[Path]) -> list[Listed]:
    """Take folders from the command line."""
    return [Listed(folder, str(folder)) for folder in folders]


def read_list(path: Path) -> list[Listed]:
    """Read a list of songs: a folder in each line, or CSV (by its suffix) with a heading and a column `folder`.

    Folders, and references, are found from the folder of the list. Empty lines and lines that begin with # do not
    count. In a CSV an empty cell leaves an option as the command line has it. Raises UserError for a list that cannot
    be read, with the line, and for one without songs.
    """
    try:
        text = os.fsdecode(path.read_bytes()).removeprefix("\ufeff")
    except OSError as error:
        raise UserError(f"{path}: the list cannot be read ({error.strerror})") from None
    numbered = enumerate(text.split("\n"), start=1)
    lines = [(number, line) for number, line in numbered if line.strip() and not line.strip().startswith(COMMENT)]
    if path.suffix.lower() == ".csv":
        found = list(_rows(path, lines))
    else:
        found = [Listed(_found_from(path, line.strip()), _place(path, number)) for number, line in lines]
    if not found:
        raise UserError(f"{path}: lists no songs: write one folder of stems in each line")
    return found


def _rows(path: Path, lines: Sequence[tuple[int, str]]) -> Iterator[Listed]:
    """The songs of a CSV."""
    if not lines:
        return
    separator = MANY if MANY in lines[0][1] and "," not in lines[0][1] else ","  # as some spreadsheets write it
    cells = [(number, next(csv.reader([line], delimiter=separator, skipinitialspace=True))) for number, line in lines]
    heading = [title.strip().lower().replace("-", "_").replace(" ", "_") for title in cells[0][1]]
    known = ["folder", "name", *COLUMNS]
    for title in heading:
        if title not in known:
            raise UserError(f"{_place(path, cells[0][0])}: unknown column {title!r}: use {', '.join(known)}")
        if heading.count(title) > 1:
            raise UserError(f"{_place(path, cells[0][0])}: two columns are called {title!r}")
    if "folder" not in heading:
        raise UserError(f"{_place(path, cells[0][0])}: no column is called folder: a CSV begins with its headings")
    for number, row in cells[1:]:
        where = _place(path, number)
        if len(row) > len(heading):
            raise UserError(f"{where}: has {len(row)} cells, but there are {len(heading)} columns")
        said = {title: cell.strip() for title, cell in zip(heading, row, strict=False) if cell.strip()}
        if "folder" not in said:
            raise UserError(f"{where}: names no folder")
        yield Listed(_found_from(path, said["folder"]), where, said.get("name"), dict(_options(path, where, said)))


def _options(path: Path, where: str, said: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """The options of one song."""
    for title, cell in said.items():
        if title in COLUMNS:
            name, read = COLUMNS[title]
            try:
                yield name, _found(path, name, read(cell))
            except (ValueError, KeyError):
                raise UserError(f"{where}: {as_one_line(cell)!r} is no value for {title}") from None


def _found(path: Path, name: str, value: Any) -> Any:
    """A value of a list, where it names files: from the folder of the list, weights of records stay behind them."""
    if name == "references":
        return tuple(str(_found_from(path, record)) for record in value)
    return _found_from(path, value) if isinstance(value, Path) else value


def _found_from(path: Path, name: str | Path) -> Path:
    """A path in a list, from the folder of the list."""
    return path.parent / Path(name).expanduser()


def _place(path: Path, number: int) -> str:
    return f"{path.name}, line {number}"


def names_of(songs: Sequence[Listed], known: Mapping[str, str], reserved: Iterable[str] = ()) -> list[str]:
    """Give every song the name of its folder, unlike all others in whatever case: what the mixes' folder is called.

    `known` are the names of former runs by the whole path of the stems: they stay, so that what was mixed is found
    again, and no other song takes them, unless it is given such a name. Of others that are called alike, the later ones
    have the folder around theirs in front ("Album - Song"). Raises UserError for a folder that is listed twice without
    a name of its own, and for impossible names.
    """
    names: dict[int, str] = {}
    taken = {_plain(name) for name in reserved}
    by_place: dict[str, Listed] = {}
    for index, song in enumerate(songs):
        if song.name is not None:
            names[index] = _checked(song.name, song.where)
            if _plain(song.name) in taken:
                raise UserError(f"{song.where}: another song is called {song.name!r} too: give it another name")
            taken.add(_plain(song.name))
            continue
        place = str(song.stems.resolve())
        if place in by_place:
            raise UserError(
                f"{song.stems} is listed twice ({by_place[place].where}; {song.where}): in a CSV, the column `name` "
                "tells its mixes apart"
            )
        by_place[place] = song
    for index, song in enumerate(songs):
        before = known.get(str(song.stems.resolve()))
        if index not in names and before is not None and _plain(before) not in taken:
            names[index] = before
            taken.add(_plain(before))
    taken |= {_plain(name) for name in known.values()}
    for index, song in enumerate(songs):
        if index not in names:
            names[index] = next(name for name in _possible_names(song.stems) if _plain(name) not in taken)
            taken.add(_plain(names[index]))
    return [names[index] for index in range(len(songs))]


def _possible_names(stems: Path) -> Iterator[str]:
    """Names for a folder, the shortest first."""
    place = stems.resolve()
    parts = [part for part in (place.with_suffix("") if place.is_file() else place).parts if part != place.anchor]
    name = ""
    for part in reversed(parts or ["song"]):
        name = _shortened(f"{part} - {name}" if name else part)
        yield f"_{name}" if name.startswith((".", "-")) else name
    number = 2
    while True:
        yield f"{_shortened(name)} ({number})"
        number += 1


def _shortened(name: str) -> str:
    """A name that file systems allow, whose end tells."""
    return (
        os.fsencode(name)[-LONGEST_NAME:].decode("utf-8", "ignore") if len(os.fsencode(name)) > LONGEST_NAME else name
    )


def _plain(name: str) -> str:
    """What two names must not have in common: some disks make no difference of capitals, or of forms of accents."""
    return unicodedata.normalize("NFC", name).casefold()


def _checked(name: str, where: str) -> str:
    """A name that was given. Raises UserError unless it can be the name of a visible folder."""
    if name != Path(name).name or "\\" in name or "\0" in name or name.startswith("."):
        raise UserError(f"{where}: {as_one_line(name)!r} cannot be the name of a folder")
    if len(os.fsencode(name)) > LONGEST_NAME:
        raise UserError(f"{where}: the name is longer than {LONGEST_NAME} bytes")
    return name
