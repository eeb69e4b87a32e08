"""The study of the sampler: every way is measured once, and the fewest sufficient evaluations are found."""

import pytest

from megami.evaluation.results import Row
from megami.evaluation.sampler_study import EVALUATIONS, LAG, fewest_evaluations, name_of, studied, way_name


def test_every_way_has_a_name_of_its_own_and_heun_pays_twice():
    ways = studied()
    assert len({name_of(*way) for way in ways}) == len(ways)
    assert all(0 <= calls - (2 * way.steps - 1) <= 1 for way, calls in ways if way.solver == "heun")
    assert all(way.steps == calls for way, calls in ways if way.solver != "heun")


@pytest.mark.parametrize("surely_worse, fewest", [((), 4), ((4, 8, 12), 16), ((4, 25), 50), ((8,), 12)])
def test_the_fewest_evaluations_are_not_surely_worse_than_the_most_and_nor_are_more(surely_worse, fewest):
    rows = [
        Row(way_name("euler", 0.0, 1.0, n), LAG, 0.1, 0.05 if n in surely_worse else -0.05, 0.2, 9) for n in EVALUATIONS
    ]
    assert fewest_evaluations(rows, "euler", 0.0) == fewest
