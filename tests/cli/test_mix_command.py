"""`megami mix` on good input: what it writes, and that the options mean what they say."""

from __future__ import annotations

import html
import io
import itertools
import json
import os
import re
import subprocess
import sys
import webbrowser

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import Multitrack, integrated_loudness, read_audio, true_peak_db
from megami.cli import main as cli
from megami.cli.mix_page import Excerpt
from megami.mixing import mixer
from megami.presets import preset

LENGTH = 66150  # of the song, in samples


def decoded(path) -> torch.Tensor:
    audio, rate = read_audio(path)
    assert rate == 44100 and audio.shape[0] == 2
    return audio


def difference_db(a: torch.Tensor, b: torch.Tensor) -> float:
    """Energy of the difference relative to that of the first, in dB."""
    return float(10 * torch.log10((a - b).square().sum() / a.square().sum() + 1e-20))


def test_mixes_are_whole_loud_enough_unclipped_and_different(mix, stems, tmp_path):
    paths = mix(stems, "--num-mixes", 3).done()
    assert [path.name for path in paths] == ["mix_1.wav", "mix_2.wav", "mix_3.wav", "mixes.json"]
    mixes = [decoded(path) for path in paths[:3]]
    for audio in mixes:
        assert audio.shape == (2, LENGTH) and torch.isfinite(audio).all()
        assert integrated_loudness(audio) == pytest.approx(-16.0, abs=1.0)
        assert true_peak_db(audio) <= -1.0
    for one, other in itertools.combinations(mixes, 2):
        assert difference_db(one, other) > -20.0
    assert {soundfile.info(path).subtype for path in paths[:3]} == {"PCM_24"}


def test_the_same_seed_gives_the_same_files_and_another_seed_others(mix, stems, tmp_path):
    first = mix(stems, "--num-mixes", 2, "--seed", 7).done()
    again = mix(stems, "--num-mixes", 2, "--seed", 7, "--out", tmp_path / "again").done()
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    alone = mix(stems, "--num-mixes", 1, "--seed", 7, "--out", tmp_path / "alone").done()
    assert difference_db(decoded(first[0]), decoded(alone[0])) < -60.0
    other = mix(stems, "--seed", 8, "--out", tmp_path / "other").done()
    assert difference_db(decoded(first[0]), decoded(other[0])) > -20.0


def test_the_order_of_the_tracks_does_not_matter(mix, write_stems, dry_tracks, tmp_path):
    tracks = dry_tracks(4)
    renamed = dict(zip(("d", "a", "c", "b"), tracks.values(), strict=True))
    first = mix(write_stems(tracks)).done()
    second = mix(write_stems(renamed, "renamed"), "--out", tmp_path / "renamed mixes").done()
    assert difference_db(decoded(first[0]), decoded(second[0])) < -60.0


def test_a_silent_track_changes_nothing_and_stays_silent(mix, write_stems, dry_tracks, tmp_path):
    tracks = dry_tracks(2)
    without = mix(write_stems(tracks), "--stems").done()
    silence = {"0 silence": np.zeros(LENGTH, np.float32)}
    with_it = mix(write_stems({**silence, **tracks}, "more"), "--stems", "--out", tmp_path / "more mixes").done()
    assert [read_audio(path)[0].tolist() for path in without if path.suffix == ".wav"] == [
        read_audio(path)[0].tolist() for path in with_it if path.suffix == ".wav" and path.stem != "0 silence"
    ]
    quiet = decoded(tmp_path / "more mixes" / "mix_1_tracks" / "0 silence.wav")
    assert quiet.shape == (2, LENGTH) and not quiet.any()
    words = json.loads((tmp_path / "more mixes" / "mixes.json").read_text(encoding="utf-8"))
    assert words["mixes"][0]["tracks"]["0 silence"] == "silent"


