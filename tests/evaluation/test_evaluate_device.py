"""Encoders and adaptor of an evaluation run on a GPU, and what they say comes back to the CPU.

Without a GPU: torch's fake tensors have a device and a shape, and refuse to mix devices, but hold no numbers.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from megami.adaptation import ContentEncoder, DomainAdaptor
from megami.corpus import Views
from megami.corpus.datasets import adapt_content, encode_content, listener_mark
from megami.corpus.space import SPACE
from megami.embeddings import FxEncoder
from megami.embeddings.cepstrum import LAGS
from megami.evaluation.encoders import encode_views
from megami.presets import preset

SMALL = preset("small")


def on_gpu(network: nn.Module) -> nn.Module:
    """The network with fake weights on a GPU."""
    for part in network.modules():
        for held in (part._parameters, part._buffers):
            for name, value in held.items():
                if value is not None:
                    fake = torch.empty(value.shape, dtype=value.dtype, device="cuda")
                    held[name] = nn.Parameter(fake, requires_grad=False) if held is part._parameters else fake
    return network.eval()


@torch.no_grad()
def test_encoders_and_adaptor_answer_on_the_cpu_wherever_they_are():
    networks = FxEncoder(SMALL.fx_encoder), ContentEncoder(SMALL.content), DomainAdaptor(SMALL.adaptor)
    with FakeTensorMode(allow_non_fake_inputs=True):
        fx_encoder, content_encoder, adaptor = map(on_gpu, networks)
        mels, cepstra = torch.randn(3, 2, 4, 64, 20).half(), torch.randn(3, 2, 2, LAGS, 1).half()
        views = Views(mels, torch.zeros(3, 2), torch.arange(3), cepstra, torch.zeros(3, SPACE))
        effects = torch.randn(5, SMALL.embedding.dim)
        answers = [
            *encode_views(fx_encoder, views),
            encode_content(content_encoder, torch.randn(5, 1, 64, 20)),
            adapt_content(adaptor, torch.randn(5, SMALL.content.total_dim), effects),
        ]
        assert {answer.device.type for answer in answers} == {"cpu"}
        with pytest.raises(RuntimeError, match="device"):  # so the above would have failed, had anything stayed behind
            content_encoder.encode(torch.randn(5, 1, 64, 20))


def test_what_a_gpu_heard_is_kept_beside_what_a_cpu_heard(monkeypatch):
    encoder = FxEncoder(SMALL.fx_encoder)
    heard_by_cpu = listener_mark(encoder)
    monkeypatch.setattr("megami.corpus.datasets.device_of", lambda network: torch.device("cuda:1"))
    assert listener_mark(encoder) == f"{heard_by_cpu}_cuda"
