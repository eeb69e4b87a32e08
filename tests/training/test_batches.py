"""What batches are made of: lone tracks, long crops, and dry tracks as microphones would have heard them."""

import numpy as np
import torch

from megami.corpus import Crops, MixEmbeddings
from megami.corpus.space import SPACE
from megami.embeddings import LogMel
from megami.generator import Denoiser, MultitrackTransformer
from megami.presets import preset
from megami.training.recipes.adaptation import with_room_sound
from megami.training.recipes.baselines import DrawLoneTracks, RegressionTask
from megami.training.recipes.generator import DrawMixes
from megami.training.recipes.processor import DrawCrops


def mixes(counts=(2, 5, 3)):
    g = torch.Generator().manual_seed(0)
    effects = [torch.randn(n, 256, generator=g) for n in counts]
    contents = [torch.nn.functional.normalize(torch.randn(3, n, 256, generator=g), dim=-1) for n in counts]
    return MixEmbeddings(effects, contents, torch.eye(256) * 0.01)


def test_a_batch_needs_no_padding_and_every_mix_has_its_turn():
    source = mixes((2, 5, 3, 3))
    draw, rng = DrawMixes(source, 6), np.random.default_rng(0)
    numbers = {tuple(mix[0, :4].tolist()): index for index, mix in enumerate(source.effects)}
    drawn = []
    for _ in range(400):
        batch = draw(rng)
        assert batch["mask"].all() and batch["mask"].shape == batch["effects"].shape[:2] == batch["contents"].shape[:2]
        drawn += [numbers[tuple(row[:4].tolist())] for row in batch["effects"][:, 0]]
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    assert np.allclose(shares, 0.25, atol=0.08)


def test_content_says_nothing_of_who_made_this_mix():
    """Each track is told as in any mix of its song, and as the same track; a mix without a twin is told as it is."""
    songs = (0, 0, 0, 1, 0, 2)
    effects = [torch.full((3, 256), float(mix)) for mix in range(len(songs))]
    # The first number says the mix, the second the track.
    marks = [torch.tensor([[float(mix), float(track)] for track in range(3)]) for mix in range(len(songs))]
    contents = [torch.nn.functional.pad(mark, (0, 254)).expand(3, -1, -1) for mark in marks]
    draw, rng = DrawMixes(MixEmbeddings(effects, contents, torch.eye(256), songs), 8), np.random.default_rng(0)
    seen = np.zeros((len(songs), len(songs)))
    for _ in range(300):
        batch = draw(rng)
        for mix, told in zip(batch["effects"][:, 0, 0].long().tolist(), batch["contents"], strict=True):
            assert torch.equal(told[:, 1], torch.arange(3.0))
            for other in told[:, 0].long().tolist():
                seen[mix, other] += 1
    shares = seen / seen.sum(axis=1, keepdims=True)
    family = np.equal.outer(songs, songs)
    assert np.allclose(shares, family / family.sum(axis=1, keepdims=True), atol=0.05)


def test_lone_tracks_are_all_tracks_of_the_mixes_and_nothing_else():
    source = mixes()
    batch = DrawLoneTracks(DrawMixes(source, 4))(np.random.default_rng(0))
    known = {tuple(row[:4].tolist()) for mix in source.effects for row in mix}
    assert batch["mask"].all() and batch["effects"].shape[1:] == (1, 256)
    assert {tuple(row[0, :4].tolist()) for row in batch["effects"]} <= known
    assert len(batch["effects"]) == len(batch["contents"]) == len(batch["mask"])


def test_regression_learns_the_mean_of_the_mixes():
    """The squared error of a fresh network, which answers about nothing, is the power of the data in their own unit."""
    small = preset("small")
    torch.manual_seed(0)
    task = RegressionTask(Denoiser(MultitrackTransformer(small.transformer), small.edm), small.embedding, 0.0)
    batch = DrawMixes(mixes(), 8)(np.random.default_rng(0))
    batch["effects"] = torch.nn.functional.normalize(batch["effects"], dim=-1)
    loss = task(batch, torch.Generator().manual_seed(0))["loss"]
    assert 0.5 < float(loss.detach()) < 3
    loss.backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in task.parameters())


def test_a_long_crop_stands_for_a_batch_of_short_ones():
    def crops(count, samples):
        g = np.random.default_rng(count)
        dry = g.integers(-9, 9, (count, 1, samples), dtype=np.int16)
        wet = g.integers(-9, 9, (count, 2, samples), dtype=np.int16)
        scale = np.ones((count, 1), dtype=np.float32)
        z, content = torch.zeros(count, 256), torch.zeros(count, 128)
        return Crops(
            dry, scale[..., None], wet, scale, z, content, np.array(["identity"] * count), torch.zeros(count, SPACE)
        )

    draw = DrawCrops(crops(6, 100), 4, crops(3, 400), long_share=0.3)
    shapes = [tuple(draw(np.random.default_rng(seed))["wet"].shape) for seed in range(100)]
    assert set(shapes) == {(4, 2, 100), (1, 2, 400)}
    assert 15 < shapes.count((1, 2, 400)) < 50


def test_knobs_have_more_examples_than_there_are_crops():
    """As many to each crop, so that devices can share a batch, and each with the numbers of its own chain."""
    audio = np.zeros((6, 3, 100), dtype=np.int16)
    scale = np.ones((6, 1), dtype=np.float32)
    z, space = torch.zeros(6, 256), torch.zeros(6, SPACE)
    crops = Crops(audio[:, :1], scale[..., None], audio[:, 1:], scale, z, z, np.array(["identity"] * 6), space)
    number = torch.arange(50.0)[:, None]
    heard = (number.expand(-1, 256), number.expand(-1, SPACE))
    batch = DrawCrops(crops, 4, heard=heard, examples=64)(np.random.default_rng(0))
    assert batch["heard_z"].shape == (4, 16, 256) and batch["heard_space"].shape == (4, 16, SPACE)
    assert torch.equal(batch["heard_z"][..., 0], batch["heard_space"][..., 0])
    assert len(batch["heard_z"][..., 0].unique()) > 25


def test_room_sound_adds_to_about_half_of_the_cuts_and_takes_nothing_away():
    g = torch.Generator().manual_seed(0)
    mels = torch.randn(200, 1, 64, 8, generator=g) - 1
    heard = with_room_sound(mels, np.random.default_rng(0))
    change = (heard - mels) * LogMel.SPREAD_DB
    assert change.min() > -1e-3
    touched = (change.amax((1, 2, 3)) > 0.01).float().mean()
    assert 0.35 < touched < 0.65
    assert torch.equal(heard, with_room_sound(mels, np.random.default_rng(0)))
