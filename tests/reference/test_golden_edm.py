"""Parity of preconditioning, schedule, denoiser, samplers and training loss with the published implementation."""

from __future__ import annotations

import pytest
import torch
from run_names import names, settings
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
    return words, tensors, Denoiser(network.eval(), PUBLISHED)


def test_coefficients(edm):
    _, t, _ = edm
    c = coefficients(t["in.sigmas"], PUBLISHED)
    names = {"cskip": c.skip, "cout": c.out, "cin": c.input, "cnoise": c.noise, "lambda": c.loss_weight}
    for name, value in names.items():
        assert_close(value, t[f"out.{name}"], rtol=1e-5, atol=1e-9)


def test_schedules(edm):
    words, t, _ = edm
    for name in names(words, "out.schedule_"):
        points = int(settings(name, "out.schedule_", ("T",))["T"])
        assert_close(schedule(points, PUBLISHED), t[name], rtol=1e-5, atol=1e-9)


def test_churn_amounts(edm):
    words, t, _ = edm
    levels = schedule(words["case"]["T"], PUBLISHED)
    for name in names(words, "out.gamma_"):
        churn = settings(name, "out.gamma_", ("Schurn",))["Schurn"]
        assert_close(churn_amounts(levels, churn), t[name], rtol=1e-5, atol=1e-9)


def test_denoiser_at_every_level_and_guidance(edm):
    words, t, denoiser = edm
    for name in names(words, "out.denoised_"):
        run = settings(name, "out.denoised_", ("sigma", "cfg"))
        sigma = t["in.denoiser_sigmas"][int(run["sigma"])]
        with torch.no_grad():
            noisy = t["in.y_style"] + sigma * t["in.noise"]
            denoised = denoiser(noisy, sigma, t["in.cond"], t["in.mask"].bool(), guidance=run["cfg"])
        assert_close(denoised, t[name], atol=1e-4, rtol=1e-4)


def test_every_sampling_run(edm):
    words, t, denoiser = edm
    for name in names(words, "out.sample_"):
        run = settings(name, "out.sample_", ("order", "cfg", "stochastic", "Schurn"))
        order = run.get("order", 1)
        options = SamplingOptions(
            words["case"]["T"] - 1,
            solver={1: "euler", 2: "heun"}[order],
            guidance=run.get("cfg", 1.0),
            churn=run.get("Schurn", 0.0),
        )
        mask, noise = t["in.mask"].bool(), t["in.churn_noise"]
        z = sample(denoiser, t["in.cond"], options, mask, prior=t["in.prior"], churn_noise=noise)
        assert_close(
            z, t[name], atol=1e-4 if order == 1 else 1e-3, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )


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
