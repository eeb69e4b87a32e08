"""The mixing desk without its face: songs, takes, what is wanted of the next one, trims, and what is exported."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from torch import Tensor

from megami.audio import Multitrack, kept_large, resample
from megami.audio.track_names import roles_of_names
from megami.errors import SongWarning, UserError
from megami.mixing.direction import Direction, Plan
from megami.mixing.mix import Mix, mix_rate
from megami.mixing.mixer import Mixer
from megami.mixing.pretrained import encoder_of_plans
from megami.mixing.reference import Reference
from megami.mixing.trim import Trim, trimmed
from megami.mixing.wet_stems import hear_wet_stems
from megami.mixing.wishes import WHOLE_MIX, Wish, check_wish, measure_named
from megami.notebook.desk_files import export_take, read_song
from megami.notebook.desk_following import Followed
from megami.notebook.desk_state import DeskState, DeskTake, StateFile, free_place
from megami.notebook.recordings import Item, slug
from megami.progress import Progress, silent
from megami.session.new_files import appearing_beside

HELD_MIXES = 2  # with all wet tracks; others are rendered again when they are needed


class DeskSession:
    """A song on the desk, its takes, and what is wanted of the next: everything but the controls.

    What is decided is written into `folder`/desk.json at once, and read from there by the next desk in that folder; its
    takes are heard again after `restore`. weights: of a preset, or a folder; those of the file where there is one.
    seconds: only so much of a song is taken, its loudest passage, for trying out. Sampling steps are the preset's
    unless given. Long work takes a progress, and may be ended by raising from it: what was finished stays. Raises
    UserError where desk.json is no desk's, or of other weights. The chapter on the whole system shows the desk.
    """

    def __init__(
        self,
        folder: str | Path = "desk",
        weights: str | Path | None = None,
        seconds: float | None = None,
        steps: int | None = None,
        loudness_lufs: float = -16.0,
        device: str = "auto",
    ) -> None:
        self.folder, self.seconds, self.steps, self.loudness_lufs = Path(folder), seconds, steps, loudness_lufs
        self._device, self._lock, self._file = device, threading.RLock(), StateFile(self.folder)
        found = self._file.read()
        if found is not None and weights is not None and found.weights != str(weights):
            raise UserError(
                f"{self._file.path} was made with the weights {found.weights!r}: leave them, or choose another folder"
            )
        self.state = found or DeskState("small" if weights is None else str(weights))
        encoder = encoder_of_plans(self.state.weights)
        if self.state.takes and self.state.encoder not in ("", encoder):
            raise UserError(
                f"{self._file.path} was made with an earlier edition of the weights {self.state.weights!r}, whose "
                "takes these cannot read: choose another folder"
            )
        self.state.encoder = encoder
        self.song: Multitrack | None = None
        self.notes: list[str] = []  # what was odd in the last work
        self._audio: dict[str, Tensor] = {}  # of takes, trimmed: [2, samples] each
        self._mixes: dict[str, Mix] = {}  # of the last takes that were needed, not trimmed

    @cached_property
    def mixer(self) -> Mixer:
        """The networks, loaded when they are first needed."""
        return Mixer.from_pretrained(self.state.weights, self._device)

    # ---- the song ----

    def load(self, place: str | Path, progress: Progress = silent) -> str:
        """Put a song on the desk: a folder of stems, or a sample song by name. Returns a line about it.

        Takes of another song are set aside, into a file beside desk.json. Raises UserError for what is no song.
        """
        song = self._read(str(place), progress)
        path = Path(place).expanduser()
        said, aside = str(path.resolve()) if path.exists() else str(place), ""  # else a sample song
        with self._lock:
            if self.state.song != said:
                if self.state.takes:
                    file = self._file.set_aside(Path(self.state.song).name)
                    aside = f"; the takes of {Path(self.state.song).name} are kept in {file.name}"
                self.state = DeskState(self.state.weights, said, encoder=self.state.encoder)
                self._audio.clear()
                self._mixes.clear()
            self.song = song
            self.save()
        return f"{Path(said).name}: {len(song.names)} tracks of {song.seconds:.1f} s{aside}"

    def upload(self, files: Mapping[str, bytes], progress: Progress = silent) -> str:
        """Write uploaded stems into a folder of their own, where nothing is yet, and put them on the desk."""
        if not files:
            raise UserError("no files were uploaded: choose the stems of one song")
        target = free_place(self.folder / "uploaded")
        with appearing_beside(target) as partial:
            (partial / target.name).mkdir()
            for name, data in files.items():
                (partial / target.name / Path(name).name).write_bytes(data)
        return self.load(target, progress)

    def restore(self, progress: Progress = silent) -> str:
        """Read the song of desk.json again, and make its takes heard. Raises UserError where the song is gone."""
        if not self.state.song:
            return "nothing on the desk yet: load a song"
        if self.song is None:
            self.song = self._read(self.state.song, progress)
        for take in list(self.state.takes.values()):
            if take.name not in self._audio:
                self._hear(take, progress)
        return f"{Path(self.state.song).name} is on the desk again, with {len(self.state.takes)} takes"

    def _read(self, place: str, progress: Progress) -> Multitrack:
        progress("reading", 0, 1)
        with self._noting():
            return read_song(place, self.seconds)

    # ---- what is wanted of the next take ----

    def keep(self, track: str, take: str | None) -> None:
        """Keep a track as it is in a take; None: draw it anew. Raises UserError for unknown ones."""
        self._check_track(track)
        with self._lock:
            self.state.keep.pop(track, None)
            if take is not None:
                self.state.keep[track] = self.take(take).name
            self.save()

    def wish(self, track: str, measure: str, db: float) -> None:
        """Wish for a change of a track, or of "mix", in dB from the take without the wish; 0: no wish.

        Measures are those of `megami.mixing.MEASURES`. Raises UserError for unknown ones and impossible values.
        """
        if track != WHOLE_MIX:
            self._check_track(track)
        found = measure_named(measure)
        check_wish(found, Wish(db, "by"))
        with self._lock:
            wishes = self.state.wishes.setdefault(track, {})
            wishes.pop(found.name, None)
            if db:
                wishes[found.name] = float(db)
            if not wishes:
                del self.state.wishes[track]
            self.save()

    def follow(self, references: str) -> None:
        """Draw the next takes after records, and like wet stems: "a.wav:2; b.wav; folder"; an empty text for none.

        Raises UserError for what is not there, and for a second folder.
        """
        Followed.read(references)
        with self._lock:
            self.state.reference = references.strip()
            self.save()

    def trust_names(self, trust: bool) -> None:
        """Whether the next takes hear tracks as what their names say, not as what they sound like."""
        with self._lock:
            self.state.names_trusted = bool(trust)
            self.save()

    # ---- takes ----

    def take(self, name: str) -> DeskTake:
        """The take of that name. Raises UserError where there is none."""
        if name not in self.state.takes:
            raise UserError(f"there is no {name}: draw a take first" if name else "no take is chosen: draw one first")
        return self.state.takes[name]

    def draw(self, count: int = 1, progress: Progress = silent) -> str:
        """Draw takes that follow what is wanted; those that are finished stay if it is ended before. Returns a line.

        Raises UserError without a song, and where what is wanted cannot be.
        """
        song, state = self._song(), self.state
        keep = {track: self.take(name).plan for track, name in state.keep.items()}
        wishes = {track: {what: Wish(db, "by") for what, db in some.items()} for track, some in state.wishes.items()}
        following = Followed.read(state.reference)
        records = tuple(Reference.of(path, weight) for path, weight in following.records if weight)
        stems = None if following.stems is None else hear_wet_stems(self.mixer, following.stems)
        made = state.wanted(song.names)
        sampling = self.mixer.preset.sampling.but(steps=self.steps)
        roles = roles_of_names(song.names) if state.names_trusted else {}
        direction, seed = Direction(keep, wishes, references=records, stems=stems), state.drawn
        names = []
        with self._noting():
            mixes = self.mixer.iterate_mixes(
                song, count, sampling, seed, self.loudness_lufs, progress, roles, direction=direction
            )
            for mix in mixes:
                names.append(self._add(mix, seed, made))
        return f"drawn: {', '.join(names)}{f' ({made})' if made else ''}"

    def take_amount(self, name: str, amount: float, progress: Progress = silent) -> str:
        """Make another take that does only so much of what a take does, 0 to 1; trims stay. Returns a line."""
        take = self.take(name)
        mix = self.mix(name, progress)
        progress("amount", 0, 1)
        with self._noting():
            less = mix.amount(amount)
        progress("amount", 1, 1)  # where it can still be ended before it counts
        made = f"{100 * amount:.0f} % of {name}"
        return f"made: {self._add(less, take.seed, made, take.trims)} ({made})"

    def drop(self, name: str) -> str:
        """Forget a take, and keep no track from it any more."""
        with self._lock:
            del self.state.takes[self.take(name).name]
            self.state.keep = {track: take for track, take in self.state.keep.items() if take != name}
            if self.state.chosen == name:
                self.state.chosen = next(reversed(self.state.takes), "")
            self._audio.pop(name, None)
            self._mixes.pop(name, None)
            self.save()
        return f"{name} is gone"

    def choose(self, name: str) -> None:
        """Say which take trims, amounts and exports are about."""
        with self._lock:
            self.state.chosen = self.take(name).name
            self.save()

    def trim(self, name: str, track: str, gain_db: float = 0.0, pan: float = 0.0) -> None:
        """Turn a track of a take up or down (dB) and pan it (-1 left to 1 right); heard after `hear`."""
        self._check_track(track)
        with self._lock:
            trims = self.take(name).trims
            trims.pop(track, None)
            if (trim := Trim(float(gain_db), float(pan))) != Trim():
                trims[track] = trim
            self.save()

    def hear(self, name: str, progress: Progress = silent) -> str:
        """Make a take heard as it is trimmed now. Returns a line."""
        self._hear(self.take(name), progress)
        return f"{name} is heard as it is trimmed"

    def mix(self, name: str, progress: Progress = silent) -> Mix:
        """The mix of a take without its trims, rendered again from its plan where it is not at hand."""
        take = self.take(name)
        if name not in self._mixes:
            with self._noting():
                (mix,) = self.mixer.mix(
                    self._song(),
                    steps=1,  # nothing is drawn: the plan is there
                    seed=take.seed,
                    loudness_lufs=self.loudness_lufs,
                    progress=progress,
                    keep=take.plan,
                )
            self._hold(name, mix)
        return self._mixes[name]

    def heard(self) -> tuple[list[Item], list[str]]:
        """What there is to compare, as the player takes it: the dry sum and the takes; and a caption for each."""
        song = self._song()
        items: list[Item] = [("Dry sum", resample(song.sum(), song.sample_rate, self.rate))]
        captions = ["the tracks as they are"]
        for name, audio in list(self._audio.items()):
            items.append((name, audio))
            captions.append(self.state.takes[name].caption)
        return items, captions

    @property
    def rate(self) -> int:
        """The sample rate of what is heard, in hertz."""
        return mix_rate(self._song().sample_rate)

    # ---- out ----

    def export(self, name: str, form: str = "dawproject", progress: Progress = silent) -> str:
        """Write a take as it is trimmed: mix.wav, stems/, settings.json and a session, in a new folder. Returns a line.

        The folder is named after the take, with a number where there is one already: nothing is written over. form:
        "dawproject" or "rpp". Raises UserError where the place cannot be written.
        """
        take = self.take(name)
        mix = trimmed(self.mix(name, progress), take.trims, self.loudness_lufs)
        target = free_place(self.folder / slug(name))
        export_take(mix, take, self.state, target, form, progress)
        return f"{name} is in {target}: mix, stems, settings and session"

    def save(self) -> None:
        """Write down what was decided. Raises UserError where that cannot be."""
        with self._lock:
            self._file.write(self.state)

    # ---- inside ----

    def _song(self) -> Multitrack:
        if self.song is None:
            raise UserError("no song is on the desk: load one first")
        return self.song

    def _check_track(self, track: str) -> None:
        if track not in self._song().names:
            raise UserError(f"the song has no track {track!r}: it has {', '.join(self._song().names)}")

    def _add(self, mix: Mix, seed: int, made: str, trims: Mapping[str, Trim] | None = None) -> str:
        """A new take; returns its name."""
        with self._lock:
            self.state.drawn += 1
            name = f"Take {self.state.drawn}"
            wishes = [outcome.as_dict() for outcome in mix.outcomes]
            plan = Plan(mix.names, mix.embeddings)
            take = self.state.takes[name] = DeskTake(name, seed, plan, made, dict(trims or {}), wishes)
            self._hold(name, mix)
            self._hear(take, silent)
            self.state.chosen = name
            self.save()
        return name

    def _hear(self, take: DeskTake, progress: Progress) -> None:
        mix = trimmed(self.mix(take.name, progress), take.trims, self.loudness_lufs)
        self._audio[take.name] = kept_large(mix.audio, 4)

    def _hold(self, name: str, mix: Mix) -> None:
        self._mixes[name] = mix
        while len(self._mixes) > HELD_MIXES:
            del self._mixes[next(iter(self._mixes))]

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Collect what is odd about the song as notes."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SongWarning)
            yield
        found = (str(one.message) for one in caught if issubclass(one.category, SongWarning))
        self.notes = list(dict.fromkeys([*self.notes, *found]))
