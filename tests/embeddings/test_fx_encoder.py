"""The effect encoder: shapes, what it must not hear, and its loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from megami.embeddings import FxEncoder, FxEncoderConfig, LogMel, contrastive_loss

RATE = 44100


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


@pytest.fixture(scope="module", params=[False, True], ids=["log-mels", "with ears for echoes"])
def encoder(request: pytest.FixtureRequest) -> FxEncoder:
    torch.manual_seed(0)
    return FxEncoder(FxEncoderConfig(echoes=request.param)).eval()


def test_size_is_about_what_the_budget_allows(encoder):
    assert 0.4e6 < sum(p.numel() for p in encoder.parameters()) < 0.8e6


@pytest.mark.parametrize("seconds", [0.01, 0.1, 1.0, 3.7])
def test_any_length(encoder, seconds):
    audio = noise(2, 2, int(seconds * RATE))
    vector = encoder(audio)
    assert vector.shape == (2, encoder.config.dim)
    assert vector.isfinite().all()
    torch.testing.assert_close(encoder.project(vector).norm(dim=-1), torch.ones(2))


def test_other_sizes_build():
    config = FxEncoderConfig(dim=24, projection_dim=8, mels=40, n_fft=1024, hop=512, width=8, hidden=16)
    encoder = FxEncoder(config).eval()
    assert encoder.project(encoder(noise(3, 2, RATE))).shape == (3, 8)


def test_absolute_level_is_not_heard_but_balance_is(encoder):
    audio = noise(2, 2, RATE)
    assert torch.allclose(encoder(audio), encoder(audio * 0.003), atol=1e-4)
    panned = audio * torch.tensor([1.0, 0.25])[:, None]
    assert (encoder(audio) - encoder(panned)).abs().max() > 1e-2


def test_items_of_a_batch_do_not_see_each_other(encoder):
    audio = noise(7, 2, RATE // 2)
    torch.testing.assert_close(encoder(audio)[5:6], encoder(audio[5:6]), atol=1e-5, rtol=1e-4)


def test_features_are_left_right_mid_side(encoder):
    mono = noise(1, 1, RATE).expand(-1, 2, -1)
    left, right, mid, side = encoder.features(mono)[0]
    torch.testing.assert_close(left, right)
    torch.testing.assert_close(left, mid)
    floor = (10 * math.log10(LogMel.FLOOR) - LogMel.CENTRE_DB) / LogMel.SPREAD_DB
    torch.testing.assert_close(side, torch.full_like(side, floor))


def test_a_louder_band_shows_in_db_on_its_mel():
    front_end = LogMel()
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(RATE) / RATE)[None, None]
    low, high = front_end(0.01 * tone)[0, 0], front_end(0.1 * tone)[0, 0]
    peak = high.mean(-1).argmax()
    middle = slice(5, -5)
    difference_db = (high - low)[peak, middle].mean() * LogMel.SPREAD_DB
    assert difference_db.item() == pytest.approx(20, abs=0.01)


def test_silence_is_finite_and_so_is_its_gradient(encoder):
    half_silent = noise(1, 2, RATE) * torch.tensor([1.0, 0.0])[:, None]
    for audio in (torch.zeros(1, 2, RATE), half_silent):
        audio = audio.clone().requires_grad_()
        projection = encoder.project(encoder(audio))
        assert projection.isfinite().all()
        projection[:, 0].sum().backward()
        assert audio.grad.isfinite().all()


def test_constants_are_no_weights(encoder):
    assert not [name for name in encoder.state_dict() if "log_mel" in name]


def test_loss_of_two_views_is_the_cross_entropy_of_finding_the_partner():
    views = F.normalize(noise(4, 2, 6), dim=-1)
    flat, temperature = views.reshape(8, 6), 0.2
    expected = []
    for anchor in range(8):
        others = [i for i in range(8) if i != anchor]
        logits = torch.tensor([float(flat[anchor] @ flat[i]) / temperature for i in others])
        expected.append(F.cross_entropy(logits[None], torch.tensor([others.index(anchor ^ 1)])))
    assert contrastive_loss(views, temperature).item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-5)


def test_loss_is_small_for_separated_chains_and_log_n_for_equal_ones():
    separated = torch.eye(5)[:, None, :].expand(-1, 3, -1)
    equal = torch.ones(5, 3, 1)
    assert contrastive_loss(separated, 0.05).item() == pytest.approx(math.log(2), abs=1e-3)  # two equal positives
    assert contrastive_loss(equal, 0.05).item() == pytest.approx(math.log(14), abs=1e-4)


def test_a_few_steps_learn_to_tell_an_equaliser_from_a_pan():
    torch.manual_seed(0)
    encoder = FxEncoder(FxEncoderConfig(dim=16, projection_dim=8, mels=24, width=4, hidden=16))
    optimiser = torch.optim.AdamW(encoder.parameters(), 3e-3)
    clips = noise(8, 2, 2, RATE // 4)
    clips[:4] *= torch.tensor([1.0, 0.2])[:, None]
    clips[2:6, ..., 1:] -= 0.95 * clips[2:6, ..., :-1].clone()
    mels = encoder.features(clips.flatten(0, 1)).detach()
    group = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    views = torch.stack([mels.unflatten(0, (8, 2))[group == g].flatten(0, 1) for g in range(4)])
    losses = []
    for _ in range(12):
        loss = contrastive_loss(encoder.project(encoder.encode(views.flatten(0, 1))).unflatten(0, (4, 4)), 0.2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
