"""Random weights stand in for the published ones, and never replace them."""

from __future__ import annotations

import importlib.util

import pytest

from megami.errors import UserError
from megami.published.addresses import PAPER_FILES


@pytest.mark.parametrize("file", PAPER_FILES, ids=lambda file: file.name)
def test_published_files_are_never_replaced_by_random_ones(tmp_path, file):
    for package in ("laion_clap", "fxencoder_plusplus"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    from write_random_paper_weights import write_random_weights

    path = file.inside(tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"downloaded for an hour")
    with pytest.raises(UserError, match="is there already"):
        write_random_weights(tmp_path)
    assert path.read_bytes() == b"downloaded for an hour" and [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
