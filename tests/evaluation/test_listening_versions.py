"""The seven versions of a song that listeners compare: all there, equally loud, each by the system of its name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from megami.audio import integrated_loudness
from megami.evaluation.listening_versions import (
    SYSTEM_OF,
    TAKES,
    VERSIONS,
    excerpt_of,
    listening_versions,
    regression_mixer,
)
from megami.evaluation.systems import regress
from megami.mixing import Mixer
from megami.studio.sample_songs import SAMPLE_ORIGINS, SAMPLE_TRACKS, sample_song

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


@pytest.fixture(scope="module")
def made() -> tuple:
    song = excerpt_of(SAMPLES / "rooftop", 16.0, 6.0)
    mixer = Mixer.from_pretrained("small", "cpu")
    regression = regression_mixer(mixer)
    calls: list[tuple] = []
    versions = listening_versions(song, mixer, regression, seed=3, progress=lambda *call: calls.append(call))
    return song, mixer, regression, versions, calls


def test_all_versions_are_whole_and_equally_loud(made: tuple) -> None:
    song, _, _, versions, calls = made
    assert tuple(versions) == VERSIONS and [call[0] for call in calls] == list(VERSIONS)
    rate = song.multitrack.sample_rate
    for audio in versions.values():
        assert audio.shape == (2, 6 * rate)
        assert integrated_loudness(audio, rate) == pytest.approx(-16.0, abs=0.05)


def likeness(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0))


def test_each_is_by_the_system_of_its_name(made: tuple) -> None:
    song, mixer, regression, versions, _ = made
    assert likeness(versions["raw sum"], song.multitrack.mono().sum(0).expand(2, -1)) > 0.9999
    answer = mixer.process(song.multitrack, regress(regression, mixer.content(song.multitrack))[0]).sum(0)
    assert likeness(versions["regression"], answer) > 0.9999
    audios = list(versions.values())
    for number, audio in enumerate(audios):
        for other in audios[:number]:
            assert likeness(audio, other) < 0.999
    assert [version for version, system in SYSTEM_OF.items() if system == "MEGAMI"] == list(TAKES)


def test_some_versions_can_be_made_alone(made: tuple) -> None:
    song, mixer, regression, versions, _ = made
    some = listening_versions(song, mixer, regression, seed=3, names=("take 2", "raw sum"))
    assert list(some) == ["raw sum", "take 2"]
    assert all(torch.equal(audio, versions[name]) for name, audio in some.items())


def test_an_excerpt_is_the_song_from_there_on() -> None:
    whole, part = sample_song(SAMPLES / "rooftop"), excerpt_of(SAMPLES / "rooftop", 2.0, 1.5)
    rate = whole.multitrack.sample_rate
    assert torch.equal(part.multitrack.audio, whole.multitrack.audio[..., 2 * rate : 2 * rate + round(1.5 * rate)])
    assert (part.roles, part.instruments, part.seed) == (whole.roles, whole.instruments, whole.seed)
    all_of_it = excerpt_of(SAMPLES / "rooftop").multitrack.audio
    assert torch.equal(all_of_it, whole.multitrack.audio)
    assert list(SAMPLE_ORIGINS) == sorted(SAMPLE_TRACKS)
