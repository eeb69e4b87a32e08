"""Wet stems of another song: each goes with the track that plays the same, which is treated much like it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.func import grad

from megami.audio import read_multitrack
from megami.errors import SongWarning, UserError
from megami.mixing import Direction, Mixer
from megami.mixing.soft_evidence import ONE_ENGINEER, by_number, slope_to_stems, slope_to_zero, variance_left
from megami.mixing.wet_stems import WetStems, match_stems

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


@pytest.fixture(scope="module")
def tiny(tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, device="cpu")


def test_each_stem_goes_with_one_track_that_plays_the_same():
    axes = torch.eye(4)
    plays = torch.stack([axes[0], axes[0] + 0.3 * axes[1], axes[2], axes[3]])
    # Both of the first tracks are most like the first stem; together they fare best if each has one.
    stems = WetStems(("a", "b", "c"), torch.zeros(3, 8), torch.stack([axes[0] + axes[1], axes[0], axes[2]]))
    assert match_stems(plays, stems) == {0: 1, 1: 0, 2: 2}
    order = [2, 0, 1]
    shuffled = WetStems(("c", "a", "b"), stems.embeddings, stems.plays[order])
    assert {track: order[stem] for track, stem in match_stems(plays, shuffled).items()} == {0: 1, 1: 0, 2: 2}
    assert match_stems(plays[3:], stems) == {}  # plays what no stem plays


def test_tracks_of_two_songs_are_matched_by_what_they_are_taken_for():
    """Drums go with drums, the voice with the voice, the bass with the bass; nothing of one role goes with another."""
    mixer = Mixer.from_pretrained("small", "cpu")
    songs = [read_multitrack(SAMPLES / name) for name in ("porch_light", "paper_boats")]
    first, second = (mixer.hear(song) for song in songs)
    stems = WetStems(songs[1].names, torch.zeros(len(songs[1].names), 1), second.plays)
    roles = [
        {first.taken_for[track].role, second.taken_for[stem].role}
        for track, stem in match_stems(first.plays, stems).items()
    ]
    assert all(len(pair) == 1 for pair in roles)
    assert {"vocal", "drums", "bass"} <= set.union(*roles)


def test_the_slopes_are_those_of_normal_likelihoods(tiny):
    embedding = tiny.preset.embedding
    generator = torch.Generator().manual_seed(0)
    z, known = torch.randn(2, embedding.dim, generator=generator), torch.randn(embedding.dim, generator=generator)
    variance, tolerance = variance_left(embedding, 0.05), by_number(embedding, ONE_ENGINEER)
    total = variance + tolerance.square()

    def likelihood(plan: torch.Tensor) -> torch.Tensor:
        return -((plan[1] - known).square() / total).sum() / 2

    torch.testing.assert_close(slope_to_stems(z, {1: known}, variance, tolerance), grad(likelihood)(z))
    axes = torch.randn(3, embedding.dim, generator=generator).double()
    inner = (axes * variance) @ axes.T + 0.5**2 * torch.eye(3)

    def of_gaps(plan: torch.Tensor) -> torch.Tensor:
        gaps = axes @ plan[0].double() - 1.0
        return -gaps @ torch.linalg.solve(inner, gaps) / 2

    found = slope_to_zero(z, lambda plan: axes @ plan[0] - 1.0, variance, 0.5)
    torch.testing.assert_close(found, grad(of_gaps)(z), rtol=1e-4, atol=1e-4)
    assert not found[1].any()
    assert float(variance_left(embedding, 1e-4).max()) < 1e-7 < float(variance_left(embedding, 10.0).min())


def test_matched_tracks_are_drawn_nearer_to_what_the_stems_were_given(tiny, dry_tracks):
    song = read_multitrack(dry_tracks(3, 1.0))
    (other,) = tiny.mix(song, steps=4, seed=9)
    wet = replace(song, names=("x", "y", "z"), audio=other.tracks)
    free, like = tiny.mix(song, 2, steps=4, seed=1), tiny.mix(song, 2, steps=4, seed=1, reference_stems=wet)
    followed = like[0].followed
    assert set(followed) <= {"x", "y", "z", None} and any(followed) and free[0].followed == ()
    again = tiny.mix(song, 2, steps=4, seed=1, reference_stems=replace(wet, audio=0.1 * wet.audio))
    assert again[0].followed == followed  # how loud the other mix is does not count
    torch.testing.assert_close(again[0].embeddings, like[0].embeddings, rtol=0, atol=1e-3)


def test_a_lean_moves_only_tracks_with_a_stem_and_more_the_surer_it_is(tiny, dry_tracks):
    song = read_multitrack(dry_tracks(3, 1.0))
    hearing, names = tiny.hear(song), song.names
    content, plays = hearing.content, torch.eye(3)
    target = tiny.generate(content, 1, steps=4, seed=50)[0]
    stems = WetStems(("s",), target[1:2], plays[1:2])
    directed = Direction(stems=stems).among(names, names, tiny.preset.embedding).hearing(plays)
    assert directed.followed == (None, "s", None) and set(directed.like) == {1}

    def draw(evidence):
        return tiny.generate(content, 4, steps=4, seed=3, evidence=evidence)

    near, free = directed.draw(draw).plans, draw(None)
    distance = [(plans[:, 1] - target[1]).norm(dim=-1).mean() for plans in (near, free)]
    assert distance[0] < distance[1]
    kept = Direction({"track 01": target[1]}, stems=stems).among(names, names, tiny.preset.embedding).hearing(plays)
    assert not kept.like  # what is kept leans nowhere


def test_what_cannot_be_followed_is_said(tiny, tiny_paper, dry_tracks, tmp_path):
    song = read_multitrack(dry_tracks(2, 0.6))
    with pytest.raises(UserError, match="stems of the reference are all silent"):
        tiny.mix(song, steps=2, reference_stems=replace(song, audio=0 * song.audio))
    with pytest.raises(UserError, match="wet stems need the effect encoder"):
        Mixer(tiny_paper, "cpu").mix(song, steps=2, reference_stems=song)
    with pytest.raises(UserError, match="nowhere"):
        tiny.mix(song, steps=2, reference_stems=tmp_path / "nowhere")
    heard = tiny.hear(song).plays
    stems = WetStems(("s",), torch.zeros(1, tiny.preset.embedding.dim), -heard[:1])
    with pytest.warns(SongWarning, match=r"none of the reference's stems \(s\) plays what a free track here plays"):
        mixes = list(tiny.iterate_mixes(song, 1, direction=Direction(stems=stems)))
    assert mixes[0].followed == ()
