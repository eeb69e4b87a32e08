"""Rendering a song: levels from z, silent and short tracks, blocks, progress."""

from __future__ import annotations

import pytest
import torch
from test_structured import CONFIG, embedding_of, notes

from megami.audio import framed_level_db
from megami.embeddings import EmbeddingConfig, encode_dynamics, join_parts
from megami.processor import (
    FilmTCN,
    FxNorm,
    Known,
    StructuredProcessor,
    TCNConfig,
    render_tracks,
    set_level,
)
from megami.processor.render import plausible_level_db

EMBEDDING = CONFIG.embedding


@pytest.fixture(scope="module")
def processors():
    torch.manual_seed(0)
    tcn = FilmTCN(TCNConfig(condition_dim=256, channels=4, blocks=3, kernel_size=5, dilation_growth=8)).eval()
    with torch.no_grad():  # untrained channels may differ by more than the cap on their gains
        tcn.output.weight[1] = -tcn.output.weight[0]
        tcn.output.bias.zero_()
    return {"structured": StructuredProcessor(CONFIG).eval(), "tcn": tcn}


def z_at(level_left: float, level_right: float) -> torch.Tensor:
    features = torch.tensor([[level_left, level_right, 14.0, 14.0, -20.0, -20.0, 0.1, 0.0]])
    colour = torch.randn(1, 64, generator=torch.Generator().manual_seed(0))
    fx = torch.randn(1, 128, generator=torch.Generator().manual_seed(1))
    return join_parts(EMBEDDING, fx, encode_dynamics(features), colour)


@pytest.mark.parametrize("kind", ["structured", "tcn"])
def test_level_and_balance_come_from_z(processors, kind):
    dry, z = notes(100_000, batch=2), torch.cat([z_at(-20.0, -26.0), z_at(-30.0, -30.0)])
    wet = render_tracks(processors[kind], dry, z, embedding_config=EMBEDDING)
    assert wet.shape == (2, 2, 100_000) and wet.isfinite().all()
    torch.testing.assert_close(framed_level_db(wet), torch.tensor([[-20.0, -26.0], [-30.0, -30.0]]), rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", ["structured", "tcn"])
def test_blocks_leave_no_seams(processors, kind):
    dry, z = notes(120_000), embedding_of(notes(60000, seed=2).expand(-1, 2, -1))
    once = processors[kind].render(dry, z, block=2**22)
    many = processors[kind].render(dry, z, block=22_050)
    assert (once - many).abs().max() < 1e-5 * once.abs().max()


def test_silent_tracks_stay_silent_and_disturb_nobody(processors):
    dry, z = notes(60_000, batch=3), torch.cat([z_at(-20.0, -20.0)] * 3)
    dry[1] = 0
    dry[2] *= 1e-4
    wet = render_tracks(processors["structured"], dry, z, embedding_config=EMBEDDING)
    assert not wet[1:].any()
    alone = render_tracks(processors["structured"], dry[:1], z[:1], embedding_config=EMBEDDING)
    assert torch.equal(wet[:1], alone)


@pytest.mark.parametrize("samples", [1, 2000, 17_000, 22_050])
def test_short_songs(processors, samples):
    dry = notes(60_000, seed=4)[..., 20_000 : 20_000 + samples]
    dry = dry + 0.1
    for processor in processors.values():
        wet = render_tracks(processor, dry, z_at(-20.0, -20.0), embedding_config=EMBEDDING)
        assert wet.shape == (1, 2, samples) and wet.isfinite().all()


def test_fxnorm_comes_first(processors):
    dry, z = notes(60_000), z_at(-20.0, -20.0)
    fxnorm = FxNorm(torch.linspace(1, 0.01, 2049))
    plain = render_tracks(processors["tcn"], dry, z, embedding_config=EMBEDDING)
    normalised = render_tracks(processors["tcn"], dry, z, fxnorm=fxnorm, embedding_config=EMBEDDING)
    assert (plain - normalised).abs().max() > 0.01


def test_a_track_is_measured_once_for_all_its_takes(processors, monkeypatch):
    processor, dry = processors["structured"], notes(60_000, batch=2)
    plans = [torch.cat([z_at(-20.0, level), z_at(-30.0, -30.0)]) for level in (-20.0, -24.0)]
    fresh = [render_tracks(processor, dry, z, embedding_config=EMBEDDING) for z in plans]
    measured: list[int] = []
    measure = processor.measure
    monkeypatch.setattr(processor, "measure", lambda *given: measured.append(1) or measure(*given))
    known = [Known(), Known()]
    again = [render_tracks(processor, dry, z, embedding_config=EMBEDDING, known=known) for z in plans]
    assert len(measured) == 2
    assert all(torch.equal(one, other) for one, other in zip(fresh, again, strict=True))


def test_progress_is_told_as_each_track_is_begun(processors):
    dry, z = notes(40_000, batch=2), torch.cat([z_at(-20.0, -26.0), z_at(-30.0, -30.0)])
    told = []
    render_tracks(processors["tcn"], dry, z, embedding_config=EMBEDDING, progress=lambda *words: told.append(words))
    assert [words[-2:] for words in told] == [(0, 2), (1, 2)]


def test_implausible_levels_are_bounded():
    z = torch.cat([z_at(30.0, -200.0), torch.zeros(1, 256), torch.full((1, 256), float("nan"))])
    level = plausible_level_db(EMBEDDING, z)
    assert level.isfinite().all() and level.max() <= 3 and level.min() >= -70


def test_gain_between_channels_is_capped():
    wet = notes(40_000).expand(-1, 2, -1) * torch.tensor([[1.0], [1e-3]])
    levelled = set_level(wet, torch.tensor([[-20.0, -20.0]]))
    have = framed_level_db(levelled)[0]
    assert float(have[0]) == pytest.approx(-20, abs=0.02) and float(have[1]) == pytest.approx(-60, abs=0.3)
    panned = framed_level_db(set_level(notes(40_000).expand(-1, 2, -1), torch.tensor([[-20.0, -70.0]])))[0]
    torch.testing.assert_close(panned, torch.tensor([-20.0, -40.0]), rtol=0, atol=0.05)


def test_published_embedding_layout_renders_too():
    torch.manual_seed(0)
    config = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
    dynamics = encode_dynamics(torch.tensor([[-18.0, -20.0, 14, 14, -20, -20, 0.1, 0]]))
    z = join_parts(config, torch.randn(1, 2048), dynamics)
    tcn = FilmTCN(TCNConfig(condition_dim=config.dim, channels=4, blocks=2, kernel_size=3)).eval()
    with torch.no_grad():
        tcn.output.weight[1] = -tcn.output.weight[0]
        tcn.output.bias.zero_()
    wet = render_tracks(tcn, notes(40_000), z, embedding_config=config)
    torch.testing.assert_close(framed_level_db(wet), torch.tensor([[-18.0, -20.0]]), rtol=0, atol=0.05)
