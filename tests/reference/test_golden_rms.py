"""Level normalisation against the golden file `rms`."""

from __future__ import annotations

import pytest
import torch

from megami.audio import framed_level_db, normalise_level

PIECES = {"first_2048_samples": slice(0, 2048), "samples_24000_26048": slice(24000, 26048)}


@pytest.mark.parametrize("channels", ["mono", "stereo"])
def test_framed_level(golden, channels):
    words, tensors = golden("rms")
    level = framed_level_db(tensors[f"in.{channels}"], words["case"]["sample_rate"])
    torch.testing.assert_close(level, tensors[f"out.{channels}_log_rms_max"], atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("channels", ["mono", "stereo"])
def test_normalised_audio_and_its_level(golden, channels):
    words, tensors = golden("rms")
    rate, compared = words["case"]["sample_rate"], 0
    for case in words["case"]["cases"]:
        gate, target_db = case["use_gate"], case["target_dB"]
        stem = f"out.{channels}_target{target_db:g}_gate{int(gate)}"
        if not any(key.startswith(stem) for key in tensors):
            continue
        audio = normalise_level(tensors[f"in.{channels}"], target_db, gate, rate)
        for name, piece in PIECES.items():
            torch.testing.assert_close(audio[..., piece], tensors[f"{stem}_{name}"], atol=1e-5, rtol=0.0)
        level = framed_level_db(audio, rate)
        torch.testing.assert_close(level, tensors[f"{stem}_log_rms_max_after"], atol=1e-3, rtol=0.0)
        compared += 1
    assert compared > 0
