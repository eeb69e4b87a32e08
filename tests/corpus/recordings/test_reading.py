"""A part of a track is the same part of the whole track, at any rate and in any format."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from megami.corpus.recordings import TrackFile, read_track
from megami.errors import UserError


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (48_000, 2))
    soundfile.write(folder / "stereo.wav", samples, 48_000, subtype="FLOAT")
    soundfile.write(folder / "mono.flac", samples[:, 0], 22_050, subtype="PCM_24")
    soundfile.write(folder / "lossy.ogg", samples, 44_100)
    soundfile.write(folder / "three.wav", np.zeros((100, 3)), 44_100)
    return folder


@pytest.mark.parametrize("name", ["stereo.wav", "mono.flac", "lossy.ogg"])
@pytest.mark.parametrize("rate", [44_100, 48_000, 22_050])
@pytest.mark.parametrize(("start_s", "seconds"), [(0.0, 0.1), (0.31234, 0.2), (0.9, 0.05)])
def test_a_part_equals_that_part_of_the_whole(noise, name, rate, start_s, seconds):
    track = TrackFile(noise / name, "noise", "")
    whole, part = read_track(track, sample_rate=rate), read_track(track, start_s, seconds, rate)
    first = round(start_s * rate)
    assert part.shape == (whole.shape[0], round(seconds * rate))
    assert torch.allclose(part, whole[:, first : first + part.shape[1]], atol=1e-5)


def test_past_the_end_is_silence(noise):
    track = TrackFile(noise / "stereo.wav", "noise", "")
    part = read_track(track, 0.5, 1.0, 48_000)
    assert part.shape == (2, 48_000)
    assert part[:, :24_000].abs().min() >= 0 and part[:, 23_999].abs().max() > 0
    assert torch.all(part[:, 24_000:] == 0)
    assert torch.all(read_track(track, 5.0, 0.5) == 0) and read_track(track, 5.0, 0.5).shape == (2, 22_050)
    assert read_track(noise / "mono.flac", 0.0, 0.0).shape == (1, 0)


def test_what_cannot_be_read_is_named(noise, tmp_path):
    with pytest.raises(UserError, match=r"three\.wav: has 3 channels"):
        read_track(noise / "three.wav")
    with pytest.raises(UserError, match="must be 0 s or more"):
        read_track(noise / "stereo.wav", -1.0)
    (tmp_path / "words.wav").write_text("no audio")
    for seconds in (None, 1.0):
        with pytest.raises(UserError, match=r"words\.wav: cannot be read as audio"):
            read_track(tmp_path / "words.wav", seconds=seconds)
        with pytest.raises(UserError, match=r"gone\.wav: no such file"):
            read_track(tmp_path / "gone.wav", seconds=seconds)
