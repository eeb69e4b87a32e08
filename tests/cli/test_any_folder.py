"""`megami mix` in random folders, full of links and of things that look like ours: no byte of the user's ever changes.

The mixing is replaced by tiny files. Who wrote what is kept apart from the program, in `World.runs`, and decides what
has to happen: a run is refused, and leaves everything as it was, or replaces the files of the run before and no others.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from megami.audio import AUDIO_SUFFIXES, find_song
from megami.cli import mix_job
from megami.cli.dead_runs import LOCK
from megami.errors import UserError
from megami.generator import SamplingOptions

FOLDERS = 100
TRACKS = ("mix_1_tracks", "mix_2_tracks")
NAMES = ("mix_1.wav", "mix_2.wav", "mix_1.flac", "mix_3.wav", "index.html", "mixes.json", "mix_1.WAV", "bass.wav")
NAMES += tuple(f"{folder}/{name}" for folder in TRACKS for name in ("bass.wav", "voice.wav", "notes.txt")) + TRACKS


def is_hidden(path: Path) -> bool:
    """True for what the program has for itself while it runs."""
    return ".partial-" in str(path) or path.name == LOCK


def stem_files(place: Path) -> list[Path]:
    """The tracks of the song at a place; how they are found has tests of its own."""
    try:
        return find_song(place).paths
    except UserError:
        return []


def holds_hidden(folder: Path) -> bool:
    """True for the folder that the program writes into now, and those around it."""
    return any(is_hidden(path) for path in folder.rglob(".*"))


class World:
    """A folder with stems, former runs, and a user who does as users do."""

    def __init__(self, root: Path, seed: int, megami, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.random, self.megami, self.count = Path(os.path.realpath(root)), random.Random(seed), megami, 0
        self.runs: dict[str, dict[str, str]] = {}  # by its list: the name and content of every file of a run
        self.ours: set[str] = set()  # of these the ones that the present run may replace
        self.meanwhile = 0  # deeds of the user while the program mixes
        for folder in ("song", "out", "elsewhere", "out/deep"):
            (self.root / folder).mkdir()
        for name in ("bass.wav", "voice.WAV", "drums.flac")[: self.random.randint(1, 3)]:
            self.write(self.root / "song" / name)
        monkeypatch.setattr(mix_job.Mixer, "from_pretrained", self.load)
        monkeypatch.setattr(mix_job, "read_multitrack", lambda song: list(song.tracks))
        monkeypatch.setattr(mix_job, "write_mixes", self.write_mixes)
        monkeypatch.setattr(mix_job, "write_page", lambda path, *rest: self.write(path))
        monkeypatch.setattr(mix_job, "describe_job", lambda *rest: {"megami": "0"})

    def load(self, *arguments: object) -> SimpleNamespace:
        return SimpleNamespace(preset=SimpleNamespace(sampling=SamplingOptions()))

    def write_mixes(self, job, mixer, tracks, folder, *progress):
        for number in range(1, job.num_mixes + 1):
            self.write(folder / f"mix_{number}.{job.format}")
            for track in tracks if job.stems_too else ():
                self.write(folder / f"mix_{number}_tracks" / f"{track}.{job.format}")
        for _ in range(self.meanwhile):
            self.act()
        self.before = self.tree()  # the last moment at which the user did anything
        self.refusal = self.refusal or self.expected(job, self.stems)
        return mix_job.Made()

    def write(self, path: Path) -> None:
        """Write a file that there is only once."""
        self.count += 1
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content {self.count}")

    def tree(self) -> dict[str, str]:
        """Everything there is but the program's hidden folder, links as links."""
        found = {}
        for place, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if not is_hidden(Path(name))]
            for path in (Path(place, name) for name in folders + files if name != LOCK):
                key = str(path.relative_to(self.root))
                found[key] = f"-> {os.readlink(path)}" if path.is_symlink() else "folder"
                if path.is_file() and not path.is_symlink():
                    found[key] = path.read_text()
        return found

    def place(self) -> Path:
        folders = [path for path in sorted(self.root.rglob("*")) if path.is_dir() and not is_hidden(path)]
        return self.random.choice([*folders, self.root / "out", self.root / "out"])

    def act(self) -> None:
        """One deed of the user, if it is possible here."""
        draw = self.random
        path = self.place() / draw.choice(NAMES)
        files = [file for file in sorted(self.root.rglob("*")) if file.is_file() and not is_hidden(file)]
        other = draw.choice([*files, self.place()])
        deed = draw.choice(
            ("write", "write", "edit", "link", "hard link", "folder", "remove", "move", "copy", "nothing")
        )
        try:
            if deed == "write":
                self.write(path)
            elif deed == "edit" and other.is_file():
                self.write(other)
            elif deed == "link":
                path.symlink_to(draw.choice([other, os.path.relpath(other, path.parent), "nowhere"]))
            elif deed == "hard link" and other.is_file():
                os.link(other.resolve(), path)
            elif deed == "folder":
                path.mkdir()
            elif deed == "remove" and other.is_file():
                other.unlink()
            elif deed == "move" and not (os.path.lexists(path) or other.parent == self.root or holds_hidden(other)):
                os.rename(other, path)
            elif deed == "copy" and other.is_dir() and not (self.root / "copy").exists():
                # With its manifest: as good as the original.
                hidden = shutil.ignore_patterns(".partial-*", LOCK)
                shutil.copytree(other, self.root / "copy", symlinks=True, ignore=hidden)
        except OSError:
            pass

    def may_go(self, folder: Path) -> set[str]:
        """What the next run into a folder replaces or removes: files as the run wrote them whose list is there."""

        def content(name: str) -> str | None:
            links = (folder / name).is_symlink() or (folder / name).parent != (folder / name).parent.resolve()
            return (folder / name).read_text() if (folder / name).is_file() and not links else None

        written = self.runs.get(content("mixes.json") or "", {})
        return {name for name, text in written.items() if content(name) == text}

    def expected(self, job: mix_job.MixJob, stems: list[Path]) -> str:
        """Why the run has to be refused as things are now; empty if it must go well."""
        out = Path(os.path.realpath(job.out))
        if (os.path.lexists(job.out) and not out.is_dir()) or any(path.is_file() for path in out.parents):
            return "no folder"
        if out == Path(os.path.realpath(job.stems)):
            return "holds the stems"
        if not stems:
            return "no stems"
        if job.stems.is_dir() and any(out == path.parent.resolve() for path in stems):
            return "holds the stems"
        ours = self.ours = self.may_go(out)
        names = ["mixes.json", *(["index.html"] if job.page else [])]
        for number in range(1, job.num_mixes + 1):
            names.append(f"mix_{number}.{job.format}")
            names += [f"mix_{number}_tracks/{path.stem}.{job.format}" for path in stems if job.stems_too]
        gone = {(out / name).stat().st_ino for name in {*names, *ours} if (out / name).exists()}
        if any(path.exists() and path.stat().st_ino in gone for path in stems):
            return "stem"
        for name in names:
            folder = (out / name).parent
            if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
                return f"{folder} is no folder"
            if os.path.lexists(out / name) and name not in ours:
                return f"{name} is there"
        return ""

    def run(self) -> bool:
        """One run with random options, and all that has to be true after it; True if it went well."""
        draw = self.random
        files = [
            path for path in sorted(self.root.rglob("*")) if path.is_file() and path.suffix.lower() in AUDIO_SUFFIXES
        ]
        stems = draw.choice([self.root / "song"] * 4 + [draw.choice([*files, self.root / "song"])] * 2 + [self.place()])
        out = draw.choice(
            [self.root / "out"] * 4 + [self.root / "new" / "er", self.place(), draw.choice(files or [stems])]
        )
        stems, out = (draw.choice([path, Path(os.path.relpath(path))]) for path in (stems, out))
        options = {"num_mixes": draw.randint(1, 3), "format": draw.choice(("wav", "flac"))}
        options |= {"stems_too": draw.random() < 0.5, "page": draw.random() < 0.5}
        self.before = self.tree()
        self.stems = stem_files(stems)
        self.refusal = self.expected(mix_job.MixJob(stems=stems, out=out, device="cpu", **options), self.stems)
        command = ["--device", "cpu", "--num-mixes", options["num_mixes"], "--format", options["format"]]
        command += ["--stems" if options["stems_too"] else "--no-stems", "--page" if options["page"] else "--no-page"]
        ran = self.megami("mix", stems, "--out", out, *command)
        assert not holds_hidden(self.root), ran
        if self.refusal:
            ran.refused()
            assert self.tree() == self.before, (self.refusal, ran)
            return False
        folder, written = Path(os.path.realpath(out)), [path.relative_to(out).as_posix() for path in ran.done()]
        may_go = {str((folder / name).relative_to(self.root)) for name in self.ours}
        after, stale = self.tree(), set()
        for name, content in self.before.items():
            if after.get(name) != content:
                empty = content == "folder" and any(str(Path(name)) == str(Path(own).parent) for own in may_go)
                assert name in may_go or empty, (name, content, after.get(name), ran)
        new = {str((folder / name).relative_to(self.root)) for name in written}
        stale = {name for name in may_go - new if name in after}
        assert not stale and new <= set(after), (stale, ran, after)
        assert all(content in ("folder", self.before.get(name)) for name, content in after.items() if name not in new)
        self.runs[(folder / "mixes.json").read_text()] = {name: (folder / name).read_text() for name in written}
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="links need special rights there")
def test_nothing_of_the_user_is_lost_in_any_folder(tmp_path, megami, monkeypatch):
    ended = []
    for seed in range(FOLDERS):
        (tmp_path / str(seed)).mkdir()
        monkeypatch.chdir(tmp_path / str(seed))
        world = World(tmp_path / str(seed), seed, megami, monkeypatch)
        for _ in range(world.random.randint(1, 4)):
            for _ in range(world.random.choice((0, 0, 1, 3, 8))):
                world.act()
            world.meanwhile = world.random.choice((0, 0, 1, 3))
            try:
                ended.append((world.run(), world.refusal.partition(" ")[0]))
            except AssertionError as error:
                raise AssertionError(f"folder {seed}") from error
        shutil.rmtree(tmp_path / str(seed))
    # All that can happen did, often enough.
    assert sum(well for well, _ in ended) > FOLDERS / 2
    assert {reason for _, reason in ended} >= {"", "holds", "stem", "no", "mix_1.wav", "mixes.json"}
