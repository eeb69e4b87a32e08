"""The effect processor's network against the published one, weights converted by the key table."""

from __future__ import annotations

import pytest
import torch

from megami.processor import FilmTCN, TCNConfig
from megami.processor.time_major import render_time_major
from megami.published.key_tables import convert_tcn

TOLERANCE = 2e-5


def network_from(options: dict, tensors: dict[str, torch.Tensor]) -> FilmTCN:
    """Build a network from the file's own options, with its weights."""
    config = TCNConfig(
        condition_dim=options["cond_dim"],
        channels=options["channel_width"],
        blocks=options["nblocks"],
        kernel_size=options["kernel_size"],
        dilation_growth=options["dilation_growth"],
        stack_size=options["stack_size"],
        inputs=options.get("ninputs", 1),
        outputs=options.get("noutputs", 2),
    )
    network = FilmTCN(config)
    weights = {name.removeprefix("w."): value for name, value in tensors.items() if name.startswith("w.")}
    network.load_state_dict(convert_tcn(weights, network))
    return network.eval()


@pytest.fixture(scope="module")
def case(golden):
    words, tensors = golden("tcn")
    return words["case"], tensors


@pytest.fixture
def network(case):
    return network_from(case[0]["config"], case[1])


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE)


@torch.no_grad()
def test_evaluation_mode(case, network):
    _, tensors = case
    assert_close(network(tensors["in.x"], tensors["in.cond"]), tensors["out.y"])
    assert_close(network.blocks[0](tensors["in.x"], tensors["in.cond"]), tensors["out.block0"])


@torch.no_grad()
@pytest.mark.parametrize("size", [0, 24, 64])
def test_rendering_in_other_arithmetic(case, network, size):
    """Tap by tap, and by short transforms of two sizes; what `render` itself chooses lies between."""
    _, tensors = case
    blocks, conditions = [*network.blocks], tensors["in.cond"]
    for dry, z, expected in zip(tensors["in.x"], conditions, tensors["out.y"], strict=True):
        wet = render_time_major(blocks, network.output, dry, z[None], 1000, choose=lambda *_: size)
        assert_close(wet.clamp(-1, 1), expected)
    assert_close(network.render(tensors["in.x"], conditions), tensors["out.y"])


@torch.no_grad()
def test_loud_input_is_clamped(case, network):
    words, tensors = case
    loud = network(tensors["in.x_loud"], tensors["in.cond"])
    assert_close(loud, tensors["out.y_loud"])
    assert float((loud.abs() == 1).float().mean()) == pytest.approx(words["case"]["clamped_fraction_loud"], abs=1e-3)


@torch.no_grad()
def test_training_mode_uses_and_updates_statistics(case, network):
    _, tensors = case
    network.train()
    items = [network(x[None], z[None]) for x, z in zip(tensors["in.x"], tensors["in.cond"], strict=True)]
    assert_close(torch.cat(items), tensors["out.y_trainmode"])
    assert_close(network.blocks[0].norm.running_mean, tensors["out.trainmode_running_mean_block0"])
    assert_close(network.blocks[0].norm.running_var, tensors["out.trainmode_running_var_block0"])


@torch.no_grad()
def test_own_statistics_sound_like_the_released_inference(case, network):
    _, tensors = case
    for block in network.blocks:
        block.own_statistics = True
    assert_close(network(tensors["in.x"], tensors["in.cond"]), tensors["out.y_trainmode"])


def test_receptive_field(case, network):
    assert 2 * network.config.context + 1 == case[0]["total_receptive_field_true"]
