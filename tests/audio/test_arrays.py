"""Audio given as arrays: whole numbers are scaled or refused, and shapes that are turned round get a hint."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from odd_files import read_and_warned, tone, write

from megami.audio import Multitrack, read_audio, read_multitrack
from megami.errors import UserError

WAVE = tone(0.1)


@pytest.mark.parametrize(
    ("array", "tolerance"),
    [
        ((WAVE * 2**15).astype(np.int16), 1e-4),
        ((WAVE.astype(np.float64) * 2**31).astype(np.int32), 1e-6),
        (((WAVE * 2**23).astype(np.int32) << 8), 1e-6),
        ((WAVE * 128 + 128).astype(np.uint8), 1e-2),
        (torch.from_numpy((WAVE * 2**15).astype(np.int16)), 1e-4),
        (WAVE.astype(np.float64), 1e-6),
    ],
)
def test_arrays_as_wav_files_hold_them_have_full_scale_1(array, tolerance):
    song = read_multitrack({"a": array})
    assert song.audio.dtype == torch.float32 and np.abs(song.audio[0, 0].numpy() - WAVE).max() < tolerance
    stacked = Multitrack(("a",), array[None, None], 44100)
    assert torch.equal(stacked.audio, song.audio)


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint16, np.complex64, np.bool_, object, str])
def test_other_kinds_are_refused_by_name(kind):
    array = np.zeros(100).astype(kind)
    for read in (lambda: read_multitrack({"voice": array}), lambda: Multitrack(("voice",), array[None, None], 44100)):
        with pytest.raises(UserError, match=r"voice|multitrack audio") as caught:
            read()
        assert "\n" not in str(caught.value)


def test_shapes_that_are_turned_round_get_a_hint():
    for channels in (1, 2):
        with pytest.raises(UserError, match=r"'voice'.*transpose"):
            read_multitrack({"voice": np.zeros((4410, channels))})
        with pytest.raises(UserError, match="swap the last two dimensions"):
            Multitrack(("voice",), np.zeros((1, 4410, channels)), 44100)
    with pytest.raises(UserError, match="only mono and stereo") as caught:
        read_multitrack({"voice": np.zeros((6, 4410))})
    assert "transpose" not in str(caught.value)


def test_floats_over_full_scale_stay_as_they_are(tmp_path):
    path = write(tmp_path / "hot.wav", 20 * tone(0.1), subtype="FLOAT")
    assert float(read_audio(path)[0].abs().max()) == pytest.approx(4.0, rel=1e-3)
    song, lines = read_and_warned({"hot": 20 * tone(0.1)})
    assert float(song.audio.abs().max()) == pytest.approx(4.0, rel=1e-3) and lines == []
