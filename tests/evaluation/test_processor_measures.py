"""Rows of the processors, on scores whose means are known."""

import numpy as np
import pytest

from megami.evaluation.processors import Scores, score_rows

KINDS = np.array(["identity", "drive", "drive"])


def scores(*spectral: float) -> Scores:
    return Scores(np.array(spectral), np.ones(3), np.array([1.0, np.nan, 3.0]), np.ones(3))


def test_means_over_all_crops_and_over_kinds():
    rows = score_rows({"dry_track": scores(1.0, 2.0, 5.0), "processor": scores(0.0, 1.0, 3.0)}, KINDS)
    value = {(row.system, row.metric): row.value for row in rows}
    assert value["processor", "spectral_error"] == pytest.approx(4 / 3)
    assert value["processor", "spectral_error_drive"] == 2 and value["processor", "spectral_error_identity"] == 0
    assert value["processor", "side_error_db"] == 2
    assert value["processor", "error_ratio"] == 0.5
    assert ("dry_track", "error_ratio") not in value
