"""AFx-Rep, by which effects are heard in one column of the paper's table: a Cnn14 over mid and side.

Steinmetz et al. 2024 (ST-ITO, arXiv 2410.21233); Kong et al. 2020 (PANNs, arXiv 1912.10211). Its file, afx-rep.ckpt, is
on the Hugging Face hub under csteinmetz1/afx-rep (Apache-2.0); it is never downloaded here, and read without trust.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE, resample
from megami.errors import UserError
from megami.presets.weight_files import check_state, shapes_of
from megami.published.checkpoints import state_inside
from megami.published.loading import fill

FILE = "afx-rep.ckpt"
RATE = 48000
N_FFT, HOP, MELS = 2048, 1024, 128
DIM = 512
WIDTHS = (64, 128, 256, 512, 1024, 2048)
LOWEST_DB, HIGHEST_DB = -80.0, 40.0
PLACE = "encoder."
UNUSED = ("spectrogram_extractor.", "logmel_extractor.", "spec_augmenter.", "bn0.")
"""Parts of the published encoder that are not learned or not used; of the second, the mel bands are read."""


class Block(nn.Module):
    """Two convolutions of 3 by 3, each with batch normalisation and ReLU, then a mean over `pool` by `pool` values."""

    def __init__(self, inputs: int, outputs: int, pool: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.avg_pool2d(x, self.pool) if self.pool > 1 else x


class AfxRep(nn.Module):
    """Stereo audio [b, 2, n] at 44.1 kHz, level as it comes, to effect vectors [b, 1024]: unit mid beside unit side.

    n must last more than 1.4 s. `mel_bands` [1025, 128] is read from the published file, as all weights are.
    """

    mel_bands: Tensor

    def __init__(self, widths: tuple[int, ...] = WIDTHS, dim: int = DIM) -> None:
        super().__init__()
        for number, (inputs, outputs) in enumerate(zip((1, *widths[:-1]), widths, strict=True), start=1):
            setattr(self, f"conv_block{number}", Block(inputs, outputs, 2 if number < len(widths) else 1))
        self.blocks = len(widths)
        self.fc_mid, self.fc_side = (nn.Linear(widths[-1], dim) for _ in range(2))
        self.register_buffer("mel_bands", torch.zeros(N_FFT // 2 + 1, MELS))

    def log_mels(self, audio: Tensor) -> Tensor:
        """Mel spectrogram in dB of mono audio [b, n] at 48 kHz, -80 dB to 40 dB as -1 to 1: [b, frames, 128]."""
        window = torch.hann_window(N_FFT, device=audio.device)
        found = torch.stft(audio, N_FFT, HOP, window=window, pad_mode="reflect", return_complex=True)
        mels = found.abs().square().transpose(1, 2) @ self.mel_bands
        level_db = 10.0 * torch.log10(mels.clamp_min(1e-10))
        middle, half = (HIGHEST_DB + LOWEST_DB) / 2, (HIGHEST_DB - LOWEST_DB) / 2
        return (level_db.clamp(LOWEST_DB, HIGHEST_DB) - middle) / half

    def forward(self, audio: Tensor) -> Tensor:
        left, right = resample(audio.contiguous(), SAMPLE_RATE, RATE).unbind(dim=1)
        x = self.log_mels(torch.cat([(left + right) / 2, (left - right) / 2]))[:, None]
        for number in range(1, self.blocks + 1):
            x = getattr(self, f"conv_block{number}")(x)
        x = x.mean(dim=3)
        mid, side = (x.amax(dim=2) + x.mean(dim=2)).chunk(2)
        return torch.cat([F.normalize(self.fc_mid(mid), dim=-1), F.normalize(self.fc_side(side), dim=-1)], dim=-1)


def load_afx_rep(folder: Path, widths: tuple[int, ...] = WIDTHS, dim: int = DIM) -> AfxRep:
    """Load AFx-Rep from its file in a folder. Raises UserError where it is missing, damaged, or something else."""
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{FILE} is not in {folder} (download it from csteinmetz1/afx-rep on the Hugging Face hub)")
    whole = state_inside(path, "state_dict", wanted=lambda key: key.startswith(PLACE))
    state: dict[str, Tensor] = {}
    for key, value in whole.items():
        name = key.removeprefix(PLACE)
        if name == "logmel_extractor.melW":
            state["mel_bands"] = value
        elif key.startswith(PLACE) and not name.startswith(UNUSED):
            state[name] = value
    network = AfxRep(widths, dim)
    check_state(state, shapes_of(network), str(path))
    return fill(network, state)
