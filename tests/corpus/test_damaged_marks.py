"""A cache whose note of its settings is damaged is refused in one line that names the file."""

from __future__ import annotations

import pytest

from megami.corpus.songs import MARK_FILE, SYNTHESISERS_FILE, CorpusConfig, claim_cache, claim_synthesisers
from megami.errors import UserError

CLAIMS = {
    MARK_FILE: lambda folder: claim_cache(folder, CorpusConfig()),
    SYNTHESISERS_FILE: lambda folder: claim_synthesisers(folder, {"flite": "2.2"}),
}


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[1, 2]", b"7", b"null", b"[" * 100_000, b'{"seed": ', b'"text"']
)
def test_damaged_notes_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        CLAIMS[name](tmp_path)
    words = str(caught.value)
    assert words.startswith(f"{tmp_path / name}: ") and "another folder" in words and len(words.splitlines()) == 1
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("name", CLAIMS)
def test_a_note_that_is_a_folder_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        CLAIMS[name](tmp_path)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_whole_note_is_accepted(tmp_path, name):
    CLAIMS[name](tmp_path)
    CLAIMS[name](tmp_path)