def test_wet_tracks_add_up_to_the_mix(mix, stems, tmp_path):
    mix(stems, "--stems", "--loudness", -40).done()  # so quiet that the limiter is idle and nothing is turned down
    wet = [decoded(path) for path in sorted((tmp_path / "mixes" / "mix_1_tracks").iterdir())]
    assert len(wet) == 3
    assert torch.allclose(sum(wet), decoded(tmp_path / "mixes" / "mix_1.wav"), atol=2e-6)
    assert json.loads((tmp_path / "mixes" / "mixes.json").read_text())["mixes"][0]["wet_tracks_turned_down_db"] == 0.0


@pytest.mark.parametrize("loudness", [-30.0, -20.0])
def test_the_loudness_is_the_one_asked_for(mix, stems, loudness):
    audio = decoded(mix(stems, "--loudness", loudness).done()[0])
    assert integrated_loudness(audio) == pytest.approx(loudness, abs=0.2)


def test_flac_the_other_processor_and_more_guidance(mix, stems):
    paths = mix(stems, "--format", "FLAC", "--processor", "tcn", "--guidance", 2.5, "--stems").done()
    assert [path.suffix for path in paths] == [".flac"] * 4 + [".json"]
    assert all(soundfile.info(path).format == "FLAC" and decoded(path).shape == (2, LENGTH) for path in paths[:4])


def test_the_temperature_is_the_presets_or_the_one_asked_for(mix, stems, tmp_path):
    said = []
    for options in ((), ("--temperature", 0.25)):
        mix(stems, "--num-mixes", 1, "--seed", 3, *options).done()
        words = json.loads((tmp_path / "mixes" / "mixes.json").read_text(encoding="utf-8"))
        said.append((words["temperature"], words["mixes"][0]["tracks"]["track 00"]))
    assert [temperature for temperature, _ in said] == [preset("small").sampling.temperature, 0.25]
    assert said[0][1] != said[1][1]


def test_what_was_decided_can_be_read(mix, stems, tmp_path):
    mix(stems, "--num-mixes", 2, "--seed", 3, "--stems").done()
    text = (tmp_path / "mixes" / "mixes.json").read_text(encoding="utf-8")
    words = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert (words["stems"], words["tracks"], words["seconds"], words["seed"], words["steps"]) == ("song", 3, 1.5, 3, 4)
    for number, one in enumerate(words["mixes"], 1):
        audio = decoded(tmp_path / "mixes" / one["file"])
        assert one["file"] == f"mix_{number}.wav"
        assert one["loudness_lufs"] == pytest.approx(integrated_loudness(audio), abs=0.02)
        assert one["true_peak_dbtp"] == pytest.approx(true_peak_db(audio), abs=0.02)
        assert list(one["tracks"]) == ["track 00", "track 01", "track 02"]
        for track in one["tracks"].values():
            decided = {"level_db", "imbalance", "width", "crest_db"}
            assert set(track) == decided | {"level_in_mix_db", "imbalance_in_mix", "width_in_mix"}
            assert len(track["level_db"]) == len(track["level_in_mix_db"]) == 2
        if one["wet_tracks_turned_down_db"] == 0:
            for name, track in one["tracks"].items():
                left, right = decoded(tmp_path / "mixes" / f"mix_{number}_tracks" / f"{name}.wav").square().mean(-1)
                assert track["imbalance_in_mix"] == pytest.approx(float((right - left) / (right + left)), abs=0.006)
    assert str(words["mixes"][0]["tracks"]["track 00"]["level_db"])[1:-1] in text  # pairs stand on one line


def test_the_page_holds_everything(mix, stems, tmp_path):
    paths = mix(stems, "--num-mixes", 2, "--page").done()
    assert [path.name for path in paths] == ["mix_1.wav", "mix_2.wav", "index.html", "mixes.json"]
    page = paths[2].read_text(encoding="utf-8")
    assert page.count("data:audio/") >= 3 and "Raw sum" in page and "Mix 2" in page and "3 dry tracks" in page
    assert not any(f'{attribute}="http' in page for attribute in ("src", "href"))


