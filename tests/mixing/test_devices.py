"""Networks on several devices and in several precisions: a second mixer takes nothing from the first."""

from __future__ import annotations

import pytest
import torch

from megami import Mixer, read_multitrack
from megami.device import resolve_precision
from megami.errors import UserError
from megami.mixing import pretrained
from megami.mixing.compat import Compat
from megami.mixing.pretrained import from_pretrained

PARTS = ("fx_encoder", "content_encoder", "adaptor", "generator", "processor")


def devices(network: torch.nn.Module) -> set[str]:
    return {tensor.device.type for tensor in (*network.parameters(), *network.buffers())}


def test_networks_on_another_device_are_copies(random_weights):
    first = from_pretrained(random_weights)
    second = first.to("meta")
    for name in PARTS:
        one, other = getattr(first, name), getattr(second, name)
        assert devices(one) == {"cpu"} and devices(other) == {"meta"}
        shapes = [{key: value.shape for key, value in part.state_dict().items()} for part in (one, other)]
        assert shapes[0] == shapes[1] and not other.training
        assert not any(parameter.requires_grad for parameter in other.parameters())
    assert second.preset == first.preset and second.fxnorm is None


def test_networks_that_are_there_already_are_shared(random_weights):
    first = from_pretrained(random_weights)
    second = first.to("cpu")
    assert all(getattr(first, name) is getattr(second, name) for name in PARTS)


def test_precision_is_a_choice_of_the_convolutional_processor(tiny_paper, monkeypatch):
    monkeypatch.setattr(pretrained, "cpu_multiplies_bf16", lambda: True)
    assert Mixer(tiny_paper, "cpu").precision == "fp32"
    assert Mixer(tiny_paper, "cpu", precision="bf16").precision == "bf16"
    assert tiny_paper.processor.dtype is None  # networks that are passed in stay as they are
    assert Mixer(tiny_paper, "cpu", Compat(statistics="track", seams="repaired"), "bf16").precision == "fp32"
    monkeypatch.setattr(pretrained, "cpu_multiplies_bf16", lambda: False)
    with pytest.warns(UserWarning, match="no instructions for bf16"):
        assert Mixer(tiny_paper, "cpu", precision="bf16").precision == "bf16"
    assert resolve_precision("auto") is None and resolve_precision("fp32") is None


def test_mixes_in_bf16_are_the_same_to_its_bits(tiny_paper, dry_tracks):
    song = read_multitrack(dry_tracks(2, 1.0))
    plan = torch.nn.functional.normalize(torch.randn(2, 2112, generator=torch.Generator().manual_seed(0)), dim=1)
    fine, coarse = (Mixer(tiny_paper, "cpu", precision=name).process(song, plan) for name in ("fp32", "bf16"))
    difference_db = 10 * ((coarse - fine).square().mean() / fine.square().mean()).log10()
    assert -100 < float(difference_db) < -36


def test_precisions_that_are_not_there_are_refused(random_weights):
    with pytest.raises(UserError, match="auto, fp32, bf16"):
        Mixer.from_pretrained(random_weights, "cpu", precision="fp8")
    with pytest.raises(UserError, match="convolutional processor"):
        Mixer.from_pretrained(random_weights, "cpu", precision="bf16")
    assert Mixer.from_pretrained(random_weights, "cpu", processor="tcn", precision="bf16").precision == "bf16"
