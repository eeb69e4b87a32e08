"""The stem bank: near stems count, kinds do not win by number, hints rule out the rest."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from megami.adaptation import StemBank, StemBankConfig
from megami.adaptation.stem_bank import NOT_THESE

SIZE = 274


def filled(stems: int = 12, seed: int = 0, **options) -> tuple[StemBank, torch.Tensor, torch.Tensor]:
    """A bank of noises, what was heard of them, and their content; classes go round."""
    generator = torch.Generator().manual_seed(seed)
    heard, values = torch.randn(stems, SIZE, generator=generator), torch.randn(stems, 128, generator=generator)
    bank = StemBank(StemBankConfig(stems=stems, **options))
    bank.fill(heard, values, torch.arange(stems) % 7, torch.arange(stems) % 4)
    return bank, heard, values


def test_a_stem_of_the_bank_is_described_as_itself():
    bank, heard, values = filled(sharpness=100.0)
    described = bank.describe(bank.shares(heard))
    assert torch.allclose(described, F.normalize(values, dim=-1), atol=1e-4)


def test_shares_sum_to_one_and_grow_with_likeness():
    bank, heard, _ = filled()
    shares = bank.shares(torch.lerp(heard[3], heard[7], 0.3))
    assert float(shares.sum()) == pytest.approx(1.0, abs=1e-5)
    assert shares.argmax() == 3 and shares.topk(2).indices.tolist() == [3, 7]


def test_scale_of_the_numbers_does_not_matter():
    """Tags are probabilities, features have any size: standardised, none counts more for its unit."""
    bank, heard, values = filled()
    units = torch.logspace(0, 3, SIZE)
    other = StemBank(bank.config)
    other.fill(heard * units + 1, values, bank.role, bank.instrument)
    asked = torch.randn(5, SIZE, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(other.shares(asked * units + 1), bank.shares(asked), atol=2e-3)  # both add to the spread


def test_many_of_a_kind_do_not_win_by_number_alone():
    generator = torch.Generator().manual_seed(2)
    kinds = torch.randn(2, SIZE, generator=generator)
    heard = torch.cat([kinds[:1].repeat(9, 1), kinds[1:]]) + 1e-4 * torch.randn(10, SIZE, generator=generator)
    bank = StemBank(StemBankConfig(stems=10))
    classes = torch.tensor([0] * 9 + [1])
    bank.fill(heard, torch.eye(10, 128), classes, classes)
    bank.centre.zero_()
    bank.spread.fill_(1.0)
    bank.keys.copy_(bank.key(heard))
    between = F.normalize(kinds[0], dim=0) + F.normalize(kinds[1], dim=0)
    first, second = bank.role_shares(bank.shares(between), 2).tolist()
    likeness = bank.key(between) @ bank.keys[[0, -1]].T
    expected = 3.0 * torch.exp(bank.config.sharpness * (likeness[0] - likeness[1]))  # 9 stems count as sqrt(9)
    assert first / second == pytest.approx(float(expected), rel=0.02)


def test_a_hint_leaves_only_what_is_allowed():
    bank, heard, _ = filled()
    shares = bank.shares(heard[0], bank.role == 3)
    assert float(shares[bank.role != 3].sum()) < 1e-6 and float(shares.sum()) == pytest.approx(1.0, abs=1e-5)
    assert bank.role_shares(shares, 7).argmax() == 3
    assert NOT_THESE < -1e6


def test_shares_of_roles_and_instruments_are_those_of_their_stems():
    bank, heard, _ = filled()
    shares = bank.shares(heard[:4])
    roles, instruments = bank.role_shares(shares, 7), bank.instrument_shares(shares, 22)
    for role in range(7):
        assert torch.allclose(roles[:, role], shares[:, bank.role == role].sum(dim=1), atol=1e-6)
    assert torch.allclose(instruments.sum(dim=1), torch.ones(4), atol=1e-5) and not instruments[:, 4:].any()
