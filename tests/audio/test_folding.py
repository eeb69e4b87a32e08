"""Folding to mono: the mean, but where that cancels."""

from __future__ import annotations

import torch

from megami.audio import Multitrack, cancelling_tracks, fold_to_mono, has_image


def noise(seed: int, samples: int = 20_000) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def test_equal_channels_give_exactly_the_one():
    track = noise(0)
    assert torch.equal(fold_to_mono(torch.stack([track, track])[None])[0, 0], track)
    assert not has_image(torch.stack([track, track])) and not has_image(track[None])


def test_unlike_channels_are_averaged_and_opposite_ones_subtracted():
    left, right = noise(0), noise(1)
    tracks = [torch.stack(pair) for pair in ((left, right), (left, -left), (left, -0.7 * left), (left, 0 * left))]
    folded = fold_to_mono(torch.stack(tracks))[:, 0]
    torch.testing.assert_close(folded, torch.stack([(left + right) / 2, left, 0.85 * left, left / 2]))
    song = Multitrack(("wide", "upside down", "nearly", "on the left"), torch.stack(tracks), 44100)
    named = cancelling_tracks(song)
    assert [line.split("'")[1] for line in named] == ["upside down", "nearly"]


def test_a_constant_offset_does_not_hide_that_channels_cancel():
    left = noise(0)
    track = torch.stack([left + 0.5, -left + 0.5])
    torch.testing.assert_close(fold_to_mono(track[None])[0, 0], left)
