"""The published walk through a song where the published code would stop, and its settings one by one."""

from __future__ import annotations

import pytest
import torch

from megami.audio import SAMPLE_RATE, block_starts, framed_level_db
from megami.embeddings import EmbeddingConfig, encode_dynamics, join_parts
from megami.processor import BlockPass, FilmTCN, TCNConfig, render_in_blocks

EMBEDDING = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
BLOCK, OVERLAP = 60_000, 4_000


class Passing:
    """An effect processor without effect."""

    def render(self, dry: torch.Tensor, z: torch.Tensor, content: torch.Tensor | None = None) -> torch.Tensor:
        return dry.expand(-1, 2, -1)


def z_at(level_db: float) -> torch.Tensor:
    features = torch.tensor([[level_db, level_db, 14.0, 14.0, -20.0, -20.0, 0.1, 0.0]])
    return join_parts(EMBEDDING, torch.ones(1, 2048), encode_dynamics(features))


def rendered(dry: torch.Tensor, fxnorm=None, **settings) -> torch.Tensor:
    how = BlockPass(**{"block": BLOCK, "overlap": OVERLAP, **settings})
    plans = z_at(-20.0).expand(len(dry), -1)
    return render_in_blocks(Passing(), dry, plans, fxnorm, embedding_config=EMBEDDING, settings=how)


def noise(tracks: int, samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(tracks, 1, samples, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("published_seams", [True, False])
def test_a_silent_block_and_a_last_block_shorter_than_a_frame(published_seams):
    step = BLOCK - OVERLAP
    dry = noise(2, 2 * step + 9_000)  # the last block has 0.2 s, 0.4 s being what the published code measures
    dry[..., SAMPLE_RATE : 2 * step + OVERLAP] = 0
    assert block_starts(dry.shape[-1], BLOCK, OVERLAP) == (0, step, 2 * step)
    assert not dry[..., step : 2 * step + OVERLAP].any()
    wet = rendered(dry, published_seams=published_seams)
    assert wet.isfinite().all() and not wet[..., SAMPLE_RATE : 2 * step].any()
    assert framed_level_db(wet[..., -4_000:]).amin() > -30


def test_quiet_tracks_are_left_out_of_a_block_only():
    dry = noise(2, 2 * BLOCK)
    dry[1, :, :BLOCK] *= 1e-3  # about -80 dB
    wet = rendered(dry, published_seams=False)
    assert not wet[1, :, : BLOCK - OVERLAP].any() and wet[1, :, BLOCK:].abs().max() > 0.01


def test_a_song_of_one_block_skips_fxnorm_and_leaves_no_track_out_unless_told():
    dry = torch.cat([noise(1, BLOCK), 1e-3 * noise(1, BLOCK)])
    calls = []

    def fxnorm(audio: torch.Tensor) -> torch.Tensor:
        calls.append(len(audio))
        return audio

    raw = rendered(dry, fxnorm)
    assert calls == [] and torch.allclose(framed_level_db(raw), torch.full((2, 2), -20.0), atol=0.1)
    normalised = rendered(dry, fxnorm, fxnorm_short=True)
    assert calls == [1] and not normalised[1].any()  # one of the two is below -45 dB
    assert torch.allclose(rendered(dry, None, fxnorm_short=True), normalised)


def test_song_of_one_sample_by_its_own_statistics():
    torch.manual_seed(0)
    tcn = FilmTCN(TCNConfig(condition_dim=2112, channels=4, blocks=2, kernel_size=3, own_statistics=True)).eval()
    wet = render_in_blocks(tcn, torch.full((1, 1, 1), 0.5), z_at(-20.0), embedding_config=EMBEDDING)
    assert wet.shape == (1, 2, 1) and wet.isfinite().all()


def test_impossible_blocks_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        BlockPass(block=100, overlap=60)
