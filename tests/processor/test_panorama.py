"""Width bounds balance: panned mono tracks say the same with both, and a track without side sits in the middle."""

from __future__ import annotations

import pytest
import torch
from test_structured import CONFIG, notes

from megami.audio import framed_level_db
from megami.embeddings import EmbeddingConfig, encode_dynamics, encode_spectrum, join_parts, side_bands_db
from megami.processor import StructuredProcessor, render_tracks
from megami.processor.panorama import largest_balance_db, panned_side_db
from megami.processor.render import plausible_level_db

EMBEDDING = CONFIG.embedding
DIFFERENCES_DB = [0.5, -3.0, 9.0]


def panned(difference_db: float) -> torch.Tensor:
    """A mono track whose right channel is louder by this: [1, 2, n]."""
    right = 10 ** (difference_db / 20)
    return notes(60_000) * torch.tensor([[[1.0], [right]]])


def asking(level_db: tuple[float, float], side_db: torch.Tensor) -> torch.Tensor:
    """z of these levels and this side in 8 bands."""
    features = torch.tensor([[*level_db, 14.0, 14.0, -20.0, -20.0, 0.0, 0.0]])
    spectrum = encode_spectrum(torch.linspace(-20, -40, 24)[None], side_db)
    return join_parts(EMBEDDING, torch.ones(1, 128), encode_dynamics(features), spectrum)


@pytest.mark.parametrize("difference_db", DIFFERENCES_DB)
def test_panning_makes_just_the_side_that_its_balance_needs(difference_db):
    limit = largest_balance_db(side_bands_db(panned(difference_db)))
    torch.testing.assert_close(limit, torch.tensor([abs(difference_db)]), rtol=0, atol=0.05)


def test_panned_side_and_largest_balance_undo_each_other():
    right = 10 ** (torch.tensor([DIFFERENCES_DB]).T / 10)  # energies, of a left one of 1
    side = panned_side_db((right - 1) / (right + 1))
    torch.testing.assert_close(largest_balance_db(side), torch.tensor(DIFFERENCES_DB).abs(), rtol=0, atol=0.05)


def test_what_nobody_hears_as_side_is_none():
    assert largest_balance_db(torch.full((1, 8), -46.0)).item() == 0
    assert largest_balance_db(torch.full((1, 8), 3.0)).item() > 60  # out of phase: any balance


@pytest.mark.parametrize("difference_db", DIFFERENCES_DB)
def test_a_panned_track_keeps_its_balance(difference_db):
    wet = panned(difference_db)
    level = framed_level_db(wet)
    found = plausible_level_db(EMBEDDING, asking(tuple(level[0].tolist()), side_bands_db(wet)))
    torch.testing.assert_close(found, level, rtol=0, atol=0.05)


def test_a_mono_track_stays_in_the_middle_though_its_levels_are_not_quite_the_same():
    mono = asking((-20.2, -19.8), torch.full((1, 8), -55.0))
    wet = render_tracks(StructuredProcessor(CONFIG).eval(), notes(60_000), mono, embedding_config=EMBEDDING)
    assert torch.equal(wet[:, 0], wet[:, 1])
    torch.testing.assert_close(framed_level_db(wet), torch.full((1, 2), -19.8), rtol=0, atol=0.02)


def test_an_embedding_that_does_not_tell_the_side_is_taken_at_its_word():
    plain = EmbeddingConfig(fx_dim=192, dynamics_dim=64, spectrum_dim=0)
    features = torch.tensor([[-20.2, -19.8, 14.0, 14.0, -20.0, -20.0, 0.0, 0.0]])
    z = join_parts(plain, torch.ones(1, 192), encode_dynamics(features))
    torch.testing.assert_close(plausible_level_db(plain, z), features[:, :2], rtol=0, atol=1e-3)
