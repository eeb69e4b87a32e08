"""What the compared systems decide, on a handmade song."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from megami.audio import Multitrack
from megami.evaluation import systems
from megami.evaluation.run import other_mixers
from megami.evaluation.systems import TrainingTracks
from megami.generator import Denoiser, MultitrackTransformer, SamplingOptions
from megami.mixing import Mixer, from_pretrained
from megami.presets import preset
from megami.studio import Song
from megami.studio.engineers.engineer import MIX_LEVEL_DB
from megami.studio.engineers.listening import framed_level, loudness

RATE = 44100


@pytest.fixture(scope="module")
def song(dry_tracks) -> Song:
    audio = np.stack(list(dry_tracks(5, 3.0).values())) * np.array([1, 0.1, 0.5, 0.3, 0.02], dtype=np.float32)[:, None]
    return Song(
        Multitrack(("kick", "bass", "guitar", "keys", "voice"), torch.from_numpy(audio)[:, None], RATE),
        ("drums", "bass", "chords", "chords", "vocal"),
        ("kick", "electric bass", "electric guitar", "piano", "voice"),
        "pop",
        7,
    )


def rendered(song, chains):
    dry = [track.numpy() for track in song.multitrack.audio]
    return [chain.apply(x, RATE) for chain, x in zip(chains, dry, strict=True)]


@pytest.mark.parametrize("system", [systems.raw_sum, systems.equal_loudness, lambda song: systems.rule_based(song, 0)])
def test_mixes_have_the_level_of_a_mix(song, system):
    assert framed_level(sum(rendered(song, system(song))), RATE) == pytest.approx(MIX_LEVEL_DB, abs=0.05)


def test_raw_sum_keeps_the_balance_of_the_dry_tracks(song):
    wet = rendered(song, systems.raw_sum(song))
    ratios = [float(np.abs(x).max() / track.abs().max()) for x, track in zip(wet, song.multitrack.audio, strict=True)]
    assert max(ratios) / min(ratios) == pytest.approx(1, rel=1e-4)


def test_equal_loudness_makes_tracks_equally_loud(song):
    levels = [loudness(x, RATE) for x in rendered(song, systems.equal_loudness(song))]
    assert max(levels) - min(levels) < 0.1


def test_rules_put_the_voice_in_front_and_the_guitars_to_both_sides(song):
    wet = rendered(song, systems.rule_based(song, 3))
    levels = [loudness(x, RATE) for x in wet]
    assert np.argmax(levels) == 4
    sides = [float(10 * np.log10(np.square(x[1]).mean() / np.square(x[0]).mean())) for x in wet]
    assert sides[2] * sides[3] < 0 and sides[2] == pytest.approx(-sides[3], abs=0.1) and abs(sides[2]) > 5
    assert abs(sides[0]) < 0.01 and abs(sides[1]) < 0.01 and abs(sides[4]) < 0.01


@pytest.fixture(scope="module")
def training() -> TrainingTracks:
    g = torch.Generator().manual_seed(0)
    content = torch.nn.functional.normalize(torch.randn(9, 16, generator=g), dim=-1)
    return TrainingTracks(torch.randn(9, 4, generator=g), content, tuple("abcdefghi"), np.repeat([0, 1, 2], 3))


def test_random_borrows_from_one_mix_at_a_time(training):
    chosen = systems.choose_random(training, 5, 40, seed=1)
    assert chosen.shape == (40, 5)
    assert all(len(set(training.mix[row])) == 1 for row in chosen)
    assert set(training.mix[chosen[:, 0]]) == {0, 1, 2}


def test_nearest_finds_the_same_content_first(training):
    chosen = systems.choose_nearest(training, training.content[[4, 2]], 3)
    assert chosen.shape == (3, 2) and chosen[0].tolist() == [4, 2]


def test_networks_answer_in_the_shape_of_plans(random_weights: Path):
    mixer = Mixer.from_pretrained(random_weights, "cpu")
    content = torch.nn.functional.normalize(torch.randn(3, 256, generator=torch.Generator().manual_seed(0)), dim=-1)
    others = other_mixers(mixer, random_weights)
    together = mixer.generate(content, 2, sampling=SamplingOptions(3, "multistep", 5.0))
    alone = systems.draw_per_track(others["per_track"], content, 2, 0)
    answer = systems.regress(others["regression"], content)
    assert together.shape == alone.shape == (2, 3, 256) and answer.shape == (1, 3, 256)
    for z in (together, alone, answer):
        assert torch.allclose(z.norm(dim=-1), torch.ones(z.shape[:2]), atol=1e-4)


def test_a_lone_track_does_not_hear_the_others(random_weights: Path):
    small = preset("small")
    torch.manual_seed(0)
    sizes = replace(small.transformer, depth=1, zero_init=False, zero_output=False)
    denoiser = Denoiser(MultitrackTransformer(sizes), small.edm).eval()
    mixer = Mixer(replace(from_pretrained(random_weights), generator=denoiser), "cpu")
    content = torch.nn.functional.normalize(torch.randn(3, 256, generator=torch.Generator().manual_seed(0)), dim=-1)
    other = content.clone()
    other[2] = -content[2]

    alone = (systems.draw_per_track(mixer, content, 1, 0) - systems.draw_per_track(mixer, other, 1, 0)).abs()
    alone = alone.amax((0, 2))
    assert alone[:2].max() < 1e-5 and alone[2] > 1e-3
    together = (mixer.generate(content) - mixer.generate(other)).abs().amax((0, 2))
    assert (together > 1e-4).all()
