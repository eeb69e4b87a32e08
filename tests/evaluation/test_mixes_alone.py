"""What stereo mixes alone tell: the same rows for anybody, and nothing that depends on tracks."""

from __future__ import annotations

import numpy as np
import pytest

from megami.evaluation.measures.descriptors import NAMES
from megami.evaluation.measures.style_coverage import Heard
from megami.evaluation.mixes_alone import Yardstick, heard_alone, mix_rows

SONGS, MIXES = 4, 10
STYLES = np.array(["a", "b"] * (MIXES // 2))


def heard(seed: int, tracks: int = 3) -> list[Heard]:
    """Mixes of two engineers, far apart, of every song."""
    rng = np.random.default_rng(seed)
    of_style = np.where(STYLES == "a", -3.0, 3.0)[:, None]
    return [
        Heard(
            rng.normal(size=(MIXES, tracks, len(NAMES))),
            of_style + 0.3 * rng.normal(size=(MIXES, len(NAMES))),
            np.zeros(MIXES),
        )
        for _ in range(SONGS)
    ]


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    return Yardstick.of(heard(0), heard(1), [STYLES] * SONGS, [STYLES] * SONGS)


def values(system: list[Heard], yardstick: Yardstick, count: int = MIXES) -> dict[str, float]:
    return {row.metric: row.value for row in mix_rows("a", system, yardstick, count)}


def test_the_engineers_own_mixes_are_near_and_reach_everybody(yardstick):
    found = values(heard(2), yardstick)
    assert abs(found["kad_mix"]) < 2 and found["coverage_of_mix"] == 1 and found["precision_of_mix"] > 0.7


def test_tracks_have_no_say(yardstick):
    mixes = heard(2)
    rng = np.random.default_rng(5)
    others = [Heard(rng.normal(size=(MIXES, 7, len(NAMES))), song.mixes, np.ones(MIXES)) for song in mixes]
    alone = [heard_alone(song.mixes) for song in mixes]
    assert values(mixes, yardstick) == values(others, yardstick) == values(alone, yardstick)


def test_one_engineers_mixes_are_precise_and_cover_half(yardstick):
    half = [song.take(np.flatnonzero(STYLES == "a")) for song in heard(2)]
    found = values(half, yardstick)
    assert found["coverage_of_mix"] == 0.5 and found["precision_of_mix"] > 0.7
    middle = [heard_alone(np.zeros((3, len(NAMES)))) for _ in range(SONGS)]
    lost = values(middle, yardstick)
    assert lost["coverage_of_mix"] == lost["precision_of_mix"] == 0
    assert min(lost["kad_mix"], found["kad_mix"]) > 2


def test_a_system_that_lacks_songs_is_held_against_those_that_it_has(yardstick):
    some = [1, 3]
    mine = heard(2)
    found = values([mine[s] for s in some], yardstick.on(some))
    assert found["coverage_of_mix"] == 1
    rows = mix_rows("a", [mine[s] for s in some], yardstick.on(some), 5)
    assert next(row.n for row in rows if row.metric == "kad_mix") == 5 * len(some)
    assert yardstick.on(some).radius == yardstick.radius
