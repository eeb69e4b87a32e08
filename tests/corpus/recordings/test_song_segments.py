"""What the generator's training sets are: active tracks, grouped by class, no more than fourteen, at one level."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from megami.corpus.recordings.segments import (
    SegmentSettings,
    TrackSet,
    as_stereo,
    drop_inactive,
    group_by_class,
    limit_tracks,
    prepare_segment,
)

RATE = 44100


def noise(tracks: int, seconds: float = 1.0, level: float = 0.1, seed: int = 0) -> torch.Tensor:
    """White noise [tracks, 2, n] with this root mean square."""
    return level * torch.randn(tracks, 2, int(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def loudest_db(audio: np.ndarray) -> float:
    """Level of the loudest 400 ms of [2, n], every 100 ms, both channels together: by its definition."""
    frame, hop = int(0.4 * RATE), int(0.1 * RATE)
    powers = [np.mean(audio[:, s : s + frame] ** 2) for s in range(0, audio.shape[1] - frame + 1, hop)]
    return 10 * np.log10(max(powers))


@pytest.mark.parametrize("seed", range(4))
def test_the_sum_without_flips_has_its_level_and_every_track_the_same_gain(seed):
    audio = noise(5) * torch.tensor([1.0, 0.2, 0.5, 2.0, 0.1])[:, None, None]
    audio[:, :, : RATE // 2] *= 0.3  # so that the loudest part matters
    settings = SegmentSettings(grouping=0.0)
    found = prepare_segment(audio, torch.arange(5), settings, np.random.default_rng(seed))
    assert found is not None and sorted(found.classes.tolist()) == list(range(5))
    heard = audio[found.classes]
    gains = ((found.audio * heard).sum(dim=(1, 2)) / heard.square().sum(dim=(1, 2))).tolist()
    assert np.allclose(np.abs(gains), abs(gains[0]), rtol=1e-4)
    total = (audio.sum(dim=0) * abs(gains[0])).double().numpy()
    assert abs(loudest_db(total) - settings.sum_level_db) < 1e-3


def test_polarity_and_order_are_left_to_chance():
    audio = noise(3)
    draws = [prepare_segment(audio, torch.arange(3), SegmentSettings(), np.random.default_rng(s)) for s in range(40)]
    whole = [found for found in draws if found is not None and len(found) == 3]
    signs = {float(torch.sign((f.audio[0] * audio[f.classes[0]]).sum())) for f in whole}
    assert signs == {-1.0, 1.0} and len({tuple(f.classes.tolist()) for f in whole}) > 3
    upright = prepare_segment(audio, torch.arange(3), SegmentSettings(random_polarity=False), np.random.default_rng(0))
    assert upright is not None
    assert all(float((t * audio[c]).sum()) > 0 for t, c in zip(upright.audio, upright.classes, strict=True))


def test_tracks_at_or_below_the_threshold_are_dropped_and_wide_ones_are_not():
    levels_db = torch.tensor([-49.0, -51.0, -40.0])
    audio = noise(3, level=1.0)
    audio *= (10 ** (levels_db / 20) / audio.square().mean(dim=(1, 2)).sqrt())[:, None, None]
    audio[2, 1] = -audio[2, 0]  # nothing but side
    tracks = TrackSet(audio, torch.arange(3))
    assert drop_inactive(tracks, SegmentSettings()).classes.tolist() == [0, 2]
    assert 2 not in drop_inactive(tracks, SegmentSettings(mono_filter=True)).classes.tolist()
    rng = np.random.default_rng(0)
    assert prepare_segment(torch.zeros(2, 2, RATE), torch.arange(2), SegmentSettings(), rng) is None


def test_tracks_that_cancel_altogether_make_no_set():
    audio = noise(1)
    cancelling = torch.cat([audio, -audio])
    settings = SegmentSettings(grouping=0.0)
    assert prepare_segment(cancelling, torch.arange(2), settings, np.random.default_rng(0)) is None


def test_grouping_keeps_the_sum_of_every_class_and_cuts_it_evenly():
    audio, classes = noise(7, 0.005), torch.tensor([3, 1, 3, 3, 1, 8, 3])
    sizes = []
    for seed in range(300):
        found = group_by_class(TrackSet(audio, classes), np.random.default_rng(seed))
        for number in (1, 3, 8):
            wanted = audio[classes == number].sum(dim=0)
            torch.testing.assert_close(found.audio[found.classes == number].sum(dim=0), wanted, atol=1e-5, rtol=0)
        sizes.append([int((found.classes == number).sum()) for number in (1, 3, 8)])
    counts = np.array(sizes)
    assert set(counts[:, 2]) == {1} and set(counts[:, 0]) == {1, 2} and set(counts[:, 1]) == {1, 2, 3, 4}
    # Two tracks: the first subset has one or two of them with equal chance. Of four: all in one, every fourth time.
    assert abs(np.mean(counts[:, 0] == 1) - 0.5) < 0.12 and abs(np.mean(counts[:, 1] == 1) - 0.25) < 0.1


@pytest.mark.parametrize("classes", [[0] * 40, list(range(20)), [0, 1, 2] * 10, [0] * 5 + list(range(1, 14))])
def test_there_are_never_more_than_fourteen_tracks_and_nothing_is_lost(classes):
    audio = noise(len(classes), 0.01)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        found = limit_tracks(TrackSet(audio, torch.tensor(classes)), SegmentSettings(), rng)
        assert 1 <= len(found) <= 14
        torch.testing.assert_close(found.audio.sum(dim=0), audio.sum(dim=0), atol=1e-4, rtol=0)
        assert set(found.classes.tolist()) <= set(classes)
    several = limit_tracks(TrackSet(audio, torch.tensor(classes)), SegmentSettings(regroupings=0), rng)
    assert len(several) == 14  # two at a time: no further than needed


def test_fourteen_tracks_are_left_alone():
    tracks = TrackSet(noise(14, 0.05), torch.zeros(14, dtype=torch.int64))
    assert limit_tracks(tracks, SegmentSettings(), np.random.default_rng(0)) is tracks


def test_short_mono_audio_is_repeated_on_both_channels():
    track = torch.tensor([[1.0, 2.0, 3.0]])
    assert as_stereo(track, 7).tolist() == [[1, 2, 3, 1, 2, 3, 1]] * 2
