"""Results as rows: one measured number each, with its confidence interval over songs, or its range over mixes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from megami.errors import UserError
from megami.presets.weight_files import write_atomically

DRAWS = 1000
CONFIDENCE = 0.95


Kind = Literal["interval", "range"]


@dataclass(frozen=True)
class Row:
    """`value` of `metric` for `system`, and the number `n` of items that it is about.

    kind "interval": the value is a mean or a distance over the items, `low` and `high` the ends of its 95 % interval.
    kind "range": the value is the median of the items, and the middle 90 % of them lie from `low` to `high`.
    """

    system: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    kind: Kind = "interval"


def song_weights(songs: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each song is drawn in each bootstrap sample of as many songs: [draws, songs]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(songs, np.full(songs, 1 / songs), size=draws).astype(np.float64)


def interval(samples: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Percentiles that hold CONFIDENCE of bootstrap samples."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(np.asarray(samples, dtype=np.float64), [tail, 100 - tail])
    return float(low), float(high)


def statistic_row(
    system: str, metric: str, songs: int, statistic: Callable[[np.ndarray], float], n: int, draws: int = DRAWS
) -> Row:
    """Row of any statistic of weighted songs: its value at weights of one, its interval by the bootstrap.

    A distance is not linear in the weights: with some songs drawn twice its mean moves. The draws are therefore shifted
    so that their mean is the value (the bias that the bootstrap estimates; Efron and Tibshirani 1993, chapter 10).
    """
    value = statistic(np.ones(songs))
    samples = np.array([statistic(weights) for weights in song_weights(songs, draws)])
    low, high = interval(samples + value - np.nanmean(samples))
    return Row(system, metric, float(value), low, high, n)


def mean_row(system: str, metric: str, per_song: Sequence[float] | np.ndarray, n: int | None = None) -> Row:
    """Row of the mean over songs (or crops, or chains); songs without a value (NaN) are left out."""
    values = np.asarray(per_song, dtype=np.float64)
    values = values[~np.isnan(values)]
    means = song_weights(len(values)) @ values / len(values)
    return Row(system, metric, float(values.mean()), *interval(means), n or len(values))


def range_row(system: str, metric: str, values: np.ndarray) -> Row:
    """Row of the median of values and the range that holds the middle 90 % of them: how much they vary."""
    low, median, high = (float(value) for value in np.percentile(values, [5, 50, 95]))
    return Row(system, metric, median, low, high, len(values), "range")


def write_results(path: Path, rows: Sequence[Row], made_by: dict[str, Any]) -> None:
    """Write the rows and how they were made, whole or not at all; a row without a kind is an interval.

    Raises UserError if the file cannot be written, ValueError for a number that is not finite: none is a result.
    """
    lines = ",\n".join(f"  {json.dumps(_to_dict(kept(row)), allow_nan=False)}" for row in rows)
    text = f'{{"made_by": {json.dumps(made_by, indent=1)},\n"rows": [\n{lines}\n]}}\n'
    write_atomically(path, text.encode("utf-8"))


def read_results(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Read a file of `write_results`: (rows, made_by). Raises UserError if it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [_from_dict(row) for row in content["rows"]], content["made_by"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} is not a results file: write one with megami evaluate --out {path}") from None


def _to_dict(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if (name, value) != ("kind", "interval")}


def _from_dict(row: dict[str, Any]) -> Row:
    # Older files do not say which rows are ranges: those of all mixes of a system, and of the levels of its tracks.
    of_mixes = row["metric"].startswith("mix_") and not row["system"].startswith("engineer ")
    return Row(**{"kind": "range" if of_mixes or row["metric"] == "track_level_db" else "interval", **row})


def kept(row: Row) -> Row:
    """A row as a results file keeps it, with six significant digits: more would differ between machines."""
    value, low, high = (float(f"{number:.6g}") for number in (row.value, row.low, row.high))
    return replace(row, value=value, low=low, high=high)
