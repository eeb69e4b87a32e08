"""WAVs that say whole numbers and hold floats: Cool Edit's and old Audition's 16.8 format."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from odd_files import RATE, read_and_warned, tone, write

from megami.audio import read_audio
from megami.errors import UserError


def float_wav(samples: np.ndarray, bits: int, block: int = 4) -> bytes:
    """Floats in a WAV whose format is PCM."""
    data = samples.astype("<f4").tobytes()
    fmt = struct.pack("<HHIIHH", 1, 1, RATE, block * RATE, block, bits)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + fmt
    return head + b"data" + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize("bits", [24, 32])
@pytest.mark.parametrize("scale", [32768.0, 1.0])
def test_floats_that_are_called_whole_numbers_are_refused_with_the_reason(tmp_path, bits, scale):
    (tmp_path / "old.wav").write_bytes(float_wav(scale * tone(), bits))
    with pytest.raises(UserError, match=r"old\.wav: .*16\.8.*export") as caught:
        read_audio(tmp_path / "old.wav")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("subtype", ["PCM_32", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("gain", [1.0, 1e-3, 1e-6])
def test_true_files_are_read(tmp_path, subtype, gain):
    write(tmp_path / "new.wav", gain * tone(), subtype=subtype)
    assert read_and_warned(tmp_path)[1] == []
    write(tmp_path / "noise.wav", gain * np.random.default_rng(0).uniform(-1, 1, RATE), subtype=subtype)
    assert read_and_warned(tmp_path)[0].num_tracks == 2


def test_silence_in_32_bits_is_silence(tmp_path):
    write(tmp_path / "silence.wav", np.zeros(RATE), subtype="PCM_32")
    assert not read_and_warned(tmp_path)[0].audio.any()


def test_floats_of_another_scale_are_named(tmp_path):
    write(tmp_path / "large.wav", 32768 * tone(), subtype="FLOAT")
    song, lines = read_and_warned(tmp_path)
    assert float(song.audio.abs().max()) > 1000
    assert len(lines) == 1 and lines[0].startswith("large.wav: ") and "full scale" in lines[0]
