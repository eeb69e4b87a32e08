"""Constant offsets are no level: they are removed where they would count, without a thump, and nothing else is."""

from __future__ import annotations

import pytest
import torch

from megami.audio import Multitrack, framed_level_db, without_offset

RATE = 44100
TIME = torch.arange(2 * RATE) / RATE


def tone(hz: float, amplitude: float) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * TIME)


def hiss(amplitude: float = 1e-5) -> torch.Tensor:
    return amplitude * torch.randn(len(TIME), generator=torch.Generator().manual_seed(0))


def cleaned(*channels: torch.Tensor) -> tuple[torch.Tensor, list[str]]:
    song, lines = without_offset(Multitrack(("spare",), torch.stack(channels)[None], RATE))
    return song.audio[0], lines


@pytest.mark.parametrize("offset", [0.005, -0.4])
def test_what_is_only_an_offset_is_silence_without_a_thump(offset):
    audio, lines = cleaned(offset + hiss())
    assert framed_level_db(audio).item() < -90 and audio.abs().max() < 1e-4
    (line,) = lines
    assert "'spare'" in line and "constant offset" in line and f"{abs(offset):.4f}" in line


@pytest.mark.parametrize(("start", "end"), [(0, 2 * RATE), (10_000, 60_000)])
def test_an_offset_goes_and_the_sound_stays(start, end):
    """Also where the offset begins and ends with the sound, as in a region of an editor."""
    plays = torch.zeros_like(TIME)
    plays[start:end] = 1.0
    sound = plays * tone(110.0, 0.05)
    audio, lines = cleaned(sound + 0.1 * plays)
    assert lines and (audio - sound).abs().max() < 0.005
    assert not audio[0, :start].any() and not audio[0, end:].any()


def test_an_offset_on_one_side_goes_there_and_equal_channels_stay_equal():
    one_sided, lines = cleaned(tone(110.0, 0.1), hiss() + 0.05)
    assert lines and torch.equal(one_sided[0], tone(110.0, 0.1)) and one_sided[1].abs().max() < 1e-4
    both, _ = cleaned(tone(110.0, 0.1) + 0.2, tone(110.0, 0.1) + 0.2)
    assert torch.equal(both[0], both[1])


@pytest.mark.parametrize(
    "sound",
    [
        tone(20.0, 0.3),
        tone(110.0, 0.1) + 0.005,
        0.3 * (TIME % 0.5 < 0.001),
        torch.zeros_like(TIME),
        0.5 + 0 * TIME[:5000],
    ],
    ids=["sub-bass", "small offset", "clicks", "silence", "too short to tell"],
)
def test_what_is_heard_stays_sample_for_sample(sound):
    audio, lines = cleaned(sound.float())
    assert torch.equal(audio[0], sound.float()) and lines == []
