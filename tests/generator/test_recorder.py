"""Recorder: it keeps the way that sampling went."""

from __future__ import annotations

import pytest
import torch

from megami.generator import (
    Denoiser,
    EDMConfig,
    PointConfig,
    PointNetwork,
    Recorder,
    SamplingOptions,
    sample,
    schedule,
)

EDM = EDMConfig(sigma_data=1.0, sigma_min=0.02, sigma_max=200.0)


def test_it_keeps_every_state_and_estimate_up_to_the_answer():
    denoiser, recorder = Denoiser(PointNetwork(PointConfig()), EDM), Recorder()
    prior = torch.randn(5, 1, 2, 1, generator=torch.Generator().manual_seed(0))
    answer = sample(denoiser, torch.zeros(5, 1, 1, 0), SamplingOptions(6), prior=prior, callback=recorder)
    assert recorder.sigmas == pytest.approx(schedule(7, EDM)[:-1].tolist())
    assert recorder.path().shape == (7, 5, 1, 2, 1) and recorder.estimates().shape == (6, 5, 1, 2, 1)
    torch.testing.assert_close(recorder.path()[0], 200 * prior)
    assert torch.equal(recorder.path()[-1], answer) and torch.equal(recorder.estimates()[-1], answer)


def test_it_keeps_copies():
    recorder, x = Recorder(), torch.ones(3)
    recorder(0, 1.0, x, x)
    x.zero_()
    assert recorder.path().tolist() == [[1, 1, 1], [1, 1, 1]]
