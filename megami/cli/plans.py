"""Plans of mixes in mixes.json: written so that a decision can be applied again, and read without trust."""

from __future__ import annotations

import binascii
import json
from dataclasses import dataclass
from pathlib import Path

from megami.cli.manifest import MANIFEST
from megami.cli.mix_page import readable
from megami.errors import UserError
from megami.mixing.direction import Keep, Plan
from megami.mixing.plan_words import plan_of_words
from megami.mixing.pretrained import ENCODER_OF_FIRST_EDITION, encoder_of_plans

ENCODER = "effect_encoder"
"""In mixes.json: which effect encoder the plans come from."""
PLANS = "plans"
"""In mixes.json: by mix, what `plan_in_words` says of it."""

LARGEST_MANIFEST = 2**28  # bytes: a hundred mixes of a hundred tracks of 'paper'


@dataclass(frozen=True)
class Place:
    """A mix of a former run: where its mixes.json is, and its name in there ("mix_1"), None for the only one."""

    manifest: Path
    mix: str | None

    @classmethod
    def of(cls, text: str) -> Place:
        """Read "mixes/mix_1", "mixes/mix_1.wav", "mixes" or "mixes/mixes.json"."""
        path = Path(text)
        if path.name == MANIFEST:
            return cls(path, None)
        if (path / MANIFEST).is_file():
            return cls(path / MANIFEST, None)
        return cls(path.parent / MANIFEST, path.stem if path.suffix in (".wav", ".flac") else path.name)

    def read(self, weights: str) -> Plan:
        """The plan of that mix, which must have been made with `weights`, a preset or a folder, as they are now.

        Raises UserError where there is none.
        """
        words = self._words()
        plans = words.get(PLANS)
        if not isinstance(plans, dict) or not plans:
            raise UserError(f"{self.manifest} holds no plans: an older megami wrote it, so mix once more to have them")
        name = readable(Path(weights).name)
        if words.get("weights") != name:
            raise UserError(
                f"{self.manifest} was made with --weights {words.get('weights')}, whose plans others cannot read"
            )
        encoder = encoder_of_plans(weights)
        if words.get(ENCODER, ENCODER_OF_FIRST_EDITION.get(name, encoder)) != encoder:
            raise UserError(
                f"{self.manifest} was made with an earlier edition of the weights {name!r}, whose plans these cannot "
                "read: mix once more to have new ones"
            )
        if self.mix is None and len(plans) > 1:
            raise UserError(
                f"{self.manifest} holds {len(plans)} mixes: say which, as in {self.manifest.parent / next(iter(plans))}"
            )
        name = next(iter(plans)) if self.mix is None else self.mix
        if name not in plans:
            raise UserError(f"{self.manifest} has no {name}: it holds {', '.join(map(str, plans))}")
        try:
            return plan_of_words(plans[name])
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise UserError(f"{self.manifest}: the plan of {name} is damaged") from None

    def _words(self) -> dict:
        try:
            if self.manifest.stat().st_size > LARGEST_MANIFEST:
                raise UserError(f"{self.manifest} is too large for a list of mixes")
            words = json.loads(self.manifest.read_bytes())
        except OSError as error:
            raise UserError(
                f"{self.manifest} cannot be read ({error.strerror}): name a mix as in mixes/mix_1"
            ) from None
        except (ValueError, RecursionError):
            raise UserError(f"{self.manifest} is not a list of mixes that megami wrote") from None
        if not isinstance(words, dict):
            raise UserError(f"{self.manifest} is not a list of mixes that megami wrote")
        return words


@dataclass(frozen=True)
class Kept:
    """What `--from` and `--keep` say: all tracks of a mix, some of them, or tracks of several mixes."""

    whole: Place | None
    tracks: dict[str, Place]

    @classmethod
    def of(cls, whole: str | None, tracks: tuple[str, ...]) -> Kept:
        """Read the options. Raises UserError for a track without a mix, and for one that is named twice."""
        by_track: dict[str, Place] = {}
        for text in tracks:
            track, equals, place = text.partition("=")
            if not track or (equals and not place):
                raise UserError(f"--keep {text}: write the track and the mix, as in --keep vocal=mixes/mix_1")
            if not equals and whole is None:
                raise UserError(
                    f"--keep {text}: from which mix? Write --keep {text}=mixes/mix_1, or add --from mixes/mix_1"
                )
            if track in by_track:
                raise UserError(f"--keep {text}: {track} is kept already")
            by_track[track] = Place.of(place if equals else str(whole))
        return cls(None if whole is None or tracks else Place.of(whole), by_track)

    def read(self, weights: str) -> Keep:
        """The plans. Raises UserError where they cannot be read."""
        if self.whole is not None:
            return self.whole.read(weights)
        return {track: place.read(weights) for track, place in self.tracks.items()}

    def check_out(self, out: Path) -> None:
        """Raise UserError if a run into `out` would replace the mixes that tracks are kept from."""
        places = (place for place in (self.whole, *self.tracks.values()) if place is not None)
        folders = [place.manifest.parent for place in places]
        if out.is_dir() and any(folder.is_dir() and folder.samefile(out) for folder in folders):
            raise UserError(f"{out} holds the mix that is kept, and this run would replace it: choose another --out")

    def in_words(self) -> dict[str, str]:
        """What was kept, as mixes.json says it: by track, or 'all tracks'."""
        whole = {} if self.whole is None else {"all tracks": self.whole}
        places = {**whole, **self.tracks}
        return {track: f"{place.manifest.resolve().parent.name}/{place.mix or ''}" for track, place in places.items()}