def test_the_page_links_the_files_and_reads_out_what_each_mix_does(mix, stems, tmp_path):
    mix(stems, "--num-mixes", 2, "--page", "--format", "flac").done()
    page = (tmp_path / "mixes" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<a href="([^"]+)">', page) == ["mix_1.flac", "mix_2.flac"]
    assert "<h1>Song</h1>" in page  # the folder's name, as a title
    words = json.loads((tmp_path / "mixes" / "mixes.json").read_text(encoding="utf-8"))
    table = re.search(r"<tbody>(.*?)</tbody>", page)[1]
    for number, row in enumerate(re.findall(r"<tr>(.*?)</tr>", table)):
        name = f"track {number:02d}"
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        assert cells[0] == name and len(cells) == 7
        for one, (level, pan, width) in zip(words["mixes"], (cells[1:4], cells[4:]), strict=True):
            track = one["tracks"][name]
            powers = [10 ** (level_db / 10) for level_db in track["level_in_mix_db"]]
            assert float(level.removesuffix(" dB").replace("\N{MINUS SIGN}", "-")) == pytest.approx(
                10 * np.log10(sum(powers) / 2), abs=0.06
            )
            assert width == f"{track['width_in_mix']:.2f}"
            share = round(100 * abs(track["imbalance_in_mix"]))
            assert pan.startswith(f"{share} %" if share else "centre")
    assert "console" not in page and 'role="tablist"' not in page  # no wet tracks were asked for


def test_with_stems_the_page_has_a_console_over_the_wet_tracks(mix, stems, tmp_path):
    mix(stems, "--num-mixes", 2, "--page", "--stems").done()
    page = (tmp_path / "mixes" / "index.html").read_text(encoding="utf-8")
    assert page.count('data-megami-widget="console"') == 2 and page.count('<button type="button" role="tab"') == 2
    assert page.count("data:audio/") == 3 + 2 * 3  # the raw sum and two mixes; three wet tracks of each
    configs = re.findall(r'data-megami-widget="console"[^>]*data-config="([^"]+)"', page)
    assert [json.loads(html.unescape(text))["names"] for text in configs] == [["track 00", "track 01", "track 02"]] * 2
    assert page.count("class Console extends Widget") == 1


def test_what_is_odd_about_the_song_stands_on_the_page(mix, stems, tmp_path, monkeypatch):
    odd = "track 00 is called <vocal> but sounds like drums"
    monkeypatch.setattr(mixer, "doubtful_names", lambda *rest: [odd])
    ran = mix(stems, "--page")
    assert json.loads(ran.done()[-1].read_text(encoding="utf-8"))["warnings"] == [odd]
    page = (tmp_path / "mixes" / "index.html").read_text(encoding="utf-8")
    assert f"<li>{html.escape(odd)}</li>" in page


def test_what_reading_found_odd_is_said_once_everywhere(mix, stems, tmp_path):
    (stems / "track 00.wav").rename(stems / " .wav")
    ran = mix(stems, "--page")
    words = json.loads(ran.done()[-1].read_text(encoding="utf-8"))
    page = (tmp_path / "mixes" / "index.html").read_text(encoding="utf-8")
    assert len(words["warnings"]) == 1 and "' .wav'" in words["warnings"][0]
    assert ran.err.splitlines()[:-1] == [f"megami: {words['warnings'][0]}"]
    assert page.count(f"<li>{html.escape(words['warnings'][0])}</li>") == 1


