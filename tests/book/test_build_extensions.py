"""What the book's own extensions do to a build (book/_ext)."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

pytest.importorskip("sphinx", reason="the book's tools are not installed: pip install megami[book]")


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> object:
    """Imports an extension by name."""
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    return importlib.import_module


class App:
    """As much of Sphinx as an extension's `setup` needs."""

    def __init__(self, **known: object) -> None:
        self.__dict__.update(known)
        self.connected: dict[str, object] = {}

    def connect(self, event: str, function: object, **_: object) -> None:
        self.connected[event] = function


def test_the_configuration_names_extensions_that_are_there() -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for name, folder in config["sphinx"]["local_extensions"].items():
        assert (ROOT / folder / f"{name}.py").is_file()
    assert config["sphinx"]["config"]["nb_ipywidgets_js"] == {}
    assert "//" not in config["sphinx"]["config"]["mathjax_path"]


def test_kernels_are_given_time(extension: object, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("nbclient.client")
    monkeypatch.setattr(client, "NotebookClient", client.NotebookClient)  # put back afterwards
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")  # noted, so that it is put back afterwards
    monkeypatch.delenv("OMP_WAIT_POLICY")
    notebook = pytest.importorskip("nbformat").v4.new_notebook()
    before = client.NotebookClient(notebook)
    extension("patient_kernels").setup(App())
    after = client.NotebookClient(notebook)
    assert after.startup_timeout > before.startup_timeout and after.iopub_timeout > before.iopub_timeout
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_mathjax_lies_beside_the_pages(extension: object, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builder=SimpleNamespace(format="html"))
    extension("ship_scripts").ship(app, None)
    shipped = tmp_path / "_static" / "mathjax"
    assert (shipped / "tex-chtml.js").is_file() and list((shipped / "output").rglob("*.woff"))
    assert sum(file.stat().st_size for file in shipped.rglob("*") if file.is_file()) < 3e6


def test_labels_and_bibliography_are_mended(extension: object) -> None:
    context = {
        "body": '<summary aria-label="Toggle hidden content"><span>Show code cell source</span></summary>'
        '<div role="list"><div class="citation" role="doc-biblioentry">A paper</div></div>'
    }
    extension("accessible_html").mend(App(), "book/page", "page.html", context, None)
    assert context["body"] == (
        "<summary><span>Show code cell source</span></summary>"
        '<div role="list"><div class="citation" role="listitem">A paper</div></div>'
    )


@pytest.mark.parametrize(
    ("docstring", "rest"),
    [
        (["Give `x` times *two* | three_."], ["Give \\ ``x``\\  times \\*two\\* \\| three\\_."]),
        (
            ["steps        how often", "temperature  how far `it`", "             may stray", "", "More."],
            ["- ``steps``: how often", "- ``temperature``: how far \\ ``it``\\ ", "  may stray", "", "More."],
        ),
        ([">>> f(2 * 3)", "6", "", "a*b"], [">>> f(2 * 3)", "6", "", "a\\*b"]),
    ],
)
def test_docstrings_become_rest(extension: object, docstring: list[str], rest: list[str]) -> None:
    assert extension("api_docstrings").as_rest(docstring) == rest


def test_constants_of_a_room_are_listed(extension: object) -> None:
    import megami.audio

    lines = extension("api_docstrings").constants(megami.audio)
    assert "- ``SAMPLE_RATE``: ``44100``" in lines
    assert not any("read_audio" in line for line in lines)


def test_a_mark_stands_before_each_cell_of_a_notebook_but_the_first(extension: object) -> None:
    marks = extension("cell_marks")
    app = App(env=SimpleNamespace(doc2path=lambda name: f"{name}.ipynb" if name == "chapter" else f"{name}.md"))
    cells = [{"cell_type": "markdown", "id": name, "metadata": {}, "source": f"# {name}"} for name in ("a", "b", "c")]
    content = [json.dumps({"cells": cells, "metadata": {"kept": True}})]
    marks.mark_cells(app, "chapter", content)
    marked = json.loads(content[0])
    sources = [cell["source"] for cell in marked["cells"]]
    assert sources == ["# a", "<!-- cell b -->", "# b", "<!-- cell c -->", "# c"] and marked["metadata"]["kept"]
    assert len({cell["id"] for cell in marked["cells"]}) == 5
    page = ["# A page of text"]
    marks.mark_cells(app, "page", page)
    assert page == ["# A page of text"]
