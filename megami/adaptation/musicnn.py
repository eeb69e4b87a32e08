"""MusiCNN: a small network trained on real music, which the small preset hears through.

A network that was trained on the studio's sounds alone takes a real singer for an organ. This one learned to tag 26 000
clips of real recordings (MagnaTagATune), so what it says of an instrument does not depend on who synthesised it.
Architecture: Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018, in the size of Pons and
Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", ISMIR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAGS: tuple[str, ...] = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano",
    "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing",
    "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop",
    "soft", "sitar", "solo", "man", "classic", "choir", "voice", "new age", "dance", "male voice",
    "female vocal", "beats", "harp", "cello", "no voice", "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
"""What MagnaTagATune's listeners wrote, in the order of the network's outputs."""

TIMBRAL_BANDS = (38, 67)  # heights of the timbral filters, in mels: 40 and 70 % of all
TEMPORAL_FRAMES = (128, 64, 32)  # lengths of the temporal filters
CONTEXT = 7  # frames that timbral filters and middle layers look at
BATCH_NORM_EPS = 1e-3


@dataclass(frozen=True)
class MusiCNNConfig:
    """Front end and sizes of MusiCNN; the defaults are those of the published `MTT_musicnn`."""

    sample_rate: int = 16000
    n_fft: int = 512
    hop: int = 256
    mels: int = 96
    patch_frames: int = 187  # 3 s
    timbral: int = 204  # filters of each height
    temporal: int = 51  # filters of each length
    middle: int = 64
    hidden: int = 200


class MusiCNN(nn.Module):
    """Log-mels of a patch to 200 features and 50 tags; `log_mel` gives the log-mels of audio.

    Numbers before a rectifier go through it before they are normalised, as published: convolution, ReLU, BatchNorm.
    """

    bank: Tensor
    window: Tensor

    def __init__(self, config: MusiCNNConfig = MusiCNNConfig()) -> None:
        from torchaudio.functional import melscale_fbanks  # here, because torchaudio takes long to import

        super().__init__()
        self.config = config
        bank = melscale_fbanks(
            config.n_fft // 2 + 1, 0.0, config.sample_rate / 2, config.mels, config.sample_rate, "slaney", "slaney"
        )
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)
        front = 2 * config.timbral + 3 * config.temporal
        pooled = 2 * (front + 3 * config.middle)
        self.input_norm = nn.BatchNorm2d(1, BATCH_NORM_EPS)
        self.timbral = nn.ModuleList(nn.Conv2d(1, config.timbral, (CONTEXT, bands)) for bands in TIMBRAL_BANDS)
        self.timbral_norms = nn.ModuleList(nn.BatchNorm1d(config.timbral, BATCH_NORM_EPS) for _ in TIMBRAL_BANDS)
        self.temporal = nn.ModuleList(nn.Conv2d(1, config.temporal, (frames, 1)) for frames in TEMPORAL_FRAMES)
        self.temporal_norms = nn.ModuleList(nn.BatchNorm1d(config.temporal, BATCH_NORM_EPS) for _ in TEMPORAL_FRAMES)
        channels = (front, config.middle, config.middle)
        self.middle = nn.ModuleList(nn.Conv1d(size, config.middle, CONTEXT, padding=CONTEXT // 2) for size in channels)
        self.middle_norms = nn.ModuleList(nn.BatchNorm1d(config.middle, BATCH_NORM_EPS) for _ in channels)
        self.pooled_norm = nn.BatchNorm1d(pooled, BATCH_NORM_EPS)
        self.dense = nn.Linear(pooled, config.hidden)
        self.dense_norm = nn.BatchNorm1d(config.hidden, BATCH_NORM_EPS)
        self.tags = nn.Linear(config.hidden, len(TAGS))

    def log_mel(self, audio: Tensor) -> Tensor:
        """Log-mels of audio [b, n] at the network's rate: [b, frames, mels], log10(1 + 10000 power)."""
        spectrum = torch.stft(
            audio, self.config.n_fft, self.config.hop, window=self.window, pad_mode="constant", return_complex=True
        )
        power = spectrum.abs().square().transpose(-1, -2) @ self.bank
        return torch.log10(1 + 10000 * power)

    def timbral_features(self, mels: Tensor) -> Tensor:
        """What sounds at each frame, at whatever pitch: [b, 1, frames, mels] -> [b, 2 * timbral, frames]."""
        padded = F.pad(mels, (0, 0, CONTEXT // 2, CONTEXT // 2))
        found = []
        for conv, norm in zip(self.timbral, self.timbral_norms, strict=True):
            found.append(normalised_maximum(conv(padded), norm))
        return torch.cat(found, dim=1)

    def temporal_features(self, mels: Tensor) -> Tensor:
        """How each band moves, the strongest band's answer: [b, 1, frames, mels] -> [b, 3 * temporal, frames]."""
        found = []
        for frames, conv, norm in zip(TEMPORAL_FRAMES, self.temporal, self.temporal_norms, strict=True):
            before = (frames - 1) // 2  # an even filter looks one frame farther ahead than back
            found.append(normalised_maximum(conv(F.pad(mels, (0, 0, before, frames - 1 - before))), norm))
        return torch.cat(found, dim=1)

    def frames(self, mels: Tensor) -> list[Tensor]:
        """Layers before pooling, of log-mels [b, frames, mels]: front end, then three middle layers, [b, c, frames]."""
        image = self.input_norm(mels[:, None])
        layers = [torch.cat([self.timbral_features(image), self.temporal_features(image)], dim=1)]
        for number, (conv, norm) in enumerate(zip(self.middle, self.middle_norms, strict=True)):
            answer = norm(torch.relu(conv(layers[-1])))
            layers.append(answer + layers[-1] if number else answer)
        return layers

    def pool(self, layers: Tensor) -> Tensor:
        """The largest and the mean of every number over time: [..., c, frames] -> [..., 2 c], the two interleaved."""
        return torch.stack([layers.amax(dim=-1), layers.mean(dim=-1)], dim=-1).flatten(-2)

    def answer(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled layers [b, 1506] to the 200 penultimate features and the probabilities of 50 tags."""
        features = self.dense_norm(torch.relu(self.dense(self.pooled_norm(pooled))))
        return features, torch.sigmoid(self.tags(features))

    def forward(self, mels: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mels of patches [b, frames, mels] to features [b, 200] and probabilities of tags [b, 50]."""
        return self.answer(self.pool(torch.cat(self.frames(mels), dim=1)))


def normalised_maximum(heard: Tensor, norm: nn.Module) -> Tensor:
    """The largest of BatchNorm's outputs to rectified input over the bands: [b, c, frames, bands] -> [b, c, frames].

    BatchNorm is linear in each channel, so that is its answer to the largest input, or to the smallest where its gain
    is negative; and the rectifier, which keeps the order, has only these to do.
    """
    assert isinstance(norm, nn.BatchNorm1d)
    rises = norm.weight > 0
    extreme = heard.new_empty(heard.shape[:-1])
    for side, reduce in ((rises, torch.amax), (~rises, torch.amin)):
        if bool(side.any()):
            extreme[:, side] = reduce(heard[:, side], dim=-1)
    return norm(torch.relu(extreme))