def test_the_last_line_says_what_to_open(mix, stems, tmp_path, monkeypatch):
    page = tmp_path / "mixes" / "index.html"
    assert mix(stems, "--page").err.splitlines()[-1] == f"megami: to listen, open {page} in a browser"
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
    assert mix(stems, "--page", "--open").err.splitlines()[-1] == f"megami: {page} is open in your browser"
    assert asked == [page.as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert mix(stems, "--page", "--open").err.splitlines()[-1].endswith(f"started: open {page} yourself")
    mix(stems, "--open").refused("--open opens the listening page", "--page")


def test_consoles_play_the_loudest_passage_of_a_long_song():
    audio = torch.zeros(1, 1, 90 * 8000)
    audio[..., 50 * 8000 : 80 * 8000] = 0.1
    song = Multitrack(("a",), audio, 8000)
    excerpt = Excerpt.of(song)
    assert excerpt == Excerpt(50 * 8000, 30 * 8000, 8000)
    assert excerpt.note(90 * 8000) == "The loudest 30 seconds, 0:50 to 1:20." and excerpt.note(30 * 8000) == ""


def test_a_new_run_replaces_the_last_one_and_touches_nothing_else(mix, stems, tmp_path):
    out = tmp_path / "mixes"
    first = mix(stems, "--num-mixes", 2, "--stems", "--page").done()
    (out / "mix_2_tracks" / "my notes.txt").write_text("keep")
    (out / "mix_9.wav").write_bytes(b"not of a run")
    before = first[-1].read_bytes()
    second = mix(stems, "--seed", 1, "--format", "flac").done()
    assert [path.name for path in second] == ["mix_1.flac", "mixes.json"] and second[1].read_bytes() != before
    left = {str(path.relative_to(out)) for path in out.rglob("*")}
    assert left == {"mix_1.flac", "mixes.json", "mix_2_tracks", "mix_2_tracks/my notes.txt", "mix_9.wav"}


def test_missing_folders_are_made(mix, stems, tmp_path):
    out = tmp_path / "a" / "b" / "c"
    assert mix(stems, "--out", out).done()[0] == out / "mix_1.wav"
    assert (out / "mix_1.wav").stat().st_mode & 0o044 and out.stat().st_mode & 0o055


def test_a_single_file_is_a_song_of_one_track(mix, stems):
    assert decoded(mix(stems / "track 00.wav").done()[0]).shape == (2, LENGTH)


def test_progress_goes_to_the_terminal_and_paths_to_stdout(mix, stems, monkeypatch):
    quiet = mix(stems)
    assert quiet.err == ""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: self is sys.stderr, raising=False)
    shown = mix(stems, "--num-mixes", 2)
    assert "megami mix" in shown.err and "6/6" in shown.err and shown.err.rstrip().endswith("done")
    for words in ("reading", "deciding, step 4", "mix 1, part 3 of 3", "mix 2"):
        assert words in shown.err, words
    assert len(shown.done()) == 3 and "\r" not in shown.out


@pytest.mark.skipif(sys.platform != "linux", reason="file names are any bytes on Linux only")
def test_file_names_that_are_not_text(random_weights, write_stems, dry_tracks, tmp_path, monkeypatch):
    name = os.fsdecode(b"st\xfcck")
    song = write_stems(dry_tracks(1, 0.5))
    try:
        (song / "track 00.wav").rename(song / f"{name}.wav")
        song = song.rename(tmp_path / name)
    except OSError:
        pytest.skip("this file system takes text only")
    printed, out = io.BytesIO(), tmp_path / "mixes"
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "utf-8"))
    with pytest.raises(SystemExit, match="0"):
        cli.main(["mix", str(song), "--out", str(out), "--weights", str(random_weights), "--stems", "--page"])
    assert os.fsencode(out / "mix_1_tracks" / f"{name}.wav") in printed.getvalue().splitlines()
    assert (out / "mix_1_tracks" / f"{name}.wav").exists() and "st\ufffdck" in (out / "index.html").read_text("utf-8")


def test_a_true_run_from_the_shell(stems, random_weights, tmp_path):
    command = [sys.executable, "-m", "megami.cli", "mix", str(stems), "--out", "mine", "--weights", str(random_weights)]
    ran = subprocess.run([*command, "--steps", "2"], cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split() == [f"mine/{name}" for name in ("mix_1.wav", "mix_2.wav", "mix_3.wav", "mixes.json")]
    assert all((tmp_path / path).is_file() for path in ran.stdout.split())
    refused = subprocess.run([*command, "--loud", "3"], cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2 and refused.stdout == "" and len(refused.stderr.splitlines()) == 1
