"""The domain adaptor, the noise on content, and its tokens."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from megami.adaptation import (
    AdaptorConfig,
    DomainAdaptor,
    adaptor_loss,
    add_content_noise,
    content_tokens,
    doubt,
)


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_answers_have_unit_norm():
    adapted = DomainAdaptor(AdaptorConfig(dim=16, hidden_dim=24))(unit(3, 5, 16))
    torch.testing.assert_close(adapted.norm(dim=-1), torch.ones(3, 5))


def test_with_the_shortcut_the_layers_say_what_is_to_change():
    adaptor = DomainAdaptor(AdaptorConfig(dim=16, hidden_dim=24, shortcut=True))
    torch.nn.init.zeros_(adaptor.outer.weight)
    torch.nn.init.zeros_(adaptor.outer.bias)
    content = unit(5, 16)
    torch.testing.assert_close(adaptor(content), content)


def test_a_shift_can_be_learned():
    torch.manual_seed(0)
    adaptor = DomainAdaptor(AdaptorConfig(dim=8, hidden_dim=64))
    dry = unit(256, 8)
    wet = F.normalize(dry + torch.tensor([1.0] + [0.0] * 7), dim=-1)
    before = adaptor_loss(wet, dry).item()
    optimiser = torch.optim.AdamW(adaptor.parameters(), 1e-2)
    for _ in range(100):
        loss = adaptor_loss(adaptor(wet), dry)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.3 * before


def test_what_was_done_tells_what_to_undo():
    torch.manual_seed(0)
    adaptor = DomainAdaptor(AdaptorConfig(dim=8, hidden_dim=64, shortcut=True, effects_dim=2, further_layers=1))
    dry, kind = unit(512, 8), torch.randint(2, (512,), generator=torch.Generator().manual_seed(1))
    effects = F.one_hot(kind, 2).float()
    wet = F.normalize(dry + (2 * kind[:, None] - 1) * unit(1, 8, seed=2), dim=-1)  # this way, or the other way
    optimiser = torch.optim.AdamW(adaptor.parameters(), 1e-2)
    for _ in range(150):
        loss = adaptor_loss(adaptor(wet, effects), dry)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    told, untold, wrong = (adaptor_loss(adaptor(wet, e), dry).item() for e in (effects, None, 1 - effects))
    assert told < 0.1 * adaptor_loss(wet, dry).item() and told < untold < wrong
    torch.testing.assert_close(adaptor(wet), adaptor(wet, torch.zeros(2)))  # nothing told is no effects


def test_effects_are_shared_by_variants_of_the_content():
    adaptor = DomainAdaptor(AdaptorConfig(dim=8, hidden_dim=16, effects_dim=4))
    content, effects = unit(3, 5, 8), unit(5, 4)
    torch.testing.assert_close(adaptor(content, effects)[1], adaptor(content[1], effects))


def test_effects_of_another_size_are_refused():
    for size in (0, 4):
        with pytest.raises(ValueError, match=f"an adaptor that takes {size}"):
            DomainAdaptor(AdaptorConfig(dim=8, hidden_dim=16, effects_dim=size))(unit(5, 8), unit(5, 6))


def test_dropout_is_for_training_only():
    adaptor = DomainAdaptor(AdaptorConfig(dim=8, hidden_dim=16, further_layers=1, dropout=0.5))
    content = unit(5, 8)
    assert not torch.equal(adaptor(content), adaptor(content))
    adaptor.eval()
    assert torch.equal(adaptor(content), adaptor(content))


def test_loss_is_one_minus_cosine():
    a = unit(4, 8)
    assert adaptor_loss(a, a).item() == pytest.approx(0, abs=1e-6)
    assert adaptor_loss(a, -a).item() == pytest.approx(2, abs=1e-6)


def test_noise_is_seeded_sized_and_back_on_the_sphere():
    content = unit(1000, 64)
    noisy = [add_content_noise(content, 0.05, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*noisy)
    torch.testing.assert_close(noisy[0].norm(dim=-1), torch.ones(1000))
    # Noise of 0.05 in each of 64 numbers: cosine about 1 / sqrt(1 + 64 * 0.05^2).
    assert (noisy[0] * content).sum(-1).mean().item() == pytest.approx((1 + 64 * 0.05**2) ** -0.5, abs=0.01)
    torch.testing.assert_close(add_content_noise(content, 0.0, torch.Generator()), content)
    torch.testing.assert_close(add_content_noise(content, 0.05), content)


def test_doubt_has_the_covariance_of_the_errors():
    dry = unit(4000, 6)
    shape = torch.tensor([3.0, 1.0, 0.5, 0.1, 0.0, 0.0]) * 0.02
    errors = torch.randn(4000, 6, generator=torch.Generator().manual_seed(1)) * shape
    errors[:, 5] = errors[:, 0]  # errors that go together
    factor = doubt(dry + errors, dry, least=1e-4)
    assert torch.equal(factor, factor.tril())
    torch.testing.assert_close(factor @ factor.T, errors.T @ errors / 4000 + 1e-8 * torch.eye(6), atol=1e-7, rtol=0)


def test_noise_of_doubt_is_as_large_as_the_errors_and_points_where_they_do():
    factor = torch.diag(torch.tensor([0.05, 0.0, 0.0, 0.0]))
    factor[3, 0] = -0.05
    content = torch.tensor([0.0, 1.0, 0.0, 0.0]).expand(5000, -1)
    change = add_content_noise(content, factor, torch.Generator().manual_seed(0)) - content
    assert change[:, 0].std().item() == pytest.approx(0.05, rel=0.05)
    torch.testing.assert_close(change[:, 3], -change[:, 0])
    assert change[:, 2].abs().max() == 0


def test_tokens_take_every_mth_number():
    content = torch.arange(2 * 3 * 128.0).reshape(2, 3, 128)
    tokens = content_tokens(content)
    assert tokens.shape == (2, 3, 2, 64)
    assert tokens[0, 0, 1].tolist() == list(range(1, 128, 2))
    with pytest.raises(ValueError, match="tokens"):
        content_tokens(torch.zeros(1, 100))
