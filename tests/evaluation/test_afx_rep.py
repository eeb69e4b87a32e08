"""AFx-Rep: hears what the published front end hears, and is read without trust."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from megami.audio import resample
from megami.errors import UserError
from megami.evaluation.real_data.afx_rep import FILE, HOP, MELS, N_FFT, RATE, AfxRep, load_afx_rep

WIDTHS, DIM = (4, 4, 4, 4, 8, 8), 6


@pytest.fixture(scope="module")
def network() -> AfxRep:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = AfxRep(WIDTHS, DIM)
        network.mel_bands.uniform_(0, 1)
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = 1.0
        network.train()(noise())  # with statistics of its own, every layer says something
    return network.eval()


def checkpoint(network: AfxRep) -> dict[str, torch.Tensor]:
    """The state as the published file has it, with the parts of its training beside."""
    state = {f"encoder.{key}": value for key, value in network.state_dict().items() if key != "mel_bands"}
    unused = {
        "encoder.bn0.weight": torch.ones(MELS),
        "encoder.spectrogram_extractor.stft.conv_real.weight": torch.ones(2),
    }
    return state | unused | {"encoder.logmel_extractor.melW": network.mel_bands, "head.weight": torch.ones(3)}


def noise(seconds: float = 2.0) -> torch.Tensor:
    return torch.randn(2, 2, round(44100 * seconds), generator=torch.Generator().manual_seed(0)) * 0.1


def test_the_front_end_is_that_of_the_published_network(network):
    """A periodic Hann window, power, mel bands, dB; from -80 to 40 dB as -1 to 1."""
    mono = resample(noise()[:1, 0].contiguous(), 44100, RATE)
    padded = np.pad(mono[0].double().numpy(), N_FFT // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP] * window
    power = np.abs(np.fft.rfft(frames)) ** 2
    level_db = 10 * np.log10(np.maximum(power @ network.mel_bands.double().numpy(), 1e-10))
    expected = torch.from_numpy((np.clip(level_db, -80, 40) + 80) / 60 - 1)
    torch.testing.assert_close(network.log_mels(mono)[0].double(), expected, rtol=1e-4, atol=1e-4)


def test_mid_and_side_are_heard_by_themselves(network):
    audio = noise()
    with torch.no_grad():
        heard, swapped, mono = (
            network(audio),
            network(audio.flip(1)),
            network(audio.mean(1, keepdim=True).expand(-1, 2, -1)),
        )
    assert heard.shape == (2, 2 * DIM)
    torch.testing.assert_close(heard.view(2, 2, DIM).norm(dim=-1), torch.ones(2, 2))
    torch.testing.assert_close(swapped, heard)  # the side's sign is not heard
    torch.testing.assert_close(mono[:, :DIM], heard[:, :DIM])
    assert not torch.allclose(mono[:, DIM:], heard[:, DIM:])


def test_the_file_is_read_whole_and_without_trust(network, tmp_path):
    path = tmp_path / FILE
    torch.save({"state_dict": checkpoint(network), "epoch": 3}, path)
    again = load_afx_rep(tmp_path, WIDTHS, DIM)
    with torch.no_grad():
        torch.testing.assert_close(again(noise()), network(noise()))
    state = checkpoint(network)
    state.pop("encoder.fc_side.bias")
    torch.save({"state_dict": state}, path)
    with pytest.raises(UserError, match=r"fc_side\.bias"):
        load_afx_rep(tmp_path, WIDTHS, DIM)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    torch.save({"state_dict": Trap()}, tmp_path / FILE)
    with pytest.raises(UserError):
        load_afx_rep(tmp_path)
    assert not (tmp_path / "trapped").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"afx-rep\.ckpt"):
        load_afx_rep(Path(tmp_path))
