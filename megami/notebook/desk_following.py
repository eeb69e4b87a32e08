"""What the field "references" of the desk says: records with weights, and a folder of wet stems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from megami.errors import UserError
from megami.mixing.reference import read_weighted

BETWEEN = ";"
WORDS = "finished mixes, each as FILE or FILE:WEIGHT, and a folder of another song's wet stems, with semicolons between"


@dataclass(frozen=True)
class Followed:
    """Records and their weights, and a folder of wet stems of another song or None."""

    records: tuple[tuple[Path, float], ...] = ()
    stems: Path | None = None

    @staticmethod
    def read(text: str) -> Followed:
        """Read "a.wav:2; b.wav; other_song/". Raises UserError for what is not there, and for a second folder."""
        records: list[tuple[Path, float]] = []
        folders: list[Path] = []
        for part in filter(None, (part.strip() for part in text.split(BETWEEN))):
            path, weight = read_weighted(str(Path(part).expanduser()))
            if path.is_dir() and weight != 1:
                raise UserError(f"{path} is a folder of wet stems, which has no weight: leave the :{weight:g} away")
            if path.is_dir():
                folders.append(path)
            elif path.is_file():
                records.append((path, weight))
            else:
                raise UserError(f"{path} is no file and no folder: give {WORDS}")
        if len(folders) > 1:
            raise UserError(
                f"{folders[1]}: stems of one song can be followed at a time, and {folders[0]} are some already"
            )
        return Followed(tuple(records), folders[0] if folders else None)


def named(text: str) -> str:
    """The same in a few words, for the caption of a take, whether it is there or not: "a.wav:2, b.wav"."""
    return ", ".join(Path(part.strip()).name for part in text.split(BETWEEN) if part.strip())
