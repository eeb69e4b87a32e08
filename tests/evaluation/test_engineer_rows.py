"""What the engineers' mixes measure: the right mixes, the right numbers, songs weighing alike."""

import numpy as np
import pytest

from megami.evaluation.engineers import engineer_rows
from megami.evaluation.measures.descriptors import NAMES
from megami.evaluation.measures.style_coverage import Heard
from megami.evaluation.tables import TABLES, markdown_table
from megami.studio import ENGINEERS

WIDE, NARROW = ENGINEERS[0].name, ENGINEERS[1].name
D = len(NAMES)


def song(widths, ranges, leads):
    mixes = np.zeros((len(widths), D))
    mixes[:, NAMES.index("width_mid_db")] = widths
    tracks = np.zeros((len(widths), 3, D))
    tracks[..., NAMES.index("range_db")] = np.array(ranges)[:, None]
    return Heard(tracks, mixes, np.array(leads, dtype=float))


def test_means_over_songs_of_every_engineer():
    songs = [song([-3, -9, -5], [20, 30, 22], [1, 2, 3]), song([-2, -10], [24, 28], [5, 6])]
    rows = engineer_rows(songs, [np.array([WIDE, NARROW, WIDE]), np.array([WIDE, NARROW])])
    value = {(row.system, row.metric): row for row in rows}
    assert value[f"engineer {WIDE}", "mix_width_mid_db"].value == pytest.approx((-4 - 2) / 2)
    assert value[f"engineer {NARROW}", "mix_width_mid_db"].value == pytest.approx((-9 - 10) / 2)
    assert value[f"engineer {WIDE}", "track_range_db"].value == pytest.approx((21 + 24) / 2)
    lead = value[f"engineer {WIDE}", "lead_over_rest_db"]
    assert lead.value == pytest.approx((2 + 5) / 2) and lead.n == 3
    assert lead.low == pytest.approx(2) and lead.high == pytest.approx(5)


def test_the_table_shows_them():
    table = next(table for table in TABLES if table.title == "The engineers")
    rows = engineer_rows([song([-3, -9], [20, 30], [1, 2])], [np.array([WIDE, NARROW])])
    lines = markdown_table(rows, table).splitlines()[4:]
    assert len(lines) == 2 and lines[0].startswith(f"| {WIDE}") and "-3.00" in lines[0]
    assert all(" |  |" not in line for line in lines)
