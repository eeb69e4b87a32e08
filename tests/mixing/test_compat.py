"""What the published inference does otherwise: each choice does what it says, and ours is the default."""

from __future__ import annotations

import copy
from dataclasses import fields, replace

import pytest
import torch

from megami.audio import Multitrack, framed_level_db
from megami.embeddings import apply_level, level_db
from megami.errors import UserError
from megami.mixing.compat import CHOICES, OURS, PUBLISHED, Compat, compat_named, with_compat
from megami.mixing.mixer import Mixer
from megami.presets import preset, with_config
from megami.processor import BlockPass

RATE = 44100


@pytest.fixture(scope="module")
def mixer(tiny_paper) -> Mixer:
    return Mixer(tiny_paper, "cpu")


@pytest.fixture(scope="module")
def song() -> Multitrack:
    """Three tracks of 13 s, longer than a block; the first plays quietly until 8 s, and then loudly."""
    generator = torch.Generator().manual_seed(0)
    audio = 0.1 * torch.randn(3, 1, 13 * RATE, generator=generator)
    time = torch.arange(13 * RATE) / RATE
    audio *= torch.stack([torch.where(time < 8, 0.1, 1.0), 1 + 0 * time, torch.exp(-(time % 0.5) * 8)])[:, None]
    return Multitrack(("swell", "steady", "hits"), audio, RATE)


@pytest.fixture(scope="module")
def short(song) -> Multitrack:
    return Multitrack(song.names, song.audio[..., -3 * RATE :].contiguous(), RATE)


@pytest.fixture(scope="module")
def plan(mixer, short) -> torch.Tensor:
    return mixer.generate(mixer.content(short), steps=4)[0]


def changed(mixer: Mixer, **choices) -> Mixer:
    return Mixer(mixer.networks, "cpu", Compat(**choices))


def test_published_differs_from_ours_in_every_field():
    assert set(PUBLISHED.differences()) == {field.name for field in fields(Compat)}
    assert Compat() == OURS and OURS.differences() == {} and set(CHOICES) < set(PUBLISHED.differences())
    assert compat_named("published") == PUBLISHED and compat_named("ours") == OURS


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"seams": "loose"}, "none, repaired, published"),
        ({"statistics": "track"}, "belongs to blocks"),
        ({"level": "block"}, "belongs to blocks"),
        ({"fxnorm_division": "batch"}, "belongs to blocks"),
        ({"fxnorm_short": "no"}, "True or False"),
        ({"content_noise": -1.0}, "content_noise"),
    ],
)
def test_impossible_choices_are_refused(choices, words):
    with pytest.raises(UserError, match=words):
        Compat(**choices)


def test_other_systems_have_no_published_behaviour(random_weights):
    with pytest.raises(UserError, match="paper"):
        Mixer.from_pretrained(random_weights, "cpu", compat="published")
    with pytest.raises(UserError, match="ours, published"):
        Mixer.from_pretrained(random_weights, "cpu", compat="new")
    for choices, part in (
        ({"fxnorm_short": False}, "FxNorm"),
        ({"extra_tracks": "zeros"}, "track numbers"),
        ({"content_window": "random"}, "CLAP"),
    ):
        with pytest.raises(UserError, match=f"about {part}, which these weights do not have"):
            Mixer.from_pretrained(random_weights, "cpu", processor="tcn", compat=Compat(**choices))
    noisy = Mixer.from_pretrained(random_weights, "cpu", compat=Compat(content_noise=0.1))  # every system can
    assert isinstance(noisy, Mixer)


def test_networks_that_are_passed_in_stay_as_they_are(tiny_paper):
    other = with_compat(tiny_paper, PUBLISHED)
    assert other.processor.config.own_statistics and not tiny_paper.processor.config.own_statistics
    assert other.fxnorm.config.shared_division and not tiny_paper.fxnorm.config.shared_division
    assert other.generator.network.config.extra_tracks == "zeros"
    ours, theirs = tiny_paper.processor.state_dict(), other.processor.state_dict()
    assert all(value.data_ptr() == theirs[key].data_ptr() for key, value in ours.items())  # no copies either
    assert torch.equal(other.fxnorm.smoothing, tiny_paper.fxnorm.smoothing)  # a buffer that is not stored


