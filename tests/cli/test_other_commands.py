"""Help, weights, train and evaluate: quick answers, and one line for what cannot be done."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from megami.presets.presets import PRESETS, preset

COMMANDS = [(), ("mix",), ("train",), ("evaluate",), ("weights",)]
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
    assert megami("--version").out.startswith("megami 0.")


def test_weights_can_be_listed_found_and_verified(megami, random_weights, tmp_path):
    lines = megami("weights", "list").out.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == ["small", "paper"]
    assert megami("weights", "path", random_weights).done() == [random_weights]
    lines = megami("weights", "verify", random_weights).out.splitlines()
    assert len(lines) == 9 and all(line.endswith("ok") for line in lines)


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


def test_evaluating_refuses_what_it_cannot_do(megami, tmp_path):
    cache = ("--cache", tmp_path / "cache")
    megami("evaluate", "--quick", *cache, "--weights", "enormous").refused("unknown weights")
    megami("evaluate", "--quick", *cache, "--weights", "paper").refused("paper has none")
    megami("evaluate", "--quick", *cache, "--workers", -1).refused("--workers")
    megami("evaluate", "--quick", *cache, "--out", tmp_path).refused("is a folder")
    (tmp_path / "file").write_text("in the way")
    megami("evaluate", "--quick", *cache, "--out", tmp_path / "file" / "rows.json").refused("not a folder")
    megami("evaluate", "--quick", "--cache", tmp_path / "file").refused("not a folder")
    assert sorted(os.listdir(tmp_path)) == ["file"]
