"""The gain that mastering tells is the one it applied."""

from __future__ import annotations

import pytest
import torch

from megami.audio import master, master_with_gain

RATE = 44100


def bursts(crest: float) -> torch.Tensor:
    """Noise that dies away twice a second, faster the higher the crest, [2, 3 s]."""
    samples = 3 * RATE
    envelope = torch.exp(-(torch.arange(samples) % (RATE // 2)) * crest * 8.0 / RATE)
    return 0.05 * torch.randn(2, samples, generator=torch.Generator().manual_seed(0)) * envelope


@pytest.mark.parametrize(("crest", "target", "idle_share"), [(0.5, -30.0, 1.0), (3.0, -16.0, 0.1)])
def test_the_gain_is_what_every_sample_got_where_the_limiter_was_idle(crest, target, idle_share):
    audio = bursts(crest)
    out, gain = master_with_gain(audio, RATE, target)
    assert torch.equal(out, master(audio, RATE, target))
    error = (out - gain * audio).abs()
    assert float((error < 1e-5).float().mean()) >= idle_share
    assert ((out.abs() - gain * audio.abs()) < 1e-5).all()  # the limiter only turns down


def test_silence_keeps_its_gain():
    out, gain = master_with_gain(torch.zeros(2, 1000), RATE)
    assert not out.any() and gain == 1.0
