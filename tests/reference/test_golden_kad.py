"""Parity of the kernel distance, for all kernels, bandwidths and the form by class."""

from __future__ import annotations

import pytest
from run_names import names, settings

from megami.evaluation import kernel_distance, median_bandwidth
from megami.evaluation.measures.distances import kad_by_role_row

RELATIVE = 1e-4
KERNELS = ("gaussian", "iq", "imq")
SWAPPED = "out.kad_swapped_same_bandwidth"


@pytest.fixture(scope="module")
def case(golden):
    return golden("kad")


@pytest.fixture(scope="module")
def sets(case):
    return case[1]["in.reference"], case[1]["in.generated"]


def test_bandwidth(case, sets):
    assert median_bandwidth(sets[0]) == pytest.approx(case[1]["out.bandwidth"].item(), rel=RELATIVE)


def test_every_kernel_and_bandwidth(case, sets):
    words, tensors = case
    for name in names(words, "out.kad_"):
        if name != SWAPPED:
            run = settings(name, "out.kad_", (*KERNELS, "bandwidth"))
            (kernel,) = (kernel for kernel in KERNELS if kernel in run)
            ours = kernel_distance(*sets, kernel=kernel, bandwidth=run.get("bandwidth"))
            assert ours == pytest.approx(tensors[name].item(), rel=RELATIVE), name


def test_float64(case, sets):
    bandwidth = case[0]["case"]["bandwidth"]
    assert kernel_distance(*sets, bandwidth=bandwidth) == pytest.approx(case[0]["case"]["kad_float64"], rel=RELATIVE)


def test_swapped_sets_with_the_same_bandwidth(case, sets):
    wanted = case[1][SWAPPED].item()
    ours = kernel_distance(sets[1], sets[0], bandwidth=median_bandwidth(sets[0]))
    assert ours == pytest.approx(wanted, rel=RELATIVE)


def test_by_class(case, sets):
    reference, generated = (list(case[1][f"in.multitrack_{side}"]) for side in ("reference", "generated"))
    classes = list(case[1]["in.multitrack_class"])
    bandwidth = median_bandwidth(sets[0])
    row = kad_by_role_row("system", "kad", reference, generated, classes, (1, 1), bandwidth)
    assert row.value == pytest.approx(case[1]["out.multitrack_kad"].item(), rel=RELATIVE)
