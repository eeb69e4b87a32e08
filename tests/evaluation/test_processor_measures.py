"""Rows of the processors, on scores whose means are known."""

import math

import numpy as np
import pytest
import torch

from megami.corpus.space import NAMES, space_of
from megami.effects import Delay, EffectChain, Reverb
from megami.evaluation.measures.decay import Echo, Tail
from megami.evaluation.processors import Scores, compare_tails, median_row, score_rows

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


REVERB = space_of(EffectChain((Reverb(),)))
ECHO = space_of(EffectChain((Delay(time_ms=300.0),)))
NO_DECAY = np.full(7, np.nan)


def tail(decay=NO_DECAY, ratio_db=40.0, echo=None):
    return Tail(np.asarray(decay), ratio_db, echo)


def errors_of(own, target, space):
    return compare_tails([own], [target], torch.tensor([space]))


def test_decay_is_compared_octave_by_octave_and_none_is_wholly_wrong():
    decays = np.array([1.0, 1.0, 1.0, 0.8, 0.6, 0.4, np.nan])
    errors = errors_of(tail(1.3 * decays, 5.0), tail(decays, 2.0), REVERB)
    assert errors.decay == pytest.approx(0.3) and errors.direct_db == pytest.approx(3)
    assert np.isnan(errors.found) and errors.made_up == 0
    nothing = errors_of(tail(), tail(decays, 2.0), REVERB)
    assert nothing.decay == 1 and nothing.direct_db == pytest.approx(38)


@pytest.mark.parametrize(
    "echo, found",
    [
        (Echo(309.0, -12.0), 1),
        (Echo(311.0, -12.0), 0),
        (Echo(300.0, -14.9), 1),
        (Echo(300.0, -15.2), 0),
        (None, 0),
    ],
)
def test_an_echo_counts_within_10_ms_and_3_db(echo, found):
    errors = errors_of(tail(echo=echo), tail(echo=Echo(300.0, -12.0)), ECHO)
    assert errors.found == found and np.isnan(errors.decay) and np.isnan(errors.made_up)


def test_what_cannot_be_heard_in_the_target_is_not_asked_for():
    assert np.isnan(errors_of(tail(), tail(echo=None), ECHO).found)
    assert np.isnan(errors_of(tail(), tail(echo=Echo(150.0, -12.0)), ECHO).found)  # some other peak
    assert errors_of(tail(echo=Echo(150.0, -12.0)), tail(), REVERB).made_up == 1


def test_the_numbers_of_a_chain_are_those_of_its_effects():
    chain = EffectChain((Delay(250.0, 0.4, 0.5, 1), Reverb(decay_s=2.0, damping_hz=3000.0, wet=0.5)))
    values = dict(zip(NAMES, space_of(chain), strict=True))
    assert values["reverb"] == values["echo"] == values["ping_pong"] == 1
    assert math.exp(values["log_decay"]) == pytest.approx(2) and math.exp(values["log_echo_time"]) == pytest.approx(
        0.25
    )
    assert values["reverb_level_db"] == pytest.approx(0) and values["echo_level_db"] == pytest.approx(-6.02, abs=0.01)
    assert not any(space_of(EffectChain()))


def test_the_median_leaves_out_crops_without_a_value():
    row = median_row("processor", "decay_error", np.array([0.1, np.nan, 0.3, 0.2]))
    assert row.value == 0.2 and row.n == 3 and row.low <= row.value <= row.high
