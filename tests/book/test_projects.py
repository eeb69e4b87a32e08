"""The starting code of the projects runs as it stands, one idea after another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
SNIPPETS = re.findall(
    r"^## (\d+\. [^\n]+)$.*?^```python\n(.*?)^```$", (BOOK / "projects.md").read_text("utf-8"), re.M | re.S
)


def test_there_are_ten() -> None:
    assert [int(title.split(".")[0]) for title, _ in SNIPPETS] == list(range(1, 11))


@pytest.mark.parametrize(("title", "code"), SNIPPETS, ids=[title for title, _ in SNIPPETS])
def test_its_code_runs_and_says_something(
    title: str, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(BOOK)
    exec(compile(code, title, "exec"), {})
    assert capsys.readouterr().out.strip()
