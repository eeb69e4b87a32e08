"""The study of the sampler: every way is measured once, and the fewest sufficient evaluations are found."""

from megami.evaluation.rows import Row
from megami.evaluation.sampler_study import DISTANCE, EVALUATIONS, fewest_evaluations, studied, way_name
from megami.evaluation.systems import Sampling


def test_every_way_has_a_name_of_its_own_and_heun_pays_twice():
    ways = studied()
    assert len({way_name(*way) for way in ways}) == len(ways)
    assert all(0 <= calls - (2 * way.steps - 1) <= 1 for way, calls in ways if way.solver == "heun")
    assert all(way.steps == calls for way, calls in ways if way.solver != "heun")


def test_the_fewest_evaluations_lie_in_the_interval_of_the_most():
    rows = []
    for calls in EVALUATIONS:
        value = 100 / calls  # 1 at 100 calls
        rows.append(Row(way_name(Sampling(0, 0.0, 1.0, "euler"), calls), DISTANCE, value, value - 4, value + 4, 9))
    assert fewest_evaluations(rows, "euler", 0.0) == 25