def test_a_network_of_another_size_is_no_twin(tiny_paper):
    with pytest.raises(ValueError, match="another size"):
        with_config(tiny_paper.processor, replace(tiny_paper.processor.config, channels=8))


def test_a_song_is_mixed_in_both_ways_and_each_gives_the_same_again(mixer, short):
    for compat in ("ours", "published"):
        one = Mixer(mixer.networks, "cpu", compat_named(compat))
        (first,), (again,) = (one.mix(short, steps=3, seed=4) for _ in range(2))
        assert first.audio.shape == (2, short.num_samples) and first.audio.isfinite().all()
        assert torch.equal(first.audio, again.audio) and first.tracks.abs().amax((1, 2)).min() > 0


def test_permuting_tracks_permutes_the_answer_though_tracks_have_numbers(mixer, short):
    order = [2, 0, 1]
    content = mixer.content(short)
    drawn = mixer.generate(content, 2, steps=4, seed=5)
    assert torch.allclose(mixer.generate(content[order], 2, steps=4, seed=5), drawn[:, order], atol=1e-4)
    in_order = changed(mixer, track_numbers="in order")
    drawn = in_order.generate(content, 1, steps=4, seed=5)
    assert not torch.allclose(in_order.generate(content[order], 1, steps=4, seed=5), drawn[:, order], atol=1e-2)


def test_sixteen_tracks_all_have_numbers_but_not_in_the_published_way(mixer):
    content = torch.nn.functional.normalize(torch.randn(16, 512, generator=torch.Generator().manual_seed(1)), dim=-1)
    assert mixer.networks.generator.network.track_codes(16).sum(-1).tolist() == [1.0] * 16
    zeros = changed(mixer, extra_tracks="zeros")
    assert zeros.networks.generator.network.track_codes(16).sum(-1).tolist() == [1.0] * 14 + [0.0] * 2
    ours, theirs = (one.generate(content, 1, steps=4, seed=0) for one in (mixer, zeros))
    assert ours.shape == (1, 16, 2112) and (ours - theirs).abs().max() > 1e-3
    assert torch.allclose(mixer.generate(content.flip(0), 1, steps=4, seed=0), ours.flip(1), atol=1e-4)


def test_running_statistics_count_by_default_only(mixer, short, plan):
    blocks = changed(mixer, seams="repaired", statistics="track")
    before = mixer.process(short, plan), blocks.process(short, plan)
    norm = mixer.networks.processor.blocks[1].norm
    try:
        norm.running_var.mul_(50.0)
        after = mixer.process(short, plan), blocks.process(short, plan)
    finally:
        norm.running_var.div_(50.0)
    assert (before[0] - after[0]).abs().max() > 1e-2
    assert torch.equal(before[1], after[1])


def test_short_songs_are_normalised_unless_told_not_to(mixer, short, plan):
    raw = changed(mixer, fxnorm_short=False).process(short, plan)
    networks = mixer.networks
    by_hand = []
    for track, z in zip(short.audio, plan, strict=True):
        content = networks.content_encoder(track[None])
        wet = networks.processor(track[None], z[None], content)
        by_hand.append(apply_level(wet, level_db(mixer.preset.embedding, z[None]).clamp(-70, 3)))
    have, want = framed_level_db(raw), framed_level_db(torch.cat(by_hand))
    assert torch.allclose(have.amax(-1), want.amax(-1), atol=0.05)
    for one, two in zip(raw, torch.cat(by_hand), strict=True):  # equal but for the cap on the gain between channels
        left = one[0] / one[0].abs().max(), two[0] / two[0].abs().max()
        assert torch.allclose(*left, atol=1e-3)
    assert (mixer.process(short, plan) - raw).abs().max() > 1e-2


