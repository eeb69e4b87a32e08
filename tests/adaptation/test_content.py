"""The content encoder: what it must not hear, its heads and its loss."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from megami.adaptation import ContentConfig, ContentEncoder, content_loss, describe_source
from megami.embeddings import EmbeddingConfig, decode, dynamics_features, mid_bands_db, split_parts

RATE = 44100


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


@pytest.fixture(scope="module")
def encoder() -> ContentEncoder:
    torch.manual_seed(0)
    return ContentEncoder(ContentConfig(instruments=5, roles=3)).eval()


@pytest.mark.parametrize("seconds", [0.1, 0.7, 5.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_length_and_channels_give_a_unit_vector(encoder, seconds, channels):
    embedding = encoder(noise(2, channels, int(seconds * RATE)))
    assert embedding.shape == (2, encoder.config.dim)
    torch.testing.assert_close(embedding.norm(dim=-1), torch.ones(2))


def test_level_is_not_heard(encoder):
    audio = noise(1, 1, RATE)
    torch.testing.assert_close(encoder(audio), encoder(audio * 0.01), atol=1e-4, rtol=0)


def test_mono_and_doubled_mono_are_the_same(encoder):
    audio = noise(1, 1, RATE)
    torch.testing.assert_close(encoder(audio), encoder(audio.expand(-1, 2, -1)), atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def measuring() -> ContentEncoder:
    torch.manual_seed(0)
    return ContentEncoder(ContentConfig(spectrum_dim=64, dynamics_dim=64)).eval()


def test_measured_codes_say_the_spectrum_and_dynamics_of_the_source(measuring):
    audio = noise(2, 1, RATE).cumsum(-1) * torch.linspace(0, 0.1, RATE)
    audio = audio - audio.mean(-1, keepdim=True)
    embedding = measuring(audio)
    assert embedding.shape == (2, measuring.config.total_dim) == (2, 256)
    torch.testing.assert_close(embedding.norm(dim=-1), torch.ones(2))
    said = decode(EmbeddingConfig(), embedding)
    torch.testing.assert_close(said["mid_bands_db"], mid_bands_db(audio), atol=0.1, rtol=0)
    heard = dynamics_features(audio.expand(-1, 2, -1))
    torch.testing.assert_close(said["crest_db"], heard[:, 2:4], atol=0.1, rtol=0)
    torch.testing.assert_close(said["spread_db"], heard[:, 4:6], atol=0.1, rtol=0)
    assert said["width"].abs().max() < 0.01 and said["imbalance"].abs().max() < 0.01  # sources are mono


def test_the_learned_part_is_what_the_network_says_alone(measuring):
    audio = noise(2, 2, RATE)
    part = split_parts(EmbeddingConfig(), measuring(audio)).fx
    torch.testing.assert_close(part, measuring.learned(audio))
    plain = ContentEncoder(ContentConfig()).eval()
    assert torch.equal(plain(audio), plain.learned(audio))


@pytest.mark.parametrize("dims", [(64, 0), (0, 64), (32, 64)])
def test_impossible_codes_are_refused(dims):
    with pytest.raises(ValueError, match="spectrum_dim must be 64"):
        ContentConfig(spectrum_dim=dims[0], dynamics_dim=dims[1])


def test_level_is_not_measured_and_silence_is_finite(measuring):
    audio = noise(1, 1, RATE)
    torch.testing.assert_close(measuring(audio), measuring(audio * 0.01), atol=1e-3, rtol=0)
    torch.testing.assert_close(describe_source(audio), describe_source(audio * 0.01), atol=0.01, rtol=0)
    assert measuring(torch.zeros(1, 2, RATE)).isfinite().all()


def test_silence_is_finite_and_so_is_its_gradient(encoder):
    audio = torch.zeros(1, 1, RATE, requires_grad=True)
    embedding = encoder(audio)
    assert embedding.isfinite().all()
    embedding[:, 0].sum().backward()
    assert audio.grad.isfinite().all()


def test_heads(encoder):
    outputs = encoder.heads(encoder(noise(4, 1, RATE)))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "instrument": (4, 5),
        "role": (4, 3),
        "spectrum": (4, 24),
    }


def test_loss_is_the_sum_of_its_parts_and_unknown_classes_do_not_count():
    outputs = {"instrument": noise(4, 5), "role": noise(4, 3, seed=1), "spectrum": noise(4, 24, seed=2)}
    targets = {
        "instrument": torch.tensor([0, 4, -100, 2]),
        "role": torch.tensor([0, 1, 2, 0]),
        "spectrum": noise(4, 24, seed=3),
    }
    known = torch.tensor([0, 1, 3])
    expected = (
        F.cross_entropy(outputs["instrument"][known], targets["instrument"][known])
        + F.cross_entropy(outputs["role"], targets["role"])
        + (outputs["spectrum"] - targets["spectrum"]).square().mean()
    )
    torch.testing.assert_close(content_loss(outputs, targets), expected)


def test_loss_is_finite_when_no_class_is_known():
    outputs = {"instrument": noise(2, 5), "role": noise(2, 3), "spectrum": noise(2, 24)}
    unknown = torch.full((2,), -100)
    assert content_loss(outputs, {"instrument": unknown, "role": unknown, "spectrum": noise(2, 24)}).isfinite()
