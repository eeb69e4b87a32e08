"""Level normalisation against the golden file `rms`."""

from __future__ import annotations

import pytest
import torch
from run_names import names, piece, settings

from megami.audio import framed_level_db, normalise_level

AFTER = "_log_rms_max_after"


@pytest.mark.parametrize("channels", ["mono", "stereo"])
def test_framed_level(golden, channels):
    words, tensors = golden("rms")
    level = framed_level_db(tensors[f"in.{channels}"], words["case"]["sample_rate"])
    torch.testing.assert_close(level, tensors[f"out.{channels}_log_rms_max"], atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("channels", ["mono", "stereo"])
def test_normalised_audio_and_its_level(golden, channels):
    words, tensors = golden("rms")
    rate, prefix, compared = words["case"]["sample_rate"], f"out.{channels}_target", set()
    for name in names(words, prefix):
        run = settings(name.removesuffix(AFTER), f"out.{channels}_", ("target", "gate"))
        audio = normalise_level(tensors[f"in.{channels}"], run["target"], bool(run["gate"]), rate)
        if name.endswith(AFTER):
            torch.testing.assert_close(framed_level_db(audio, rate), tensors[name], atol=1e-3, rtol=0.0)
        else:
            torch.testing.assert_close(audio[..., piece(name)], tensors[name], atol=1e-5, rtol=0.0)
        compared.add((run["target"], bool(run["gate"])))
    assert compared == {(float(case["target_dB"]), case["use_gate"]) for case in words["case"]["cases"]}
