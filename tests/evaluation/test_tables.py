"""Tables of results, as a person reads them."""

import pytest

from megami.evaluation.results import Row
from megami.evaluation.tables import TABLES, format_value, markdown_table


@pytest.mark.parametrize(
    "value,text",
    [
        (0.0, "0.000"),
        (0.0421, "0.042"),
        (0.99996, "1.00"),
        (1.0, "1.00"),
        (9.996, "10.0"),
        (-12.34, "-12.3"),
        (99.96, "100"),
    ],
)
def test_three_digits_whatever_side_of_a_power_of_ten(value, text):
    assert format_value(value) == text


def test_a_line_per_system_that_was_measured_and_empty_cells_for_what_was_not():
    rows = [Row("megami", "kad_mix", 2.0, 1.0, 3.0, 9), Row("raw_sum", "coverage", 0.0, 0.0, 0.5, 9)]
    lines = markdown_table(rows, TABLES[0]).splitlines()
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| **MEGAMI**", "| raw sum"]
    assert "2.00 (1.00–3.00)" in lines[4] and lines[5].count("|") == lines[4].count("|")
