"""The same seed gives the same mix bit for bit: however many mixes, whichever order of tracks, on any threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from megami.audio import Multitrack, read_multitrack
from megami.mixing.mix import Mix
from megami.mixing.mixer import Mixer


@pytest.fixture(scope="module")
def mixer(tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, "cpu")


@pytest.fixture(scope="module")
def song(dry_tracks) -> Multitrack:
    return read_multitrack(dry_tracks(5, 3.0))


@pytest.fixture(scope="module")
def first(mixer, song) -> Mix:
    return mixer.mix(song, 1, steps=3, seed=4)[0]


@pytest.fixture
def threads() -> Iterator[int]:
    """As many as there were, with two for the test."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)


def test_one_mix_or_three(mixer, song, first):
    three = mixer.mix(song, 3, steps=3, seed=4)
    assert torch.equal(three[0].embeddings, first.embeddings) and torch.equal(three[0].audio, first.audio)
    assert not torch.equal(three[1].audio, first.audio)


def test_tracks_in_any_order(mixer, song, first):
    order = [3, 0, 4, 2, 1]
    (other,) = mixer.mix(song.select(order), 1, steps=3, seed=4)
    assert torch.equal(other.audio, first.audio) and torch.equal(other.tracks, first.tracks[order])


def test_on_one_thread_or_two(mixer, song, first, threads):
    (other,) = mixer.mix(song, 1, steps=3, seed=4)
    assert torch.get_num_threads() == threads
    assert torch.equal(other.audio, first.audio) and torch.equal(other.embeddings, first.embeddings)


def test_plans_drawn_one_by_one_are_those_drawn_together_but_for_rounding(mixer, song):
    content = mixer.content(song)
    alone, together = (mixer.generate(content, 4, steps=3, together=together) for together in (False, True))
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)
    assert torch.equal(mixer.generate(content, 2, steps=3), alone[:2])
