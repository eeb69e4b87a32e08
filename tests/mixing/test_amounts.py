"""Between two mixes, and less of one: the ends are what they should be, and all that is said moves one way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from megami.audio import read_multitrack
from megami.embeddings import decode, renormalise, split_parts
from megami.errors import UserError
from megami.mixing import Direction, Mix, Mixer
from megami.mixing.amounts import RESPECTS, along_sphere, amounts_in_words, between, read_amounts
from megami.presets import preset

EMBEDDING = preset("small").embedding
SHARES = torch.linspace(0, 1, 9)
SAID = {
    "level": lambda said: said["level_db"].mean(-1),
    "tone": lambda said: said["mid_bands_db"],
    "dynamics": lambda said: torch.cat([said["crest_db"], said["spread_db"]], dim=-1),
    "width": lambda said: torch.cat(
        [
            said["side_bands_db"],
            said["width"][..., None],
            said["imbalance"][..., None],
            said["level_db"].diff(dim=-1),
        ],
        dim=-1,
    ),
}


@pytest.fixture(scope="module")
def ends() -> tuple[torch.Tensor, torch.Tensor]:
    """Two plans [tracks, dim] as a generator draws them, of a real song."""
    mixer = Mixer.from_pretrained("small", device="cpu")
    folder = Path(__file__).resolve().parents[2] / "data_samples" / "rooftop"
    song = read_multitrack(folder)
    content = mixer.content(song.select([0, 4]))
    first, second = mixer.generate(content, 2, seed=3)
    return first, second


@pytest.fixture(scope="module")
def mixes(tiny_weights, dry_tracks) -> list[Mix]:
    mixer = Mixer.from_pretrained(tiny_weights, device="cpu")
    return mixer.mix(read_multitrack(dry_tracks(3, 1.0)), 2, steps=4, seed=1)


def path(ends: tuple[torch.Tensor, torch.Tensor], **some: float) -> torch.Tensor:
    """The plans on the way, [shares, tracks, dim], where all respects but `some` go along."""
    ways = [read_amounts(float(share), **some) for share in SHARES]
    return torch.stack([between(EMBEDDING, *ends, amounts) for amounts in ways])


def test_all_that_is_said_moves_one_way(ends):
    plans = path(ends)
    assert torch.equal(plans[0], ends[0]) and torch.equal(plans[-1], ends[1])
    torch.testing.assert_close(plans.norm(dim=-1), torch.ones(9, 2), rtol=0, atol=1e-5)
    torch.testing.assert_close(plans, renormalise(EMBEDDING, plans), rtol=0, atol=1e-5)
    said = decode(EMBEDDING, plans)
    for name, of in SAID.items():
        values = of(said)
        steps = values.diff(dim=0) * (values[-1] - values[0]).sign()
        assert steps.min() > -2e-3, name
    fx = split_parts(EMBEDDING, plans).fx
    angles = torch.arccos((fx * fx[0]).sum(-1).clamp(-1, 1))
    assert (angles.diff(dim=0) > 0).all()
    torch.testing.assert_close(angles, SHARES[:, None] * angles[-1], rtol=0, atol=5e-3)  # evenly along the arc


@pytest.mark.parametrize("respect", RESPECTS)
def test_one_respect_moves_alone(ends, respect):
    alone = between(EMBEDDING, *ends, read_amounts(0.0, **{respect: 1.0}))
    others = between(EMBEDDING, *ends, read_amounts(1.0, **{respect: 0.0}))
    start, end = (decode(EMBEDDING, z) for z in ends)
    for name, of in SAID.items():
        here, there = (of(decode(EMBEDDING, z)) for z in (alone, others))
        goal, other = (of(end), of(start)) if name == respect else (of(start), of(end))
        torch.testing.assert_close(here, goal, rtol=0, atol=2e-2)
        torch.testing.assert_close(there, other, rtol=0, atol=2e-2)
    fx, goal = (split_parts(EMBEDDING, z).fx for z in (alone, ends[respect == "space"]))
    torch.testing.assert_close(fx, goal, rtol=0, atol=1e-4)


def test_along_the_sphere():
    a, b = torch.eye(3)[0], torch.eye(3)[1]
    torch.testing.assert_close(along_sphere(a, b, 0.5), torch.tensor([0.5**0.5, 0.5**0.5, 0.0]))
    torch.testing.assert_close(along_sphere(a, a, 0.3), a)
    assert torch.isfinite(along_sphere(a, -a, 0.5)).all()


def test_mixes_between_mixes(mixes):
    first, second = mixes
    assert torch.equal(first.towards(second, 1.0).embeddings, second.embeddings)
    assert torch.equal(first.towards(second, 0.0).audio, first.audio)
    half = first.towards(second, 0.5)
    assert not torch.equal(half.audio, first.audio) and half.names == first.names
    levels = [decode(EMBEDDING, mix.embeddings)["level_db"] for mix in (first, half, second)]
    torch.testing.assert_close(levels[1], (levels[0] + levels[2]) / 2, rtol=0, atol=1e-2)
    assert torch.equal(half.towards(second, 1.0).embeddings, second.embeddings)  # made mixes can be changed again


def test_less_of_a_mix(mixes):
    (one, _) = mixes
    assert torch.equal(one.amount(1.0).audio, one.audio)
    none, half = one.amount(0.0), one.amount(0.5, width=1.0)
    assert torch.equal(none.embeddings, mixes[1].amount(0.0).embeddings)  # nothing done is the same for all mixes
    said, full = (decode(EMBEDDING, mix.embeddings) for mix in (none, one))
    assert said["imbalance"].abs().max() < 0.02 and said["width"].abs().max() < 0.02  # dry tracks stand in the middle
    torch.testing.assert_close(
        decode(EMBEDDING, half.embeddings)["side_bands_db"], full["side_bands_db"], rtol=0, atol=1e-2
    )


def test_amounts_while_mixing(tiny_weights, dry_tracks):
    mixer, song = Mixer.from_pretrained(tiny_weights, device="cpu"), read_multitrack(dry_tracks(2, 0.6))
    direction = Direction(amounts=read_amounts(0.3))
    (less,) = mixer.iterate_mixes(song, 1, direction=direction, seed=4)
    (full,) = mixer.mix(song, seed=4)
    assert torch.equal(less.embeddings, full.amount(0.3).embeddings) and torch.equal(less.audio, full.amount(0.3).audio)
    with pytest.raises(UserError, match="an amount would undo the wishes"):
        Direction(wishes={"a": {"level": 1}}, amounts=read_amounts(0.5))


def test_what_means_nothing_is_refused(mixes):
    one, other = mixes
    for make, words in (
        (lambda: one.amount(1.5), "an amount must be a number from 0 to 1, not 1.5"),
        (lambda: one.amount(loudness=0.5), "no amount of 'loudness': choose from level, tone, dynamics, space, width"),
        (lambda: Mix(one.audio, one.tracks, one.embeddings, one.names).amount(0.5), "does not know its song"),
        (lambda: one.towards(Mix(other.audio, other.tracks, other.embeddings, ("a", "b", "c")), 0.5), "other tracks"),
        (lambda: amounts_in_words(["much"]), "write a number from 0 to 1"),
        (lambda: amounts_in_words(["level=2"]), "from 0 to 1, not 2.0"),
    ):
        with pytest.raises(UserError, match=words):
            make()
    assert amounts_in_words(["0.6", "level = 0.2"]) == dict.fromkeys(RESPECTS, 0.6) | {"level": 0.2}
