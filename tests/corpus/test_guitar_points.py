"""The guitar's points that ship with the book: whole, plausible, and what the studio makes again from its seeds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from megami.audio import SAMPLE_RATE
from megami.corpus import CorpusConfig, load_song
from megami.corpus.guitar_points import (
    CONDITIONS,
    GUITARS,
    GuitarPoints,
    conditions_of,
    guitar_of,
    level_over_rest_db,
    make_guitar_points,
    pan_position,
    point_of,
    read_guitar_points,
)
from megami.corpus.songs import BuildSong
from megami.effects import EffectChain, Pan
from megami.embeddings import dynamics_features
from megami.errors import UserError
from megami.studio import ENGINEERS
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.speech_synthesisers import find_synthesisers

DATA = Path(__file__).resolve().parents[2] / "book" / "data"


@pytest.fixture(scope="module")
def shipped() -> GuitarPoints:
    return read_guitar_points(DATA / "guitar_points.npz")


def test_there_are_hundreds_of_songs_by_five_engineers(shipped: GuitarPoints) -> None:
    songs = len(shipped.points)
    assert songs >= 200 and shipped.points.shape == (songs, len(ENGINEERS), 2)
    assert shipped.conditions.shape == (songs, len(CONDITIONS))
    assert shipped.engineers == tuple(engineer.name for engineer in ENGINEERS)
    assert len(set(shipped.song_seeds.tolist())) == songs


def test_songs_that_are_mixed_often_are_among_them(shipped: GuitarPoints) -> None:
    for song, mixes in enumerate(shipped.often):
        for engineer, points in enumerate(mixes):
            seed = (engineer - shipped.song_seeds[song]) % len(ENGINEERS)  # see `megami.corpus.features.BuildMix`
            np.testing.assert_allclose(points[seed], shipped.points[song, engineer], atol=0.05)


def test_guitars_are_softer_than_the_band_and_between_the_loudspeakers(shipped: GuitarPoints) -> None:
    level, pan = shipped.points[..., 0], shipped.points[..., 1]
    assert np.abs(pan).max() <= 1
    assert np.median(level) < 0
    assert (shipped.conditions[:, CONDITIONS.index("number of guitars")] >= 1).all()


def test_a_song_made_anew_gives_the_shipped_points(shipped: GuitarPoints, tmp_path: Path) -> None:
    try:
        find_soundfont(), find_synthesisers()
    except UserError as missing:
        pytest.skip(str(missing))
    number = 7
    seed = int(shipped.song_seeds[number])
    assert seed < 1_000_000, "a training song, whose file is named after its seed"
    path = tmp_path / f"train_{seed:04d}.npz"
    BuildSong(CorpusConfig())(path)
    song = load_song(path)
    guitar = guitar_of(song)
    assert guitar is not None and song.instruments[guitar] in GUITARS
    np.testing.assert_allclose(conditions_of(song, guitar), shipped.conditions[number], atol=0.05)
    dynamics = dynamics_features(ENGINEERS[2].mix(song, seed=(2 - seed) % len(ENGINEERS)).tracks).numpy()
    np.testing.assert_allclose(point_of(dynamics, guitar), shipped.points[number, 2], atol=0.05)


def noise(seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((2, 2 * SAMPLE_RATE)).astype(np.float32)


def described(tracks: np.ndarray) -> np.ndarray:
    return dynamics_features(torch.from_numpy(tracks)).numpy()


@pytest.mark.parametrize("gain_db", [-12.0, 0.0, 6.0])
def test_a_fader_moves_the_level_by_its_gain(gain_db: float) -> None:
    tracks = np.stack([noise(0), noise(1), noise(2)])
    before = level_over_rest_db(described(tracks), 1)
    tracks[1] *= 10 ** (gain_db / 20)
    assert level_over_rest_db(described(tracks), 1) - before == pytest.approx(gain_db, abs=0.01)


def test_one_of_two_equal_tracks_is_as_loud_as_the_rest() -> None:
    assert level_over_rest_db(described(np.stack([noise(0), noise(0)])), 0) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("position", [-1.0, -0.4, 0.0, 0.25, 1.0])
def test_the_position_is_that_of_the_pan_pot(position: float) -> None:
    panned = EffectChain((Pan(position=position),)).apply(np.repeat(noise(3)[:1], 2, axis=0), SAMPLE_RATE)
    assert pan_position(described(panned[None]))[0] == pytest.approx(position, abs=0.01)


def test_too_few_songs_are_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 of 0 songs have a guitar"):
        make_guitar_points(tmp_path / "points.npz", [], tmp_path, number=1, often_songs=0, often_mixes=1)


def test_the_hashes_of_all_data_of_the_book_are_noted() -> None:
    noted = dict(reversed(line.split()) for line in (DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    files = {file.name for file in DATA.iterdir()} - {"SHA256SUMS"}
    assert files == set(noted)
    for name, sha in noted.items():
        data = (DATA / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha, name
        assert len(data) <= 3_000_000, name
