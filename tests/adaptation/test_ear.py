"""The ear: rests, level, rate and length do not change what is heard, and voices stand out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from megami.adaptation import MusiCNN, hear_stem, voice_sum
from megami.adaptation.ear import LISTENED_S, stem_windows, without_rests
from megami.adaptation.musicnn import normalised_maximum
from megami.audio import read_audio, resample
from megami.corpus.ears import hear_variants, shipped_musicnn

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
RATE = 44100


@pytest.fixture(scope="module")
def musicnn() -> MusiCNN:
    return shipped_musicnn()


def stem(path: str) -> torch.Tensor:
    """A sample stem [n], its first 8 s."""
    audio, rate = read_audio(SAMPLES / path)
    assert rate == RATE
    return audio.mean(dim=0)[: 8 * RATE]


@pytest.fixture(scope="module")
def vocal() -> torch.Tensor:
    return stem("paper_boats/vocal.flac")


def likeness(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(F.cosine_similarity(a[:200], b[:200], dim=-1))


@pytest.mark.parametrize("path", ["paper_boats/vocal.flac", "night_bus/vocal.flac", "porch_light/vocal.flac"])
def test_voices_stand_out_by_their_tags(musicnn, path):
    others = ("paper_boats/drums.flac", "paper_boats/piano.flac", "corner_store/slap_bass.flac")
    voices = voice_sum(hear_stem(musicnn, stem(path)))
    assert all(voices > 3 * voice_sum(hear_stem(musicnn, stem(other))) for other in others)


@pytest.mark.parametrize("gain", [1e-3, 0.1, 5.0])
def test_level_does_not_matter(musicnn, vocal, gain):
    assert torch.allclose(hear_stem(musicnn, vocal * gain), hear_stem(musicnn, vocal), atol=1e-3)


@pytest.mark.parametrize("rate", [32000, 48000, 96000])
def test_rate_does_not_matter(musicnn, vocal, rate):
    heard = hear_stem(musicnn, resample(vocal, RATE, rate), rate)
    assert likeness(heard, hear_stem(musicnn, vocal)) > 0.995


def test_rests_do_not_matter(musicnn, vocal):
    """Ten seconds of rest before, between and after: a song in which the singer waits."""
    rest = torch.zeros(10 * RATE)
    cut = len(vocal) // 2
    waiting = torch.cat([rest, vocal[:cut], rest, vocal[cut:], rest])
    plain = hear_stem(musicnn, vocal)
    assert likeness(hear_stem(musicnn, waiting), plain) > 0.97
    assert abs(voice_sum(hear_stem(musicnn, waiting)) - voice_sum(plain)) < 0.15


def test_only_rests_are_cut(vocal):
    tone = torch.sin(torch.arange(RATE) * 0.05)
    joined = without_rests(torch.cat([tone, torch.zeros(2 * RATE), tone]), RATE)
    assert 2 * RATE <= len(joined) < 2.9 * RATE  # frames that hear a little of the tone are kept whole
    quiet = torch.cat([tone, 0.02 * tone, tone])  # 34 dB below: played softly, not a rest
    assert torch.equal(without_rests(quiet, RATE), quiet)
    silence = torch.zeros(RATE)
    assert torch.equal(without_rests(silence, RATE), silence)


@pytest.mark.parametrize("samples", [1, 441, RATE, 5 * RATE])
def test_any_length_and_silence_give_finite_answers(musicnn, vocal, samples):
    assert hear_stem(musicnn, vocal[:samples]).isfinite().all()
    assert hear_stem(musicnn, torch.zeros(samples)).isfinite().all()


def test_long_stems_are_heard_where_they_are_loudest(musicnn, vocal):
    loud = vocal.repeat(3)[: round(LISTENED_S * RATE)]
    soft = 0.05 * stem("paper_boats/piano.flac").repeat(3)
    together = hear_stem(musicnn, torch.cat([soft, loud, soft]))
    assert likeness(together, hear_stem(musicnn, loud)) > 0.99


def test_one_pass_hears_what_the_network_hears_patch_by_patch(musicnn, vocal):
    """The layers run once over all windows: at a window's edges they see what goes on there, and silence otherwise."""
    windows = stem_windows(musicnn, vocal)
    heard = resample(vocal, RATE, 16000)
    mels = musicnn.log_mel((heard * 0.1 / heard.square().mean().sqrt())[None])[0]
    patches = mels.unfold(0, 187, 62).transpose(1, 2)
    with torch.no_grad():
        features, _ = musicnn(patches)
    assert len(windows) == len(patches)
    assert likeness(windows.mean(dim=0), features.mean(dim=0)) > 0.98


def test_halves_and_whole_of_what_is_cached(musicnn, vocal):
    whole, first, second = hear_variants(vocal.repeat(2, 1)[None])[:, 0]
    windows = stem_windows(musicnn, vocal)
    assert torch.allclose(whole, windows.mean(dim=0), atol=1e-5)
    assert torch.allclose(first, windows[: -(-len(windows) // 2)].mean(dim=0), atol=1e-5)
    assert torch.allclose(second, windows[len(windows) // 2 :].mean(dim=0), atol=1e-5)


def test_the_largest_of_normalised_numbers_also_where_the_gain_is_negative():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(6, 1e-3).eval()
    norm.weight.data = torch.tensor([1.0, -1.0, 0.5, -2.0, 0.0, 3.0])
    norm.running_mean.data, norm.bias.data = torch.randn(6), torch.randn(6)
    heard = torch.randn(2, 6, 5, 9)
    wanted = torch.stack([norm(heard[..., band].relu()) for band in range(9)], dim=-1).amax(dim=-1)
    assert torch.allclose(normalised_maximum(heard, norm), wanted, atol=1e-6)