def test_the_published_start_is_faded_in_and_ours_is_not(mixer, song):
    plan = mixer.generate(mixer.content(song), steps=4)[0]
    first = 100
    whole, repaired, published = (
        changed(mixer, seams=seams).process(song, plan)[1, 0, :first].square().mean().sqrt()
        for seams in ("none", "repaired", "published")
    )
    assert published < 0.01 * repaired and 0.3 < repaired / whole < 3


def test_a_level_for_every_block_flattens_a_swell(mixer, song):
    plan = mixer.generate(mixer.content(song), steps=4)[0]
    late = BlockPass.block

    def swell(level: str) -> float:
        wet = changed(mixer, seams="repaired", level=level).process(song, plan)[:1]
        loud, quiet = framed_level_db(wet[..., late:]), framed_level_db(wet[..., : 7 * RATE])
        return float((loud - quiet).amax())

    assert swell("song") > 3.0
    blocks = changed(mixer, seams="repaired", level="block").process(song, plan)[:1]
    levels = framed_level_db(blocks[..., :late]), framed_level_db(blocks[..., late:])
    assert torch.allclose(*levels, atol=0.5)  # both blocks at the generated level


def test_noise_on_the_content_is_that_of_the_seed(mixer, short):
    noisy = changed(mixer, content_noise=0.011)
    plain, one = mixer.content(short), noisy.content(short, seed=1)
    assert torch.equal(one, noisy.content(short, seed=1)) and not torch.equal(one, noisy.content(short, seed=2))
    assert torch.allclose(one.norm(dim=-1), torch.ones(3), atol=1e-5)
    # 512 draws of 0.011 have norm 0.249, so the cosine is 1 / sqrt(1 + 0.249^2) = 0.970
    assert torch.allclose((plain * one).sum(-1), torch.full((3,), 0.970), atol=0.02)


def test_tracks_are_heard_over_one_segment_or_each_over_its_own(mixer):
    generator = torch.Generator().manual_seed(3)
    audio = 0.05 * torch.randn(2, 1, 30 * RATE, generator=generator)
    audio[0, :, : 12 * RATE] *= 8  # decides where the song is loudest
    audio[1, :, 17 * RATE :] = torch.sign(audio[1, :, 17 * RATE :]) * 0.1  # another sound, later
    song = Multitrack(("early", "late"), audio, RATE)
    common, own = mixer.content(song), changed(mixer, content_segment="own").content(song)
    assert torch.allclose(common[0], own[0], atol=1e-3)
    alone = mixer.content(Multitrack(("late",), audio[1:], RATE))[0]
    assert torch.allclose(own[1], alone, atol=1e-4) and not torch.allclose(common[1], alone, atol=1e-4)


def test_ten_random_seconds_depend_on_the_seed(mixer, song):
    random = changed(mixer, content_window="random")
    assert torch.equal(random.content(song, seed=1), random.content(song, seed=1))
    assert not torch.equal(random.content(song, seed=1), random.content(song, seed=2))
    assert torch.equal(mixer.content(song, seed=1), mixer.content(song, seed=2))


def test_the_content_encoder_hears_tracks_at_minus_25_db(mixer, short):
    louder = Multitrack(short.names, 3.0 * short.audio, RATE)
    assert torch.allclose(mixer.content(louder), mixer.content(short), atol=1e-4)
    assert preset("paper").content_level_db == -25.0
    raw = Mixer(replace(mixer.networks, preset=replace(mixer.preset, content_level_db=None)), "cpu")
    assert not torch.allclose(raw.content(louder), raw.content(short), atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("compat", ["ours", "published"])
def test_a_gpu_gives_the_same_mix(tiny_paper, song, compat):
    plans, wets = [], []
    for device in ("cpu", "cuda"):
        one = Mixer(copy.deepcopy(tiny_paper), device, compat_named(compat))
        plans.append(one.generate(one.content(song, seed=1), 1, steps=4, seed=1)[0])
        wets.append(one.process(song, plans[0], seed=1))
    assert torch.allclose(*plans, atol=1e-3)
    assert (wets[0] - wets[1]).abs().max() < 1e-2 * wets[0].abs().max()
