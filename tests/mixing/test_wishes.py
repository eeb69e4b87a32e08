"""Wishes: met within their tolerance, by a small change of the plan, heard in the sound, or named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from megami.audio import Multitrack, framed_level_db, read_multitrack
from megami.embeddings import decode, mid_bands_db, side_bands_db
from megami.errors import UserError
from megami.mixing import MEASURES, Direction, Mixer, Wish
from megami.mixing.direction import Drawn, unmet
from megami.mixing.measures import read_plan
from megami.mixing.nearest import nearest_plan
from megami.mixing.wishes import MOST_STRAIN, read_wishes, wanted_of
from megami.presets import preset
from megami.processor import FilmTCN, TCNConfig

SONG = Path(__file__).resolve().parents[2] / "data_samples" / "night_bus"
TRACKS = ("drums", "pad", "synth_bass", "vocal")
Draw = Callable[..., Drawn]


@pytest.fixture(scope="module")
def mixer() -> Mixer:
    return Mixer.from_pretrained("small", device="cpu")


@pytest.fixture(scope="module")
def song() -> Multitrack:
    """Three seconds of four tracks."""
    whole = read_multitrack(SONG)
    some = whole.select([whole.names.index(name) for name in TRACKS])
    start = 6 * some.sample_rate
    return replace(some, audio=some.audio[..., start : start + 3 * some.sample_rate])


@pytest.fixture(scope="module")
def content(mixer, song) -> torch.Tensor:
    return mixer.content(song)


@pytest.fixture(scope="module")
def draw(mixer, content) -> Draw:
    """Give draw(wishes, keep, seed, num_mixes): plans for the song, nothing rendered."""

    def drawn(wishes, keep=None, seed=0, num_mixes=1, order=range(4)) -> Drawn:
        names, own = [TRACKS[index] for index in order], content[list(order)]
        direction = Direction(keep or {}, wishes)
        directed = direction.among(names, names, mixer.preset.embedding, mixer.networks.processor)
        return directed.draw(lambda evidence: mixer.generate(own, num_mixes, seed=seed, evidence=evidence))

    return drawn


@pytest.mark.parametrize(
    "wishes",
    [
        {"vocal": {"level_db": 3.0}},
        {"vocal": {"pan_db": -4.0}, "pad": {"width": Wish(3.0, within=0.5)}},
        {"drums": {"brightness": -4.0, "level": Wish(2.0, "at")}},
        {"mix": {"width": 2.0, "brightness": 2.0}},
    ],
)
def test_wishes_are_met_by_a_small_change(draw, wishes):
    for seed in (1, 2, 3):
        free, drawn = draw({}, seed=seed), draw(wishes, seed=seed)
        assert len(drawn.outcomes[0]) == sum(len(of_track) for of_track in wishes.values())
        for outcome in drawn.outcomes[0]:
            assert abs(outcome.reached - outcome.wished) <= outcome.within + 0.05 and outcome.met
        torch.testing.assert_close(drawn.plans.norm(dim=-1), torch.ones(1, 4), rtol=0, atol=1e-5)
        others = [number for number, name in enumerate(TRACKS) if name not in wishes]
        apart = float((draw({}, seed=seed + 10).plans - free.plans)[:, others].norm(dim=-1).mean())
        moved = float((drawn.plans - free.plans)[:, others].norm(dim=-1).mean())
        assert moved < 0.5 * apart  # the same seed gives the same mix but for the wish


def test_measures_say_what_the_embedding_says(draw, mixer):
    """Against the descriptors themselves: a wish for a value is a value of the decoded plan."""
    plan = draw({"pad": {"pan": 5.0, "level": Wish(-6.0, "at", 0.0)}, "drums": {"width": Wish(-8.0, "at")}}).plans[0]
    said = decode(mixer.preset.embedding, plan)
    pad, drums = TRACKS.index("pad"), TRACKS.index("drums")
    left, right = said["level_db"][pad]
    assert float(right - left) == pytest.approx(5.0, abs=0.3)
    ratio = 10 ** (float(right - left) / 10)
    assert float(said["imbalance"][pad]) == pytest.approx((ratio - 1) / (ratio + 1), abs=0.03)
    power = (10 ** (said["level_db"] / 10)).sum(-1)
    others = power.sum() - power[pad]
    assert float(10 * torch.log10(power[pad] / others)) == pytest.approx(-6.0, abs=0.5)
    sounding = said["mid_bands_db"][drums] > -45.0
    side = np.interp(np.arange(24) / 23, np.arange(8) / 7, said["side_bands_db"][drums].numpy())
    assert float(side[sounding.numpy()].mean()) == pytest.approx(-8.0, abs=1.0)


def test_wishes_are_heard(draw, mixer, song):
    """What is rendered follows: level, pan and tone closely, width more or less, as the processor renders it."""
    wishes = {
        "vocal": {"level": 4.0},
        "pad": {"pan": Wish(6.0), "brightness": 6.0},
        "drums": {"width": Wish(12.0)},
    }
    before, after = (mixer.process(song, draw(w, seed=5).plans[0]) for w in ({}, wishes))
    vocal, pad, drums = (TRACKS.index(name) for name in ("vocal", "pad", "drums"))

    def level(wet: torch.Tensor) -> float:
        power = (10 ** (framed_level_db(wet) / 10)).sum(-1)
        return float(10 * torch.log10(power[vocal] / (power.sum() - power[vocal])))

    assert level(after) - level(before) == pytest.approx(4.0, abs=0.5)
    left, right = framed_level_db(after[pad])
    assert float(right - left) == pytest.approx(6.0, abs=0.5)
    # The sides of rooms and echoes answer little to the plan's width, so the whole follows in part only.
    assert side_bands_db(after[drums : drums + 1]).mean() > side_bands_db(before[drums : drums + 1]).mean() + 1.5
    bands = [mid_bands_db(wet[pad : pad + 1])[0] for wet in (before, after)]
    dark, bright = (float(one[12:].mean() - one[:12].mean()) for one in bands)
    assert bright - dark == pytest.approx(6.0, abs=1.5)


def test_the_same_seed_gives_the_same_mix_in_any_order_and_number(draw):
    wishes = {"vocal": {"level": 2.0, "brightness": 1.0}, "drums": {"pan": 1.0}}
    two = draw(wishes, seed=3, num_mixes=2).plans
    assert torch.equal(draw(wishes, seed=3).plans[0], two[0])
    order = [2, 0, 3, 1]
    torch.testing.assert_close(draw(wishes, seed=3, order=order).plans[0], two[0][order], rtol=0, atol=1e-4)


def test_a_kept_track_changes_by_the_wish_only(draw):
    take = draw({}, seed=4).plans[0]
    keep = dict(zip(TRACKS, take, strict=True))
    after = draw({"vocal": {"level": 2.0}}, keep, seed=9)
    assert torch.equal(after.plans[0, :3], take[:3])
    assert 0 < float((after.plans[0, 3] - take[3]).norm()) < 0.1
    (outcome,) = after.outcomes[0]
    assert outcome.met and outcome.wished - outcome.take == pytest.approx(2.0) and outcome.strain == 0
    with pytest.raises(UserError, match="none is free to meet a wish for the whole mix"):
        draw({"mix": {"width": 2.0}}, keep)


def test_an_impossible_wish_is_named(draw, mixer, song, content):
    take = draw({}, seed=4).plans[0]
    keep = dict(zip(TRACKS, take, strict=True))
    wishes = {"vocal": {"level": Wish(40.0, "at")}}  # no track is louder than full scale, and all others stay
    drawn = draw(wishes, keep)
    (outcome,) = drawn.outcomes[0]
    assert not outcome.met and outcome.reached < 39.0 and torch.isfinite(drawn.plans).all()
    with pytest.warns(UserWarning, match=r"mix 1: the level of vocal should be \+40.0 dB and is .*no plan was found"):
        (mix,) = mixer.mix(song, steps=2, keep=keep, wishes=wishes)
    assert not mix.outcomes[0].met


def test_a_strange_wish_is_named(draw):
    """Nobody pans a bass hard: the model has to be held to it; a little louder is nothing strange."""
    (far,), (near,) = (draw({"synth_bass": wish}).outcomes[0] for wish in ({"pan": 12.0}, {"level": 2.0}))
    assert far.strange and not near.strange and far.strain > 3 * near.strain
    (line,) = unmet("mix 2", [far, near])
    assert line.startswith("mix 2: the pan of synth_bass should be +12.0 dB and is +1") and "hardly any" in line


def test_a_wish_far_from_all_free_mixes_is_named(mixer, song, content):
    """Plans 40 dB apart in level are near each other as embeddings; what is usual tells them apart."""
    directed = [
        Direction(wishes={"vocal": {"level": db}}).among(TRACKS, TRACKS, mixer.preset.embedding) for db in (2.0, 40.0)
    ]

    def generate(own, evidence):
        return mixer.generate(content, 1, seed=own, steps=2, evidence=evidence)

    (near,), (far,) = (one.draw_by_seed(generate, 0).outcomes[0] for one in directed)
    assert near.usual == far.usual and near.met and not near.strange
    assert far.met and far.strange and far.strain < MOST_STRAIN


def test_the_nearest_plan_is_the_nearest(mixer, draw):
    """No other change of the same size reaches as far: the step follows the slope of the measure."""
    z, embedding = draw({}, seed=6).plans[0], mixer.preset.embedding
    (wanted,) = wanted_of({"vocal": {"level": 1.0}}, TRACKS, TRACKS, embedding)
    said = read_plan(z.double(), embedding)
    aims = wanted.aims(said, float(wanted.read(said)))
    near = nearest_plan(z, lambda one: read_plan(one, embedding), aims, torch.ones(4, dtype=torch.bool))
    size = (near - z).norm()
    gained = float(wanted.read(read_plan(near, embedding)) - wanted.read(said))
    assert gained == pytest.approx(1.0, abs=0.15)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        step = torch.randn(z.shape, generator=generator)
        other = z + size * step / step.norm()
        assert float(wanted.read(read_plan(other, embedding)) - wanted.read(said)) < gained
    assert torch.equal(nearest_plan(z, lambda one: read_plan(one, embedding), [], torch.ones(4)), z)


def test_reverb_is_wished_for_where_plans_say_it(tiny_weights, content, draw):
    wish = Direction({}, {"vocal": {"reverb": 3.0}})
    with pytest.raises(UserError, match="no wish for reverb can be met: plans of these weights do not say"):
        wish.among(TRACKS, TRACKS, preset("small").embedding, FilmTCN(TCNConfig(channels=4, blocks=1)))
    assert draw({"vocal": {"reverb": 3.0}}).outcomes[0][0].met  # the shipped processor has a knob for it
    tiny = Mixer.from_pretrained(tiny_weights, device="cpu")  # their processor has a knob for it
    direction = Direction({}, {"vocal": {"reverb": 2.0}})
    directed = direction.among(TRACKS, TRACKS, tiny.preset.embedding, tiny.networks.processor)
    drawn = directed.draw(lambda evidence: tiny.generate(content, 1, steps=4, evidence=evidence))
    assert drawn.outcomes[0][0].met


def test_a_wish_for_reverb_turns_the_knob_that_is_rendered(tiny_weights, dry_tracks):
    tiny, song = Mixer.from_pretrained(tiny_weights, device="cpu"), read_multitrack(dry_tracks(2, 0.6))
    (mixed,) = tiny.mix(song, steps=4, seed=1, wishes={"track 00": {"reverb_db": 3.0}})
    (outcome,) = mixed.outcomes
    knobs = tiny.networks.processor.space_knobs(mixed.embeddings[:1])
    assert outcome.measure == "reverb" and outcome.met and outcome.wished == pytest.approx(outcome.take + 3.0)
    assert float(knobs.reverb_db) == pytest.approx(outcome.reached, abs=0.01) and float(knobs.reverb) > 0.5


def test_what_means_nothing_is_refused(draw):
    for wishes, words in (
        ({"voice": {"level": 1}}, "no track is called 'voice': the tracks are drums, pad, synth_bass, vocal"),
        ({"vocal": {"loudness": 1}}, "about 'loudness': choose from level, pan, width, brightness, reverb"),
        ({"vocal": {"level": 90}}, "a wish for level must be from -60 to 40 dB, not 90"),
        ({"vocal": {"level": "loud"}}, "must be a number of dB, not 'loud'"),
        ({"vocal": {"level": float("nan")}}, "must be a number of dB, not nan"),
        ({"vocal": {"level": Wish(1, within=-1)}}, "tolerance of a wish must be from 0 to 20 dB, not -1"),
        ({"vocal": {"level": Wish(1, "around")}}, "not 'around'"),
        ({"mix": {"level": 1}}, "level is wished for a track; for the whole mix: width, brightness"),
        ({"vocal": 2}, "have a measure each"),
    ):
        with pytest.raises(UserError, match=words):
            draw(wishes)


def test_wishes_in_words():
    assert read_wishes(["vocal:level=+2", "lead: vox:pan=by -3 dB within 1", "mix:width=at -6.5"]) == {
        "vocal": {"level": Wish(2.0)},
        "lead: vox": {"pan": Wish(-3.0, "by", 1.0)},
        "mix": {"width": Wish(-6.5, "at")},
    }
    for text, words in (
        ("vocal+2", "write a track, a measure and dB"),
        ("vocal:level=loud", "write a track, a measure and dB"),
        ("vocal:volume=2", "choose from level"),
        ("vocal:level=+99", "from -60 to 40"),
    ):
        with pytest.raises(UserError, match=words):
            read_wishes([text])
    with pytest.raises(UserError, match="another wish for the level of vocal"):
        read_wishes(["vocal:level=1", "vocal:level_db=2"])
    assert set(MEASURES) == {"level", "pan", "width", "brightness", "reverb"}
