"""`megami mix` on random folders: exit code 0 and whole files, or 2 and one line; the user's files stay as they were.

`make fuzz FOLDERS=2000 SEED=0` tries so many; every other run of the tests as many as 40 seconds allow.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import io
import itertools
import math
import os
import random
import shutil
import signal
import stat
import time
import traceback
from pathlib import Path

import pytest
import soundfile
from folders import RandomFolder

from megami.cli import main as cli
from megami.mixing.mixer import Mixer

ASKED, FIRST = int(os.environ.get("MEGAMI_FUZZ_FOLDERS", 0)), int(os.environ.get("MEGAMI_FUZZ_SEED", 0))
SECONDS, LEAST, MOST = 40.0, 10, 200  # where no number is asked for: so long, but between so many folders
HANGS_S = 120  # a folder of half a second that takes so long never ends


class Stdout(io.TextIOWrapper):
    """Takes text and bytes, as the terminal does."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", errors="surrogateescape")

    def lines(self) -> list[str]:
        self.flush()
        return os.fsdecode(self.buffer.getvalue()).splitlines()


def run(arguments: list[object]) -> tuple[object, Stdout, str]:
    """Exit code, stdout and stderr of a run in this process."""
    out, err, code = Stdout(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code
    return code, out, err.getvalue()


def state(root: Path) -> dict[str, str]:
    """Everything below a folder, with what it is."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[str(path)] = f"-> {os.readlink(path)}"
        elif stat.S_ISREG(mode):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[str(path)] = f"{mode}"
    return found


def check_run(place: Path, seed: int) -> str:
    """Mix a random folder with random options; how it ended."""
    folder, draw = RandomFolder(place / "song", seed), random.Random(-seed - 1)
    before = state(place)
    files = [path for path in sorted(folder.root.iterdir()) if path.is_file()]
    source = draw.choice(files) if files and draw.random() < 0.1 else folder.root
    out = place / draw.choice(("mixes", "mixes", "deep/er", "song/mixes"))
    options = ["--steps", 1, "--num-mixes", draw.choice((1, 1, 2)), "--device", "cpu", "--seed", seed]
    options += draw.sample(("--stems", "--use-all", "--roles-from-names", "--format=flac"), draw.randint(0, 2))
    options += ["--page"] if draw.random() < 0.03 else []
    code, stdout, err = run(["mix", source, "--out", out, *options])
    what = (seed, folder.made, [str(option) for option in options], code, err)
    assert code in (0, 2) and "Traceback" not in err, what
    assert all(line.startswith("megami: ") for line in err.splitlines()), what
    after = state(place)
    new = {name for name in after if name not in before}
    assert {name: after.get(name) for name in before} == before, what
    if code == 2:
        assert not new and stdout.lines() == [] and err.splitlines(), what
        return "refused"
    written = {str(path) for path in out.rglob("*") if path.is_file()}
    listed = "\n".join(stdout.lines())
    assert {name for name in new if not Path(name).is_dir()} == written and not list(place.rglob(".*partial*")), what
    for name in written:
        assert name in listed, what
        if name.endswith((".wav", ".flac")):
            audio, rate = soundfile.read(os.fsencode(name))
            assert len(audio) and rate and math.isfinite(float(abs(audio).max())), what
    return "mixed with warnings" if err else "mixed"


@contextlib.contextmanager
def no_longer_than(seconds: int):
    """End what hangs, where there are alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def hangs(*_: object) -> None:
        raise AssertionError(f"takes more than {seconds} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(os.name != "posix", reason="most of the names and links are not allowed there")
@pytest.mark.filterwarnings("ignore")
def test_random_folders(tmp_path, tiny_weights, monkeypatch, capsys):
    mixer = Mixer.from_pretrained(tiny_weights, "cpu")
    monkeypatch.setattr(Mixer, "from_pretrained", lambda *options: mixer)
    ended, begun, faults = collections.Counter(), time.monotonic(), []
    for number in itertools.count(1):
        seed = FIRST + number - 1
        try:
            with no_longer_than(HANGS_S):
                ended[check_run(tmp_path / "place", seed)] += 1
        except Exception:
            ended["FAULT"] += 1
            faults.append(f"{seed}: {traceback.format_exc()}"[-3000:])
            with capsys.disabled():
                print(faults[-1], flush=True)
        shutil.rmtree(tmp_path / "place")
        if ASKED and number % 100 == 0:
            with capsys.disabled():
                print(number, dict(ended), flush=True)
        if number >= (ASKED or LEAST) and (ASKED or number >= MOST or time.monotonic() - begun > SECONDS):
            break
    assert not faults, "\n".join(faults)
    assert ASKED or (ended["refused"] and ended["mixed"] + ended["mixed with warnings"]), ended
