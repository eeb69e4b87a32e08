"""The shipped sample songs: whole, clean, and what the studio renders today."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from megami.errors import UserError
from megami.studio import compose_song
from megami.studio.band.soundfont import find_soundfont
from megami.studio.sample_songs import SAMPLE_TRACKS

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
LONG = ("gravel_road", "rooftop")
SONGS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


def _read(song: str) -> dict[str, np.ndarray]:
    stems = {}
    for path in sorted((SAMPLES / song).glob("*.flac")):
        audio, rate = soundfile.read(path)
        assert rate == 44100 and audio.ndim == 1
        stems[path.stem] = audio
    return stems


def test_there_are_six_songs_of_a_modest_size():
    assert len(SONGS) == 6
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*")) < 30_000_000


@pytest.mark.parametrize("song", SONGS)
def test_stems_are_clean_and_described(song):
    stems = _read(song)
    lengths = {len(audio) for audio in stems.values()}
    shortest, longest = (36, 42) if song in LONG else (12, 20)
    assert 4 <= len(stems) <= 7 and len(lengths) == 1 and shortest <= lengths.pop() / 44100 <= longest
    for audio in stems.values():
        assert -13.0 < 20 * np.log10(np.abs(audio).max()) < -2.5
        assert 10 * np.log10(np.mean(audio**2)) > -40.0
    text = (SAMPLES / song / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)\.flac`", text)) == set(stems) and "CC0" in text and "MIT" in text
    assert {path.suffix for path in (SAMPLES / song).iterdir()} == {".flac", ".md"}


def test_what_the_package_knows_of_the_tracks_is_what_their_readmes_say():
    for song in SONGS:
        text = (SAMPLES / song / "README.md").read_text(encoding="utf-8")
        said = re.findall(r"^\| `(\w+)\.flac` \| ([\w ]+) \| ([\w ]+) \|", text, re.M)
        assert SAMPLE_TRACKS[song] == {track: (role, instrument) for track, role, instrument in said}
    assert sorted(SAMPLE_TRACKS) == SONGS


@pytest.fixture
def soundfont():
    try:
        find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
    if find_spec("tinysoundfont") is None:
        pytest.skip("tinysoundfont is not installed: pip install --no-deps tinysoundfont")


def test_the_studio_still_renders_the_shipped_song(soundfont):
    text = (SAMPLES / "night_bus" / "README.md").read_text(encoding="utf-8")
    seed, genre, seconds = re.search(r'compose_song\((\d+), "([\w ]+)", ([\d.]+)\)', text).groups()
    song = compose_song(int(seed), genre, float(seconds))
    shipped = list(re.findall(r"`(\w+)\.flac`", text))
    stems = _read("night_bus")
    for name, track in zip(shipped, song.multitrack.audio[:, 0].numpy(), strict=True):
        assert np.abs(stems[name] - track).max() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("song", LONG)
def test_the_studio_still_renders_the_songs_with_a_form(soundfont, load_script, tmp_path, song):
    script = load_script("make_samples")
    script.make(next(sample for sample in script.SAMPLES if sample.folder == song), tmp_path)
    for path in sorted((SAMPLES / song).iterdir()):
        if path.suffix == ".flac":
            rendered, shipped = soundfile.read(tmp_path / song / path.name)[0], soundfile.read(path)[0]
            assert np.abs(rendered - shipped).max() < 1e-3
        else:
            assert (tmp_path / song / path.name).read_text() == path.read_text()
