"""The differentiable desk: the very law of Gain and Pan, and gradients that lead to settings of a known mix."""

import pytest
import torch

from megami.effects import EffectChain, Gain, Pan
from megami.effects.balance import balance_tracks, channel_gains, pan_gains


@pytest.mark.parametrize("position", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_it_is_gain_and_pan(position: float) -> None:
    dry = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    gain_db = torch.tensor([-6.0, 0.0, 4.0])
    wet = balance_tracks(dry, gain_db, torch.full((3,), position))
    for track, gain, found in zip(dry, gain_db, wet, strict=True):
        chain = EffectChain((Gain(float(gain)), Pan(position)))
        assert torch.allclose(found, torch.from_numpy(chain.apply(track.numpy())), atol=1e-5)


def test_power_does_not_depend_on_the_position() -> None:
    power = pan_gains(torch.linspace(-1, 1, 21)).square().sum(-1)
    assert torch.allclose(power, torch.full_like(power, 2.0))


def test_gradients_find_the_settings_of_a_mix() -> None:
    dry = 0.1 * torch.randn(4, 2000, generator=torch.Generator().manual_seed(1))
    asked_db, asked = torch.tensor([-9.0, 3.0, 0.0, -3.0]), torch.tensor([-0.8, 0.5, 0.0, 0.2])
    target = balance_tracks(dry, asked_db, asked).sum(0)
    gain_db, position = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    optimiser = torch.optim.Adam([{"params": [gain_db], "lr": 0.3}, {"params": [position], "lr": 0.03}])
    for _ in range(400):
        optimiser.zero_grad()
        (balance_tracks(dry, gain_db, position).sum(0) - target).square().mean().backward()
        optimiser.step()
    assert torch.allclose(gain_db.detach(), asked_db, atol=0.3)
    assert torch.allclose(position.detach(), asked, atol=0.03)


def test_shapes_with_leading_axes() -> None:
    assert channel_gains(torch.zeros(2, 5), torch.zeros(2, 5)).shape == (2, 5, 2)
