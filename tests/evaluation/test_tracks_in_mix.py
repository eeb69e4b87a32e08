"""Measures of tracks within a mix: each answers to the one thing that it is about."""

from __future__ import annotations

import pytest
import torch

from megami.evaluation.measures.tracks_in_mix import CLEAR_RANGE_DB, LOWEST_DB, NAMES, track_measures

RATE = 44100


def measured(tracks: torch.Tensor) -> list[dict[str, float]]:
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in track_measures(tracks, RATE)]


@pytest.fixture
def tracks() -> torch.Tensor:
    """Noise at 100, 1000 and 6000 Hz, mono, two seconds."""
    time = torch.arange(2 * RATE) / RATE
    generator = torch.Generator().manual_seed(0)
    slow = torch.nn.functional.interpolate(torch.randn(3, 1, 60, generator=generator), 2 * RATE, mode="linear")[:, 0]
    carriers = torch.stack([torch.sin(2 * torch.pi * hz * time) for hz in (100, 1000, 6000)])
    return (0.1 * (1 + 0.3 * slow) * carriers)[:, None].expand(3, 2, -1).clone()


def test_a_gain_moves_the_level_and_nothing_else_of_the_track(tracks):
    before = measured(tracks)
    after = measured(tracks * torch.tensor([2.0, 1.0, 1.0])[:, None, None])
    assert after[0]["level_db"] > before[0]["level_db"] + 2
    assert after[1]["level_db"] < before[1]["level_db"] - 2  # the mix became louder
    for name in ("off_centre_db", "width_db", "brightness_octaves"):
        assert after[0][name] == pytest.approx(before[0][name], abs=0.05)


def test_the_whole_turned_down_is_the_same_mix(tracks):
    for one, other in zip(measured(tracks), measured(0.25 * tracks), strict=True):
        assert one == pytest.approx(other, abs=0.05)


def test_left_and_right_count_alike(tracks):
    left = measured(tracks * torch.tensor([1.0, 0.5])[None, :, None])
    right = measured(tracks * torch.tensor([0.5, 1.0])[None, :, None])
    assert left[0]["off_centre_db"] == pytest.approx(6.02, abs=0.01)
    assert left[0] == pytest.approx(right[0], abs=1e-3)


def test_brightness_is_the_pitch_of_a_tone(tracks):
    low, middle, high = (row["brightness_octaves"] for row in measured(tracks))
    assert (
        low == pytest.approx(-3.3, abs=0.1)
        and middle == pytest.approx(0, abs=0.1)
        and high == pytest.approx(2.58, abs=0.1)
    )


def test_what_shares_a_band_with_something_louder_is_covered(tracks):
    apart = measured(tracks)
    covered = measured(torch.cat([tracks[:2], 4 * tracks[1:2].flip(-1)]))
    assert all(row["clear_db"] > 20 for row in apart)
    assert covered[1]["clear_db"] == pytest.approx(-12, abs=1.5) and covered[2]["clear_db"] == pytest.approx(
        12, abs=1.5
    )


def test_a_silent_track_has_numbers_too(tracks):
    tracks[1] = 0
    silent = measured(tracks)[1]
    assert silent["level_db"] == LOWEST_DB and -CLEAR_RANGE_DB <= silent["clear_db"] <= 0
    assert all(torch.isfinite(torch.tensor(list(silent.values()))))
