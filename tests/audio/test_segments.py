"""Loudest segment, resampling, blocks and their overlap-add."""

from __future__ import annotations

import math

import pytest
import torch

from megami.audio import block_starts, fade_edges, loudest_segment, resample


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("length", [1, 7, 100])
def test_the_loudest_segment_is_the_one_of_brute_force(seed, length):
    audio = torch.randn(2, 1, 400, generator=torch.Generator().manual_seed(seed))
    energies = [float(audio[..., start : start + length].double().square().sum()) for start in range(400 - length + 1)]
    assert loudest_segment(audio, length) == energies.index(max(energies))


def test_the_earliest_of_equally_loud_segments_wins():
    period = torch.randn(50, generator=torch.Generator().manual_seed(0))
    assert loudest_segment(period.repeat(40), 50) == 0
    assert loudest_segment(torch.zeros(2, 100), 10) == 0
    assert loudest_segment(torch.ones(2, 5), 10) == 0


def overlap_add(audio: torch.Tensor, block: int, overlap: int) -> torch.Tensor:
    """Cut into blocks, fade what overlaps, and add up again."""
    starts, joined = block_starts(audio.shape[-1], block, overlap), torch.zeros_like(audio)
    for number, start in enumerate(starts):
        piece = audio[..., start : start + block].clone()
        joined[..., start : start + block] += fade_edges(piece, number > 0, number < len(starts) - 1, overlap)
    return joined


@pytest.mark.parametrize(
    ("samples", "block", "overlap"),
    [(1000, 300, 50), (1000, 300, 150), (300, 300, 50), (1, 9, 4), (301, 300, 50), (1000, 100, 0), (551, 300, 49)],
)
def test_overlap_add_of_ones_is_one_and_of_pieces_is_the_whole(samples, block, overlap):
    audio = torch.randn(2, samples, generator=torch.Generator().manual_seed(1))
    for whole in (torch.ones(2, samples), audio):
        assert torch.allclose(overlap_add(whole, block, overlap), whole, atol=1e-6)


def test_only_edges_are_faded():
    assert block_starts(500, 300, 100) == (0, 200)
    out, in_ = fade_edges(torch.ones(1, 300), False, True, 100)[0], fade_edges(torch.ones(1, 300), True, False, 100)[0]
    assert torch.equal(out[:200], torch.ones(200)) and torch.equal(in_[100:], torch.ones(200))
    assert torch.allclose(out[200:] + in_[:100], torch.ones(100)) and float(out[250]) == pytest.approx(0.5)
    assert bool((out[200:].diff() <= 0).all()) and bool((in_[:100].diff() >= 0).all())


def test_impossible_blocks_are_refused():
    for arguments in [(0, 10, 2), (10, 10, 6), (10, 0, 0), (10, 10, -1)]:
        with pytest.raises(ValueError):
            block_starts(*arguments)


@pytest.mark.parametrize("rate", [8000, 22050, 48000, 96000, 192000, 44099])
def test_resampling_keeps_a_tone_and_its_length(rate):
    time = torch.arange(rate, dtype=torch.float64) / rate
    tone = (0.5 * torch.sin(2 * math.pi * 1000.0 * time)).float()[None]
    out = resample(tone, rate, 44100)
    expected = 0.5 * torch.sin(2 * math.pi * 1000.0 * torch.arange(44100, dtype=torch.float64) / 44100).float()
    assert out.shape == (1, 44100)
    assert torch.allclose(out[0, 2000:-2000], expected[2000:-2000], atol=2e-3)


def test_resampling_lets_nothing_fold_back():
    time = torch.arange(96000, dtype=torch.float64) / 96000
    ultrasound = torch.sin(2 * math.pi * 30000.0 * time).float()[None]
    assert float(resample(ultrasound, 96000, 44100)[0, 1000:-1000].abs().max()) < 1e-3
