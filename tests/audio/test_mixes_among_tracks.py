"""A rough mix, a master or a click track among the tracks: left out and named, by name and by sound."""

from __future__ import annotations

import numpy as np
import pytest
from odd_files import RATE, read_and_warned, write
from scipy.optimize import nnls

from megami.audio.finished_mixes import finished_kind
from megami.audio.sum_of_others import non_negative_least_squares

NAMES = ("01 Drums", "02 Bass", "03 Keys", "04 Voice")


def parts(seconds: float = 4.0) -> dict[str, np.ndarray]:
    rng, time = np.random.default_rng(1), np.arange(round(seconds * RATE)) / RATE
    beat = np.exp(-6 * (time * 2 % 1))
    sounds = (
        0.2 * rng.standard_normal(time.size) * beat,
        0.3 * np.sin(2 * np.pi * 55 * time) * beat,
        0.15 * np.sin(2 * np.pi * 330 * time),
        0.2 * np.sin(2 * np.pi * (440 + 5 * np.sin(30 * time)) * time),
    )
    return {name: sound.astype(np.float32) for name, sound in zip(NAMES, sounds, strict=True)}


def folder(tmp_path, **more: np.ndarray):
    for name, samples in (parts() | more).items():
        write(tmp_path / f"{name}.wav", samples, subtype="FLOAT")
    return tmp_path


def rough_mix() -> np.ndarray:
    """The tracks at unlike levels and places, with a little echo and soft clipping."""
    gains = zip((1.0, 0.5, 0.7, 1.2), (0.8, 0.5, 1.0, 1.2), strict=True)
    both = sum(np.stack([left * x, right * x], 1) for (left, right), x in zip(gains, parts().values(), strict=True))
    echo = np.concatenate([np.zeros((4000, 2)), both[:-4000]])
    return np.tanh(both + 0.2 * echo).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MySong_MIX", "mix"),
        ("mixture", "mix"),
        ("Song - Rough Mix 2", "mix"),
        ("My Song Master", "master"),
        ("MySongMastered", "master"),
        ("Click", "click"),
        ("00_Metronome", "click"),
        ("Drums mix", None),
        ("LeadVoxMix", None),
        ("Synth Mix", None),
        ("kick click", None),
        ("Mixolydian", None),
        ("bass", None),
        ("audio_07", None),
    ],
)
def test_what_a_name_says(name, kind):
    assert finished_kind(name) is None if kind is None else f"a {kind}" in finished_kind(name)


def test_by_name(tmp_path):
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(RATE).astype(np.float32) * 0.1
    folder(tmp_path, MySong_MIX=rough_mix(), Click=noise)
    song, lines = read_and_warned(tmp_path)
    assert song.names == NAMES and len(lines) == 2
    assert "Click.wav" in lines[0] and "click" in lines[0] and "MySong_MIX.wav" in lines[1] and "--use-all" in lines[1]


def test_by_sound(tmp_path):
    folder(tmp_path, **{"final v3": rough_mix()})
    song, lines = read_and_warned(tmp_path)
    assert song.names == NAMES and song.audio.shape[1] == 1
    assert len(lines) == 1 and "final v3.wav" in lines[0] and "by its sound" in lines[0] and "--use-all" in lines[0]


def test_a_mix_and_its_master_by_sound(tmp_path):
    mix = rough_mix()
    folder(tmp_path, one=mix, two=np.tanh(2 * mix))
    song, lines = read_and_warned(tmp_path)
    assert song.names == NAMES and len(lines) == 2


def test_all_are_taken_where_that_is_asked_for(tmp_path):
    folder(tmp_path, **{"final v3": rough_mix(), "MySong_MIX": rough_mix(), "Click": parts()["01 Drums"][:RATE]})
    song, lines = read_and_warned(tmp_path, use_all=True)
    assert len(song.names) == 7 and len(lines) == 2  # the two mixes are named still
    assert all("is mixed with them" in line for line in lines)


def test_a_list_is_taken_as_it_is_but_a_mix_in_it_is_named(tmp_path):
    folder(tmp_path, MySong_MIX=rough_mix())
    song, lines = read_and_warned(sorted(tmp_path.iterdir()))
    assert song.num_tracks == 5 and len(lines) == 1 and "MySong_MIX.wav is a mix of the others" in lines[0]


def test_tracks_alone_and_a_bus_of_two_of_them_are_read_in_silence(tmp_path):
    tracks = parts()
    assert read_and_warned(folder(tmp_path))[1] == []
    rhythm = tracks["01 Drums"] + tracks["02 Bass"]
    double = 0.7 * tracks["04 Voice"]
    song, lines = read_and_warned(folder(tmp_path, **{"rhythm bus": rhythm, "05 Voice again": double}))
    assert song.num_tracks == 6 and lines == []


def test_where_all_are_called_mixes_the_word_means_nothing(tmp_path):
    for name, samples in zip(("a mix", "b mix"), parts().values(), strict=False):
        write(tmp_path / f"{name}.wav", samples)
    song, lines = read_and_warned(tmp_path)
    assert song.names == ("a mix", "b mix") and lines == []


def test_a_vocal_and_an_instrumental_are_two_tracks(tmp_path):
    tracks = parts()
    write(tmp_path / "vocals.wav", tracks["04 Voice"])
    write(tmp_path / "accompaniment.wav", sum(tracks.values()) - tracks["04 Voice"])
    song, lines = read_and_warned(tmp_path)
    assert song.num_tracks == 2 and lines == []


@pytest.mark.parametrize("seed", range(30))
def test_least_squares_without_negative_levels_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    columns, target = rng.standard_normal((20, rng.integers(1, 12))), rng.standard_normal(20)
    columns[:, -1] = columns[:, 0] + 1e-3 * columns[:, -1]  # two that are nearly the same
    columns /= np.linalg.norm(columns, axis=0)
    shares, (_, rest) = non_negative_least_squares(columns, target), nnls(columns, target)
    assert (shares >= 0).all() and np.linalg.norm(columns @ shares - target) == pytest.approx(rest, abs=1e-9)
