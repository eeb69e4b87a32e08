"""Songs too large for memory: the mix is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from megami import Mixer, Multitrack, read_multitrack
from megami.audio import large

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


def test_a_mix_is_the_same_where_arrays_live_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def mixed() -> tuple[Multitrack, list[torch.Tensor]]:
        whole = read_multitrack(SAMPLES / "paper_boats")
        song = Multitrack(whole.names, whole.audio[..., : 3 * whole.sample_rate].repeat(1, 2, 1), whole.sample_rate)
        song.audio[0, 1] *= 0.5  # a track with an image
        song.audio[1] = 0.0  # and a silent one
        return song, [part for mix in mixer.mix(song, 2, seed=3) for part in (mix.audio, mix.tracks)]

    mixer = Mixer.from_pretrained("small", device="cpu")
    song, ordinary = mixed()
    monkeypatch.setattr(large, "LARGE_BYTES", 0)
    monkeypatch.setenv(large.FOLDER_VARIABLE, str(tmp_path))
    same, in_files = mixed()
    assert torch.equal(song.audio, same.audio)
    assert all(torch.equal(one, other) for one, other in zip(ordinary, in_files, strict=True))
