"""MusiCNN against the original network: log-mels, every layer, features and tags of three clips."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from megami.adaptation import TAGS, MusiCNN
from megami.presets import load_network, preset_folder

FROM_MELS, FROM_AUDIO = 1e-3, 2e-2  # of the largest absolute value of each output, as the words of the file say


@pytest.fixture(scope="module")
def network() -> MusiCNN:
    """The network that is shipped: its matrices in half precision."""
    return load_network(preset_folder("small"), "musicnn")


@pytest.fixture(scope="module")
def clips(golden) -> dict[str, Tensor]:
    return golden("musicnn")[1]


def frames_first(stored: Tensor, network: MusiCNN, audio: Tensor) -> Tensor:
    """The file's log-mels [3, frames, mels]; the first edition of the file has their numbers mel by mel."""
    turned = stored.reshape(len(stored), stored.shape[2], stored.shape[1]).transpose(1, 2)
    heard = network.log_mel(audio)
    return min((stored, turned), key=lambda one: float((one - heard).abs().mean()))


def layers_of(network: MusiCNN, mels: Tensor) -> dict[str, Tensor]:
    """Outputs of every layer under the names of the file, time before channels."""
    with torch.no_grad():
        front, *middle = network.frames(mels)
        pooled = network.pool(torch.cat([front, *middle], dim=1))
        features, tags = network.answer(pooled)
    timbral, temporal = front.transpose(1, 2).split([2 * network.config.timbral, 3 * network.config.temporal], dim=-1)
    largest, mean = pooled.unflatten(-1, (-1, 2)).unbind(-1)
    found = {"timbral": timbral, "temporal": temporal, "max_pool": largest, "mean_pool": mean}
    found |= {f"cnn{number}": layer.transpose(1, 2) for number, layer in enumerate(middle, 1)}
    return {**found, "penultimate": features, "tags": tags}


def error(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest value; long outputs are cut in the file."""
    expected = expected.reshape(*expected.shape[:2], -1) if expected.dim() == 4 else expected
    found = found[:, : expected.shape[1]] if found.dim() == 3 else found
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


def test_the_front_end_hears_the_same(network, clips):
    heard = network.log_mel(clips["in.audio_16k"])
    assert error(heard, frames_first(clips["in.mel"], network, clips["in.audio_16k"])) < FROM_MELS


@pytest.mark.parametrize(
    ("hear", "tolerance"),
    [
        (lambda network, clips: frames_first(clips["in.mel"], network, clips["in.audio_16k"]), FROM_MELS),
        (lambda network, clips: network.log_mel(clips["in.audio_16k"]), FROM_AUDIO),
    ],
    ids=["from log-mels", "from audio"],
)
def test_every_layer_gives_the_original_numbers(
    network: MusiCNN, clips: dict[str, Tensor], hear: Callable, tolerance: float
):
    found = layers_of(network, hear(network, clips))
    expected = {name.removeprefix("out."): value for name, value in clips.items() if name.startswith("out.")}
    assert set(expected) <= set(found)
    for name, value in expected.items():
        assert error(found[name], value) < tolerance, name


def test_the_tags_stand_in_the_original_order(golden_words):
    assert golden_words("musicnn")["tags"] == list(TAGS)
