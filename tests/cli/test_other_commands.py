"""Help, weights, train and evaluate: quick answers, and one line for what cannot be done."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from importlib.metadata import version

import pytest

from megami.evaluation.results import Row, read_results, write_results
from megami.presets.presets import PRESETS, preset

COMMANDS = [(), ("mix",), ("export",), ("train",), ("evaluate",), ("weights",)]
COMMANDS += [("weights", name) for name in ("list", "path", "verify", "download")]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(megami, command):
    ran = megami(*command, "--help")
    assert ran.code == 0 and ran.err == "" and f"Usage: {' '.join(('megami', *command))}" in ran.out
    assert megami(*command, "-h") == ran


def test_help_names_the_default_steps_and_temperatures(megami):
    said = " ".join(megami("mix", "--help").out.split())
    assert all(f"{preset(name).sampling.steps} ({name})" in said for name in PRESETS)
    assert all(f"{preset(name).sampling.temperature:g} ({name})" in said for name in PRESETS)


def test_help_is_quick_and_loads_no_networks():
    code = (
        "import sys\nfrom megami.cli.main import main\ntry:\n    main(['mix', '--help'])\n"
        "finally:\n    print([name for name in ('torch', 'scipy', 'numpy') if name in sys.modules], file=sys.stderr)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (ran.returncode, ran.stderr.strip()) == (0, "[]") and "--num-mixes" in ran.stdout
    # Of the processor, not of the clock: other work on this machine must not fail the test.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2.0


def test_nothing_asked_for_is_a_question_for_help(megami):
    ran = megami()
    assert ran.code == 0 and "Commands:" in ran.out
    assert megami("--version").out == f"megami {version('megami')}\n"


def test_weights_can_be_listed_found_and_verified(megami, random_weights, tmp_path):
    lines = megami("weights", "list").out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == ["small", "paper"]
    assert megami("weights", "path", random_weights).done() == [random_weights]
    lines = megami("weights", "verify", random_weights).out.splitlines()
    assert len(lines) == 11 and all(line.endswith("ok") for line in lines)


@pytest.mark.parametrize("command", ["path", "verify"])
def test_weights_that_are_not_there(megami, command, tmp_path):
    megami("weights", command, "enormous").refused("unknown weights 'enormous'")
    megami("weights", "verify", tmp_path).refused("no such file")
    megami("weights", "verify", "small", "--weights-dir", tmp_path).refused("goes with 'paper'")


def test_training_refuses_what_it_cannot_do(megami, tmp_path):
    out = ("--out", tmp_path / "run")
    megami("train", "large", *out).refused("'large'", "small")
    megami("train").refused("preset", "megami train --help")
    megami("train", "small", *out, "--stages", "songs,lunch").refused("'lunch'", "fx_encoder")
    megami("train", "small", *out, "--seed", -1).refused("--seed")
    megami("train", "small", *out, "--workers", -1).refused("--workers")
    megami("train", "small", *out, "--devices", 0).refused("--devices")
    megami("train", "small", *out, "--device", "abacus").refused("abacus")
    (tmp_path / "file").write_text("in the way")
    megami("train", "small", "--out", tmp_path / "file").refused("not a folder")
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_training_names_what_a_stage_lacks(megami, tmp_path):
    run = ("train", "small", "--out", tmp_path / "run", "--device", "cpu")
    megami(*run, "--stages", "fx_encoder").refused(str(tmp_path / "run"))
    megami(*run, "--stages", "generator").refused("no such file")


def test_songs_need_the_soundfont(megami, random_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("MEGAMI_SOUNDFONT", str(tmp_path / "nowhere.sf3"))
    megami("train", "small", "--out", tmp_path / "run", "--stages", "songs", "--device", "cpu").refused(
        "no SoundFont at", "nowhere.sf3", "fluidr3mono-gm-soundfont"
    )
    megami("evaluate", "--quick", "--weights", random_weights, "--cache", tmp_path / "cache").refused("no SoundFont at")


def test_evaluating_runs_where_it_is_told_and_says_so(megami, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("megami.evaluation.run.evaluate", lambda *options: asked.append(options) or [])
    monkeypatch.setattr("megami.evaluation.tables.report", lambda rows: "a table")
    out = tmp_path / "results.json"
    assert megami("evaluate", "--cache", tmp_path / "cache", "--device", "cpu", "--out", out).code == 0
    assert str(asked[0][-1]) == "cpu" and "--device" not in read_results(out)[1]["command"]
    said = " ".join(megami("evaluate", "--help").out.split())
    assert "--device" in said and "rendered on the CPU" in said


def test_evaluating_refuses_what_it_cannot_do(megami, tmp_path):
    cache = ("--cache", tmp_path / "cache")
    megami("evaluate", "--quick", *cache, "--weights", "enormous").refused("unknown weights")
    megami("evaluate", "--quick", *cache, "--weights", "paper").refused("paper has none")
    megami("evaluate", "--quick", *cache, "--workers", -1).refused("--workers")
    megami("evaluate", "--quick", *cache, "--device", "abacus").refused("abacus")
    megami("evaluate", "--quick", *cache, "--out", tmp_path).refused("is a folder")
    (tmp_path / "file").write_text("in the way")
    megami("evaluate", "--quick", *cache, "--out", tmp_path / "file" / "rows.json").refused("not a folder")
    megami("evaluate", "--quick", "--cache", tmp_path / "file").refused("not a folder")
    assert sorted(os.listdir(tmp_path)) == ["file"]


@pytest.mark.parametrize(
    "content", ["my notes", "{}", '{"rows": [], "made_by": "me"}', '{"rows": [{"a": 1}], "made_by": {}}']
)
def test_evaluating_replaces_results_only(megami, tmp_path, content):
    out = tmp_path / "notes.json"
    out.write_text(content)
    megami("evaluate", "--quick", "--cache", tmp_path / "cache", "--out", out).refused("notes.json is in the way")
    assert out.read_text() == content and os.listdir(tmp_path) == ["notes.json"]


def test_evaluating_again_replaces_its_results_where_a_link_leads(tmp_path, monkeypatch, megami):
    row = Row("a", "m", 1.0, 0.0, 2.0, 3)
    write_results(tmp_path / "results.json", [row], {"weights": "old"})
    (tmp_path / "link.json").symlink_to("results.json")
    monkeypatch.setattr("megami.evaluation.run.evaluate", lambda *options: [row])
    monkeypatch.setattr("megami.evaluation.run.origin", lambda *options: {"weights": "new"})
    monkeypatch.setattr("megami.evaluation.tables.report", lambda rows: "a table")
    assert megami("evaluate", "--out", tmp_path / "link.json").code == 0
    assert (tmp_path / "link.json").is_symlink() and read_results(tmp_path / "results.json")[1] == {"weights": "new"}

    def slow(*options):
        (tmp_path / "results.json").write_text("mine, written meanwhile")
        return [row]

    monkeypatch.setattr("megami.evaluation.run.evaluate", slow)
    ran = megami("evaluate", "--out", tmp_path / "results.json")
    assert ran.code == 2 and "results.json is in the way" in ran.err
    assert (tmp_path / "results.json").read_text() == "mine, written meanwhile"


def test_training_never_overwrites_weights_of_another_run(megami, tmp_path):
    weights = tmp_path / "run" / "weights" / "fx_encoder.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"a week of training")
    run = ("train", "small", "--out", tmp_path / "run", "--device", "cpu")
    megami(*run).refused("fx_encoder.safetensors is there", "another --out")
    megami(*run, "--stages", "songs,fx_encoder").refused("fx_encoder.safetensors is there")
    assert os.listdir(tmp_path / "run") == ["weights"] and weights.read_bytes() == b"a week of training"
    megami(*run, "--stages", "generator").refused("no such file")  # which writes another file, and reads this one
