"""What keeps an untouched track untouched: dead zones, gates that close, and width told from panning."""

import pytest
import torch

from megami.embeddings import side_bands_db
from megami.processor.filters import dead_zone, hard_gate
from megami.processor.panorama import panned_side_db


def test_small_corrections_shrink_to_a_tenth_and_large_ones_stay():
    value = torch.tensor([0.01, 0.4, 12.0, -12.0])
    out = dead_zone(value, 0.4)
    assert out[0] == pytest.approx(0.001, rel=0.02) and out[1] == pytest.approx(0.22, rel=1e-3)
    assert out[2] == pytest.approx(12, rel=0.002) and out[3] == -out[2]


def test_the_dead_zone_still_learns_at_zero():
    value = torch.zeros(1, requires_grad=True)
    dead_zone(value, 0.4).backward()
    assert value.grad.item() == pytest.approx(0.1)


def test_gates_close_and_open_entirely():
    assert hard_gate(torch.tensor([-4.0, 0.0, 4.0])).tolist() == pytest.approx([0, 0.5, 1])


@pytest.mark.parametrize("right", [0.1, 0.5, 1.0, 3.0])
def test_the_side_of_a_panned_track_is_foreseen(right):
    mono = torch.randn(1, 1, 44100, generator=torch.Generator().manual_seed(0))
    audio = torch.cat([mono, right * mono], dim=1)
    imbalance = torch.tensor([[(right**2 - 1) / (right**2 + 1)]])
    expected = panned_side_db(imbalance).item()
    assert side_bands_db(audio).mean().item() == pytest.approx(max(expected, -60), abs=0.3)
