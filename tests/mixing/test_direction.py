"""Tracks that are kept: they stay to the last bit, the others are drawn to fit, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from megami.audio import Multitrack, read_multitrack
from megami.embeddings import join_features
from megami.errors import UserError
from megami.generator import Evidence
from megami.mixing import Direction, Mixer, Plan

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


@pytest.fixture(scope="module")
def tiny(tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, device="cpu")


@pytest.fixture(scope="module")
def song(dry_tracks) -> Multitrack:
    return read_multitrack(dry_tracks(3, 1.0))


def test_kept_tracks_stay_to_the_last_bit_and_sound_the_same(tiny, song):
    (first,) = tiny.mix(song, steps=4, seed=1)
    kept = tiny.mix(song, num_mixes=2, steps=4, seed=2, keep={"track 01": first})
    free = tiny.mix(song, num_mixes=2, steps=4, seed=2)
    for one, other in zip(kept, free, strict=True):
        assert torch.equal(one.embeddings[1], first.embeddings[1])
        assert not torch.equal(other.embeddings[1], first.embeddings[1])
        assert (one.embeddings[[0, 2]] - first.embeddings[[0, 2]]).norm(dim=-1).min() > 0.05
        wet, before = tiny.process(song, one.embeddings), tiny.process(song, first.embeddings)
        assert torch.equal(wet[1], before[1])
        ratio = one.tracks[1].norm() / first.tracks[1].norm()  # all tracks of a mix are turned up together
        torch.testing.assert_close(one.tracks[1], ratio * first.tracks[1], rtol=0, atol=1e-5)


def test_a_whole_mix_is_kept_also_for_another_song_with_the_same_parts(tiny, song, dry_tracks):
    (first,) = tiny.mix(song, steps=4, seed=1)
    (again,) = tiny.mix(song, steps=4, seed=5, keep=first)
    assert torch.equal(again.embeddings, first.embeddings) and torch.equal(again.audio, first.audio)
    longer = dry_tracks(4, 1.0, seed=7)
    (other,) = tiny.mix(read_multitrack(longer), steps=4, keep=first)
    assert torch.equal(other.embeddings[:3], first.embeddings) and other.embeddings[3].any()


def test_without_a_direction_nothing_changes(tiny, song):
    plain, empty = tiny.mix(song, steps=4, seed=3), tiny.mix(song, steps=4, seed=3, keep={})
    assert torch.equal(plain[0].audio, empty[0].audio) and torch.equal(plain[0].embeddings, empty[0].embeddings)
    content = tiny.content(song)
    as_it_is = tiny.generate(content, 2, steps=4, evidence=Evidence(lambda estimate, mix: estimate))
    assert torch.equal(as_it_is, tiny.generate(content, 2, steps=4))


def test_the_order_of_the_tracks_and_the_number_of_mixes_do_not_matter(tiny, song):
    content = tiny.content(song)
    z = tiny.generate(content, 1, steps=4, seed=1)[0]

    def drawn(order: list[int], num_mixes: int) -> torch.Tensor:
        names = [song.names[index] for index in order]
        directed = Direction({"track 02": z[2]}).among(names, names, tiny.preset.embedding)
        return directed.draw(lambda e: tiny.generate(content[order], num_mixes, steps=4, seed=2, evidence=e)).plans

    plain = drawn([0, 1, 2], 2)
    assert torch.equal(drawn([0, 1, 2], 1)[0], plain[0]) and torch.equal(drawn([0, 1, 2], 2), plain)
    torch.testing.assert_close(drawn([2, 0, 1], 2), plain[:, [2, 0, 1]], rtol=0, atol=1e-5)


def test_a_silent_track_is_left_out_of_what_is_kept(tiny, song):
    (first,) = tiny.mix(song, steps=4)
    quiet = replace(song, audio=song.audio * torch.tensor([1.0, 0.0, 1.0])[:, None, None])
    (mixed,) = tiny.mix(quiet, steps=4, keep=first)
    assert torch.equal(mixed.embeddings[[0, 2]], first.embeddings[[0, 2]]) and not mixed.embeddings[1].any()
    with pytest.raises(UserError, match="track 01 is silent in this song"):
        tiny.mix(quiet, steps=4, keep={"track 01": first})
    with pytest.raises(UserError, match="says nothing"):
        tiny.mix(song, steps=4, keep={"track 01": mixed})


def test_what_cannot_be_kept_is_refused(tiny, song):
    (first,) = tiny.mix(song, steps=4)
    strange = replace(first, names=("a", "b", "c"))
    for keep, words in (
        ({"voice": first}, "no track is called 'voice': the tracks are track 00, track 01, track 02"),
        ({"track 00": strange}, "has no such track: it has a, b, c"),
        ({"track 00": torch.ones(7)}, r"has \(7,\) numbers, these networks have \(256,\)"),
        ({"track 00": torch.full((256,), torch.nan)}, "is not a number"),
        ({"track 00": "mix_1"}, "not from 'mix_1'"),
        (strange, "nothing can be kept: no track of that mix"),
    ):
        with pytest.raises(UserError, match=words):
            tiny.mix(song, steps=4, keep=keep)
    with pytest.raises(UserError, match="number of passes must be from 1 to 20"):
        Evidence(lambda estimate, mix: estimate, 0)


def test_the_others_are_drawn_to_fit_the_kept_ones():
    """With the shipped generator: nearer to the mix of the kept tracks than free draws are, and still varied."""
    mixer = Mixer.from_pretrained("small", device="cpu")
    song = read_multitrack(SAMPLES / "night_bus")
    content = mixer.content(replace(song, audio=song.audio[..., 3 * song.sample_rate : 6 * song.sample_rate]))
    mixes, others = mixer.generate(content, 3, seed=9, together=True), [3, 4, 5]
    nearer, spread = [], []
    for number, mix in enumerate(mixes):
        kept = Direction(dict(zip(song.names[:3], mix[:3], strict=True)))
        directed = kept.among(song.names, song.names, mixer.preset.embedding)
        generate = partial(mixer.generate, content, 8, seed=number, together=True)
        drawn = directed.draw(lambda evidence, generate=generate: generate(evidence=evidence)).plans[:, others]
        free = generate()[:, others]
        assert torch.isfinite(drawn).all()
        distance = [(z - mix[others]).norm(dim=-1).mean() for z in (drawn, free)]
        nearer.append(float(distance[0] / distance[1]))
        spread.append(float(drawn.std(0).norm() / free.std(0).norm()))
    assert sum(nearer) / len(nearer) < 0.99
    assert 0.1 < sum(spread) / len(spread) < 1.5


def test_the_published_sizes_can_be_directed_where_their_parts_allow(tiny_paper, song):
    """Kept tracks and levels; not tone, which their plans do not tell, nor amounts, for want of an effect encoder."""
    mixer = Mixer(tiny_paper, "cpu")
    first, second = mixer.mix(song, 2, seed=1)
    (kept,) = mixer.mix(song, seed=2, keep={"track 01": first})
    assert torch.equal(kept.embeddings[1], first.embeddings[1]) and not torch.equal(kept.embeddings, first.embeddings)
    assert torch.equal(first.towards(second, 1.0).embeddings, second.embeddings)
    with pytest.raises(UserError, match="amounts need the effect encoder"):
        first.amount(0.5)
    for measure, words in (("brightness", "no spectrum code"), ("reverb", "do not say how much of it")):
        with pytest.raises(UserError, match=f"no wish for {measure} can be met.*{words}"):
            mixer.mix(song, wishes={"track 00": {measure: 1.0}})
    embedding = mixer.preset.embedding
    generator = torch.Generator().manual_seed(0)
    said = torch.tensor([-25.0, -24.0, 15.0, 15.0, -15.0, -15.0, 0.2, 0.1]).repeat(3, 1)
    plan = join_features(embedding, torch.randn(3, embedding.fx_dim, generator=generator), said)
    wishes = {"track 00": {"level": 3.0, "pan": -2.0}, "track 02": {"width": 2.0}}
    directed = Direction(Plan(song.names, plan), wishes).among(song.names, song.names, embedding)
    drawn = directed.draw(lambda evidence: mixer.generate(mixer.content(song), 1, evidence=evidence))
    assert len(drawn.outcomes[0]) == 3 and all(outcome.met for outcome in drawn.outcomes[0])
    assert torch.equal(drawn.plans[0, 1], plan[1]) and (drawn.plans[0] - plan).norm(dim=-1).max() < 0.2
