"""Parity of preconditioning, schedule, denoiser, samplers and training loss with the published implementation."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from megami.generator import (
    Denoiser,
    EDMConfig,
    MultitrackTransformer,
    SamplingOptions,
    churn_amounts,
    coefficients,
    loss_terms,
    sample,
    schedule,
    training_loss,
)
from megami.published.key_tables import convert_transformer, transformer_config

PUBLISHED = EDMConfig()


@pytest.fixture(scope="module")
def edm(golden):
    """The golden numbers, and the denoiser around the network of the transformer's own golden file."""
    words, tensors = golden("edm")
    network_words, network_tensors = golden("dit")
    network = MultitrackTransformer(transformer_config(network_words["case"]["config"]))
    published = {key[2:]: value for key, value in network_tensors.items() if key.startswith("w.")}
    network.load_state_dict(convert_transformer(published, network))
    return words["case"], tensors, Denoiser(network.eval(), PUBLISHED)


def test_coefficients(edm):
    _, t, _ = edm
    c = coefficients(t["in.sigmas"], PUBLISHED)
    names = {"cskip": c.skip, "cout": c.out, "cin": c.input, "cnoise": c.noise, "lambda": c.loss_weight}
    for name, value in names.items():
        assert_close(value, t[f"out.{name}"], rtol=1e-5, atol=1e-9)


def test_schedules(edm):
    _, t, _ = edm
    expected = {int(key.split("_T")[1]): value for key, value in t.items() if key.startswith("out.schedule_T")}
    assert expected
    for points, levels in expected.items():
        assert_close(schedule(points, PUBLISHED), levels, rtol=1e-5, atol=1e-9)


def test_churn_amounts(edm):
    case, t, _ = edm
    for key in (key for key in t if key.startswith("out.gamma_Schurn")):
        churn = float(key.removeprefix("out.gamma_Schurn"))
        assert_close(churn_amounts(schedule(case["T"], PUBLISHED), churn), t[key], rtol=1e-5, atol=1e-9)


def test_denoiser_at_every_level_and_guidance(edm):
    _, t, denoiser = edm
    keys = [key for key in t if key.startswith("out.denoised_sigma")]
    assert keys
    for key in keys:
        index, guidance = key.removeprefix("out.denoised_sigma").split("_cfg")
        sigma = t["in.denoiser_sigmas"][int(index)]
        with torch.no_grad():
            noisy = t["in.y_style"] + sigma * t["in.noise"]
            denoised = denoiser(noisy, sigma, t["in.cond"], t["in.mask"].bool(), guidance=float(guidance))
        assert_close(denoised, t[key], atol=1e-4, rtol=1e-4)


RUNS = {
    "sample_order1": {"solver": "euler"},
    "sample_order2": {"solver": "heun"},
    "sample_order1_cfg2.5": {"solver": "euler", "guidance": 2.5},
    "sample_stochastic_Schurn10": {"solver": "euler", "churn": 10.0},
    "sample_stochastic_order2_Schurn10": {"solver": "heun", "churn": 10.0},
}


@pytest.mark.parametrize("run", RUNS)
def test_sampling(edm, run):
    case, t, denoiser = edm
    options = RUNS[run]
    z = sample(
        denoiser,
        t["in.cond"],
        SamplingOptions(case["T"] - 1, **options),
        t["in.mask"].bool(),
        prior=t["in.prior"],
        churn_noise=t["in.churn_noise"],
    )
    assert_close(z, t[f"out.{run}"], atol=1e-4 if options["solver"] == "euler" else 1e-3, rtol=1e-4)


def test_every_sampling_run_in_the_file_is_checked(edm):
    _, t, _ = edm
    assert {key.removeprefix("out.") for key in t if key.startswith("out.sample_")} == set(RUNS)


def test_training_loss(edm):
    _, t, denoiser = edm
    arguments = (denoiser, t["in.y_style"], t["in.cond"], t["in.mask"].bool(), t["in.loss_sigma"], t["in.noise"])
    with torch.no_grad():
        terms, loss = loss_terms(*arguments), training_loss(*arguments)
    assert_close(terms.network_input, t["out.loss_net_input"], rtol=1e-4, atol=1e-5)
    assert_close(terms.cnoise, t["out.loss_cnoise"], rtol=1e-5, atol=1e-6)
    assert_close(terms.target, t["out.loss_target"], rtol=1e-4, atol=1e-5)
    assert_close(terms.error, t["out.loss_per_element"], rtol=1e-3, atol=1e-3)
    assert_close(loss.reshape(1), t["out.loss_mean"], rtol=1e-5, atol=1e-5)
