"""`megami data check` as a user calls it."""

from __future__ import annotations

import pytest

from megami.cli.main import main
from megami.corpus.recordings import LAYOUTS
from megami.corpus.recordings.known_sets import HEADINGS, KNOWN_SETS
from megami.corpus.recordings.manifest import read_manifest
from megami.corpus.recordings.mirdata_sets import PREFIX, READERS
from megami.corpus.recordings.pretend import write_pretend_medleydb


def run(*arguments) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_a_check_prints_a_table_and_names_what_is_odd(tmp_path, capfd):
    root = write_pretend_medleydb(tmp_path / "MedleyDB (é)", songs=3, seconds=1.0)
    mix = min(root.glob("Audio/*/*_MIX.wav"))
    mix.write_bytes(mix.read_bytes()[:-1000])
    manifest = tmp_path / "rows.csv"
    assert run("data", "check", root, "--manifest", manifest) == 0
    printed = capfd.readouterr().out
    assert printed.startswith("medleydb: 3 songs\n")
    table = {line[:15].strip(): line[15:].split() for line in printed.splitlines()[2:10]}
    assert table["songs"] == ["3", "2", "0", "1"] and table["wet tracks"] == ["15", "10", "0", "5"]
    assert table["dry tracks"] == ["18", "12", "0", "6"] and table["left out"] == ["1", "1", "0", "0"]
    assert "is cut off (1):" in printed and mix.name in printed and "left out: 1 file and 0 whole songs" in printed
    assert len(read_manifest(manifest)) == 36


def test_what_is_no_data_set_ends_in_one_line(tmp_path, capfd):
    assert run("data", "check", tmp_path) == 2
    assert run("data", "check", tmp_path / "nowhere") == 2
    assert run("data", "check", tmp_path, "--layout", "tape") == 2
    assert run("data", "check", tmp_path, "--workers", "0") == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 4 and all(line.startswith("megami: ") for line in lines)


def test_the_list_has_every_data_set_and_layouts_that_exist(capfd):
    assert run("data", "list") == 0
    printed = capfd.readouterr().out
    rows = [line.split(" | ") for line in printed.splitlines() if line.startswith("| ")]
    assert all(len(row) == len(HEADINGS) for row in rows) and len(rows) == len(KNOWN_SETS) + 2
    known = {layout.name for layout in LAYOUTS} | {PREFIX + name for name in READERS}
    assert {known_set.layout for known_set in KNOWN_SETS} - {""} <= known
    assert {"medleydb", "moisesdb", "musdb"} <= {known_set.layout for known_set in KNOWN_SETS}
