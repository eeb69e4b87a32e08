"""Running the command line as a user does, and folders of stems to run it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from killing import contents

from megami.cli import main as cli

RATE = 44100


@dataclass(frozen=True)
class Ran:
    """What a run of the command line left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def refused(self, *words: str) -> None:
        """Check that it ended with code 2 and one line that has all the words."""
        assert self.code == 2 and self.out == "", self
        lines = self.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("megami: ") and "Traceback" not in self.err, self.err
        for word in words:
            assert word in self.err, self.err

    def done(self) -> list[Path]:
        """Check that it went well and return the paths that it printed."""
        assert self.code == 0, self
        return [Path(line) for line in self.out.splitlines()]


@pytest.fixture
def megami(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Give megami(*arguments): a run of the command line in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(left.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def mix(megami, random_weights, tmp_path) -> Callable[..., Ran]:
    """Give mix(stems, *options): a quick `megami mix` with random weights into tmp_path/mixes.

    Of an option given twice the last counts, so that all of this can be overridden.
    """

    def run(stems: Path, *options: object) -> Ran:
        quick = ["--weights", random_weights, "--steps", 4, "--num-mixes", 1, "--device", "cpu"]
        return megami("mix", stems, "--out", tmp_path / "mixes", *quick, *options)

    return run


@pytest.fixture
def write_stems(tmp_path) -> Callable[..., Path]:
    """Give write_stems(tracks, ...): a folder with a file for each named array [samples] or [samples, channels]."""

    def write(
        tracks: dict[str, np.ndarray],
        folder: str = "song",
        rate: int = RATE,
        suffix: str = "wav",
        subtype: str | None = None,
    ) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for name, samples in tracks.items():
            soundfile.write(place / f"{name}.{suffix}", samples, rate, subtype=subtype)
        return place

    return write


@pytest.fixture
def stems(write_stems, dry_tracks) -> Path:
    """A folder of three dry tracks of a second and a half."""
    return write_stems(dry_tracks(3))


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes | None]]:
    """Give snapshot(folder): everything in it, to compare before and after."""
    return contents
