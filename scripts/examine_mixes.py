"""Mix folders of stems and say in numbers and pictures what came out: `python scripts/examine_mixes.py OUT STEMS...`

Prints, for every song: loudness, true peak, width and brightness of each mix beside the raw sum, the level of each track
relative to the mix, how much mixes differ, and whether the same seed gives the same mix again; writes OUT/SONG.png.
"""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import librosa
import matplotlib
import numpy as np
import torch
from torch import Tensor

import megami
from megami.audio import SAMPLE_RATE, Multitrack, framed_level_db, integrated_loudness, master, true_peak_db

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend is chosen)


def width_db(audio: Tensor) -> float:
    """Side over mid energy in dB."""
    mid, side = audio.sum(0), audio[0] - audio[1]
    return float(10 * torch.log10((side.square().mean() + 1e-12) / (mid.square().mean() + 1e-12)))


def centroid_hz(audio: Tensor) -> float:
    """Mean spectral centroid of the mid."""
    return float(librosa.feature.spectral_centroid(y=audio.mean(0).numpy(), sr=SAMPLE_RATE).mean())


def log_mel(audio: Tensor) -> np.ndarray:
    """Log-mel spectrogram of left and right, in dB."""
    mels = librosa.feature.melspectrogram(y=audio.numpy(), sr=SAMPLE_RATE, n_fft=4096, hop_length=1024, n_mels=96)
    return 10 * np.log10(mels + 1e-8)


def residual_db(a: Tensor, b: Tensor) -> float:
    """Energy of a - g b over that of a, in dB, at the best gain g: 0 is unrelated, -inf is equal."""
    gain = (a * b).sum() / b.square().sum().clamp_min(1e-12)
    return float(10 * torch.log10((a - gain * b).square().sum() / a.square().sum()))


def relative_levels(tracks: Tensor, mix: Tensor) -> list[float]:
    """Loudest 400 ms of every track minus that of the mix, in dB."""
    level = framed_level_db(mix, SAMPLE_RATE).mean()
    return [round(float(framed_level_db(track, SAMPLE_RATE).max() - level), 1) for track in tracks]


def raw_sum(song: Multitrack) -> tuple[Tensor, Tensor]:
    """The dry tracks on both channels, and their sum at -16 LUFS."""
    tracks = song.mono().expand(-1, 2, -1)
    return tracks, master(tracks.sum(0), SAMPLE_RATE, -16.0)


def examine(folder: Path, out: Path, mixer: megami.Mixer) -> None:
    """Mix one song three ways and report."""
    song = megami.read_multitrack(folder)
    mixes = mixer.mix(song, num_mixes=3, seed=0)
    again = mixer.mix(song, num_mixes=3, seed=0)
    dry, raw = raw_sum(song)
    print(f"\n## {folder.name}: {song.num_tracks} tracks, {song.seconds:.1f} s")
    print("| | LUFS | dBTP | side/mid dB | centroid Hz | " + " | ".join(song.names) + " |")
    print("|---" * (5 + song.num_tracks) + "|")
    for name, audio, tracks in [("raw sum", raw, dry)] + [(f"mix {i}", m.audio, m.tracks) for i, m in enumerate(mixes, 1)]:
        sum_audio = tracks.sum(0)
        values = [f"{integrated_loudness(audio, SAMPLE_RATE):.2f}", f"{true_peak_db(audio, SAMPLE_RATE):.2f}",
                  f"{width_db(audio):.1f}", f"{centroid_hz(audio):.0f}", *map(str, relative_levels(tracks, sum_audio))]
        print(f"| {name} | " + " | ".join(values) + " |")
    for (i, a), (j, b) in combinations(enumerate(mixes, 1), 2):
        mels = float(np.abs(log_mel(a.audio) - log_mel(b.audio)).mean())
        print(f"mix {i} against mix {j}: residual {residual_db(a.audio, b.audio):.1f} dB, log-mel difference {mels:.1f} dB")
    whole = all(m.audio.shape == (2, song.num_samples) and bool(torch.isfinite(m.audio).all()) for m in mixes)
    same = all(torch.equal(a.audio, b.audio) for a, b in zip(mixes, again))
    print(f"as long as the song, stereo, finite: {whole}; same seed, same mixes: {same}")
    draw(out / f"{folder.name}.png", [("raw sum", raw)] + [(f"mix {i}", m.audio) for i, m in enumerate(mixes, 1)])
    for number, mix in enumerate(mixes, 1):
        mix.save(out / f"{folder.name}_mix_{number}.wav")


def draw(path: Path, items: list[tuple[str, Tensor]]) -> None:
    """Spectrograms of left (top) and of left minus right (bottom) of every item."""
    figure, axes = plt.subplots(2, len(items), figsize=(4.2 * len(items), 6), sharex=True, sharey=True)
    for column, (name, audio) in zip(axes.T, items):
        for axis, signal in zip(column, (audio.mean(0), (audio[0] - audio[1]) / 2)):
            axis.imshow(log_mel(signal[None])[0], origin="lower", aspect="auto", vmin=-60, vmax=20)
        column[0].set_title(name)
    axes[0, 0].set_ylabel("mid (mel band)")
    axes[1, 0].set_ylabel("side (mel band)")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main(out: str, folders: list[str], weights: str = "small") -> None:
    """Examine every folder."""
    Path(out).mkdir(parents=True, exist_ok=True)
    mixer = megami.Mixer.from_pretrained(weights, device="cpu")
    for folder in folders:
        examine(Path(folder), Path(out), mixer)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
