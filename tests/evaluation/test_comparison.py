"""Rows of a comparison that need no rendering."""

import torch
from torch.nn import functional as F

from megami.evaluation.comparison import decided_row


def plans(seed: int, shift: float = 0.0) -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return [F.normalize(torch.randn(6, 3, 8, generator=g) + shift, dim=-1) for _ in range(4)]


def test_plans_are_held_against_the_engineers_own():
    near, far = (decided_row("ours", plans(1, shift), plans(0), 6).value for shift in (0.0, 1.0))
    assert abs(near) < 1 and far > 10


def test_a_system_of_one_plan_says_it_again():
    one = [song[:1] for song in plans(1)]
    six = [song.expand(6, -1, -1) for song in one]
    assert decided_row("ours", one, plans(0), 6).value == decided_row("ours", six, plans(0), 6).value
