"""The ear of the small preset: what MusiCNN says of a stem, heard only where the stem plays.

A stem rests for much of a song, and a network that hears the rests says "quiet, slow, classical" whatever the stem is.
So the rests are cut out, the loudest nine seconds of what is left are brought to one level, and the answers to
three-second windows, one second apart, are averaged.
"""

from __future__ import annotations

import torch
from torch import Tensor

from megami.adaptation.musicnn import TAGS, MusiCNN
from megami.audio import SAMPLE_RATE, bring_to_rms, framed_power, loudest_segment, resample
from megami.audio.level import FRAME_S, HOP_S

LISTENED_S = 9.0
HEARD_RMS = 0.1
REST_DB = -50.0
"""Frames of 400 ms that lie this far below a stem's loudest are rests."""
STEP_S = 1.0  # between windows

VOICE_TAGS = (
    "vocal", "female", "male", "singing", "vocals", "woman", "male vocal", "man", "choir", "voice", "male voice",
    "female vocal", "female voice",
)  # fmt: skip
"""Tags that say that somebody sings; their probabilities together tell voices from nearly everything else."""


def without_rests(audio: Tensor, sample_rate: int) -> Tensor:
    """Cut the rests out of a stem [n] and join what is left; a stem that never rests stays as it is."""
    power = framed_power(audio, sample_rate)
    plays = power > power.max() * 10 ** (REST_DB / 10)
    if bool(plays.all()) or not bool(plays.any()):
        return audio
    frame, hop = int(FRAME_S * sample_rate), int(HOP_S * sample_rate)
    kept = torch.zeros(len(audio), dtype=torch.bool, device=audio.device)
    for start in plays.nonzero()[:, 0].tolist():
        kept[start * hop : start * hop + frame] = True
    kept[(len(plays) - 1) * hop + frame :] = bool(plays[-1])  # the incomplete last frame goes with the one before
    return audio[kept]


def stem_windows(network: MusiCNN, audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Hear a mono stem [n] of any length, level and rate: features and tags of every window, [windows, 250].

    The network's layers run once over all that is listened to, and are pooled window by window. A stem shorter than a
    window is repeated. Silence gets the network's answer to silence.
    """
    config = network.config
    sounding = without_rests(audio.float(), sample_rate)
    length = round(LISTENED_S * sample_rate)
    start = loudest_segment(sounding, length)
    heard = resample(sounding[start : start + length], sample_rate, config.sample_rate)
    window = (config.patch_frames - 1) * config.hop
    heard = heard.repeat(-(-window // len(heard)))[: max(window, len(heard))]
    mels = network.log_mel(bring_to_rms(heard, HEARD_RMS, -1)[None])
    layers = torch.cat(network.frames(mels), dim=1)[0]
    step = round(STEP_S * config.sample_rate / config.hop)
    windows = layers.unfold(-1, config.patch_frames, step).transpose(0, 1)  # [windows, c, frames]
    return torch.cat(network.answer(network.pool(windows)), dim=-1)


@torch.no_grad()
def hear_stem(network: MusiCNN, audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """What a mono stem [n] is: MusiCNN's 200 features and 50 tags, the mean over all windows [250]."""
    return stem_windows(network, audio, sample_rate).mean(dim=0)


def voice_sum(heard: Tensor) -> Tensor:
    """Probabilities of VOICE_TAGS together, of what `hear_stem` gave: [..., 250] -> [...]; voices lie above about 1."""
    tags = heard[..., -len(TAGS) :]
    return tags[..., [TAGS.index(name) for name in VOICE_TAGS]].sum(dim=-1)
