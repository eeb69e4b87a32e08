"""What stands in more than one file of the project agrees: version, address, README, make targets, workflows."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import megami

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ADDRESS = PROJECT["project"]["urls"]["Homepage"]
CONSTRAINTS = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M))
WORKFLOWS = ("book.yml", "tests.yml", "weekly.yml")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def workflow(name: str) -> dict:
    return yaml.safe_load(text(f".github/workflows/{name}"))


def commands(name: str) -> list[str]:
    """Every `run` of a workflow."""
    return [step["run"] for job in workflow(name)["jobs"].values() for step in job["steps"] if "run" in step]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", text("Makefile"), re.M))


def test_the_version_has_one_source():
    assert "version" in PROJECT["project"]["dynamic"] and "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "megami.__version__"}
    assert version("megami") == megami.__version__
    assert yaml.safe_load(text("CITATION.cff"))["version"] == megami.__version__
    released = re.findall(r"^## \[(\d[\w.]*)\]", text("CHANGELOG.md"), re.M)
    assert megami.__version__ in released


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "_config.yml", "book/intro.md"]
)
def test_every_mention_of_the_repository_is_its_address(name: str):
    mentioned = re.findall(r"https://github\.com/([\w.-]+/[\w.-]+)", text(name))
    ours = [
        f"https://github.com/{place.rstrip('.')}".removesuffix(".git")
        for place in mentioned
        if "SonyResearch" not in place
    ]
    assert ours and set(ours) == {ADDRESS}


def test_the_set_up_cells_fetch_the_repository_from_its_address():
    chapters = sorted((ROOT / "book").glob("*.ipynb"))
    assert chapters
    for chapter in chapters:
        cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
        setup = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert re.findall(r"git clone [^\n]*?(https://\S+)", setup) == [ADDRESS], chapter.name


def test_the_book_links_to_the_repository_and_builds_only_itself():
    config = yaml.safe_load(text("_config.yml"))
    assert config["repository"]["url"] == ADDRESS
    built = {"book", "_build"}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} - built
    assert {"examples", "results"} <= folders
    kept_at_hand = {"_carry", "shared"}  # of one machine, not of the repository
    assert folders - kept_at_hand <= set(config["exclude_patterns"])


def test_the_readme_is_a_door():
    readme = text("README.md")
    assert len(readme.splitlines()) <= 150
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (ROOT / target).exists(), target
    assert set(re.findall(r"\bmake ([a-z][\w-]*)", readme)) - {"and"} <= targets()


def test_the_readme_names_every_room():
    rooms = {path.name for path in (ROOT / "megami").iterdir() if (path / "__init__.py").is_file()}
    layout = text("README.md").split("## Layout")[1].split("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", layout, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert named - {"megami"} == rooms


def test_files_that_guides_name_exist():
    for name in ("CONTRIBUTING.md", "README.md"):
        for path in re.findall(r"`((?:megami|tests|scripts|book|results|examples)/[\w./-]+)`", text(name)):
            assert "NAME" in path or (ROOT / path).exists(), f"{name} names {path}"


def test_the_rule_of_the_rooms_is_told_as_it_is_tested():
    tested = re.findall(r'^    "(\w+)",$', text("tests/test_rooms.py").split("ROOMS = (")[1].split("\n)")[0], re.M)
    told = text("CONTRIBUTING.md").split("From the top floor down:")[1].split("\nSo ")[0]
    assert [name.removesuffix(".py") for name in re.findall(r"\w+\.py|(?<=\s)[a-z]+(?=\s\s|\n)", told)] == tested


def test_recipes_name_few_files():
    """At most two files for an effect or a solver, three for the others; every recipe says which in its table."""
    recipes = re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", text("CONTRIBUTING.md").split("## Recipes")[1], re.M | re.S)
    most = {"An effect": 2, "A solver": 2, "An encoder": 3, "A dataset": 3, "An engineer's style": 3, "A chapter": 3}
    assert [title for title, _ in recipes] == list(most)
    for title, words in recipes:
        named = re.findall(r"^\| `([^`]+)` \|", words, re.M)
        assert 1 <= len(named) <= most[title], title


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_call_make_targets_that_exist(name: str):
    assert workflow(name)["jobs"]
    called = {target for run in commands(name) for target in re.findall(r"^make ([\w-]+)", run, re.M)}
    assert called and called <= targets()
    assert all("timeout-minutes" in job for job in workflow(name)["jobs"].values())


def test_there_are_no_other_workflows():
    assert sorted(path.name for path in (ROOT / ".github" / "workflows").iterdir()) == sorted(WORKFLOWS)


def test_tests_run_on_three_systems_with_every_python_that_we_support():
    matrix = workflow("tests.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert PROJECT["project"]["requires-python"] == f">={matrix['python'][0]}"
    assert {"make lint PYTHON=python", "make test PYTHON=python"} <= set(commands("tests.yml"))


def test_the_book_goes_to_pages_and_once_a_week_all_is_built_and_asked_for():
    deploy = workflow("book.yml")["jobs"]["deploy"]
    assert deploy["needs"] == "build" and "deploy-pages" in str(deploy["steps"])
    weekly = workflow("weekly.yml")
    assert "cron" in str(weekly[True]["schedule"])  # YAML reads the key "on" as true
    assert {"make book PYTHON=python", "make addresses PYTHON=python"} <= set(commands("weekly.yml"))


def test_what_runs_on_every_submission_lints_and_tests():
    assert re.findall(r"^make \w+", text(".ci/run"), re.M) == ["make lint", "make test"]


def test_hooks_use_the_same_ruff_as_make_lint():
    hooks = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    pins = [pin for hook in hooks for pin in hook["additional_dependencies"]]
    assert {pin for pin in pins if pin.startswith("ruff")} == {f"ruff=={CONSTRAINTS['ruff']}"}
    assert {"ruff-check", "ruff-format", "nbstripout", "end-of-file-fixer", "large-files"} <= {
        hook["id"] for hook in hooks
    }


def test_conda_gets_the_versions_that_are_tested():
    pip = yaml.safe_load(text("environment.yml"))["dependencies"][-1]["pip"]
    pinned = [requirement.split("==") for requirement in pip if "==" in requirement]
    assert pinned and all(CONSTRAINTS[name] == number for name, number in pinned)


def test_the_model_card_says_what_lies_beside_it():
    folder = ROOT / "megami" / "presets" / "small"
    card = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("*.safetensors"):
        parameters = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["parameters"]
        row = re.search(rf"^\| `{path.name}` \|.*$", card, re.M)
        assert row and f" {parameters:,} " in row[0] and f" {path.stat().st_size / 1e6:.1f} " in row[0], path.name
    assert "megami train small" in card and "megami evaluate" in card and "MIT" in card
