"""`megami evaluate --data` on a pretend data set: what is measured means what its column says."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import SAMPLE_RATE, Multitrack, integrated_loudness, write_audio
from megami.cli import main as cli
from megami.corpus.recordings import open_recordings
from megami.corpus.recordings.pretend import write_pretend_moisesdb, write_pretend_pairs
from megami.evaluation.mixes_alone import PAIRWISE
from megami.evaluation.real_data.settings import PUBLISHED, DataSettings
from megami.evaluation.real_data.songs import dry_segment, engineers_mix, with_segments
from megami.evaluation.real_data.systems import OWN_SYSTEMS, equally_loud_sum
from megami.evaluation.results import Row, read_results
from megami.evaluation.tables import SONGS
from megami.mixing.mixer import Mixer

EARS = ("kad_mix", "kad_fx_encoder")


def run(*arguments: object) -> tuple[object, str, str]:
    """Run the command line in this process: exit code, stdout, stderr."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        cli.main([str(argument) for argument in arguments])
    return (left.value.code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


@dataclass(frozen=True)
class Measured:
    """A pretend data set of three songs, what was asked, and what came out."""

    data: Path
    arguments: tuple[object, ...]
    results: Path
    printed: str
    said: str

    @property
    def rows(self) -> dict[tuple[str, str], Row]:
        return {(row.system, row.metric): row for row in read_results(self.results)[0]}


@pytest.fixture(scope="module")
def measured(tmp_path_factory, tiny_weights) -> Measured:
    root = tmp_path_factory.mktemp("real_data")
    data, others, results = root / "data", root / "others", root / "results.json"
    write_pretend_pairs(data, 3, seconds=7)
    for number, song in enumerate(sorted(data.iterdir())):
        for system in ("a person", "half done")[: 2 if number < 2 else 1]:
            (others / system / song.name).mkdir(parents=True)
            mix, rate = soundfile.read(song / "mix.wav", dtype="float32")
            write_audio(others / system / song.name / "mix.wav", torch.from_numpy(0.5 * mix.T), rate)
    asked = ("evaluate", "--data", data, "--split", "all", "--quick", "--published", "--weights", tiny_weights)
    arguments = (*asked, "--systems", others, "--cache", root / "cache", "--device", "cpu", "--out", results)
    code, printed, said = run(*arguments)
    assert code == 0, said
    return Measured(data, arguments, results, printed, said)


def test_every_system_has_a_row_by_every_ear(measured):
    rows = measured.rows
    for system in (*OWN_SYSTEMS, "a person", "half done"):
        assert all((system, metric) in rows for metric in (SONGS, *EARS))
    for system in ("megami", "raw_sum", "equal_loudness", "a person"):
        assert rows[system, SONGS].value == 3
        assert all(rows[system, metric].value >= 0 for metric in PAIRWISE)


def test_an_engineers_own_mixes_cannot_be_told_from_the_reference(measured):
    """They were only turned down, and all mixes are heard equally loud."""
    rows = measured.rows
    for metric in PAIRWISE:
        assert rows["a person", metric].value < 0.02 * rows["raw_sum", metric].value + 1e-3
    for metric in EARS:  # of equal sets the unbiased distance lies below 0
        assert rows["a person", metric].value < 0 < rows["raw_sum", metric].value


def test_a_system_that_lacks_songs_stands_on_those_that_it_has(measured):
    assert (measured.rows["half done", SONGS].value, measured.rows["half done", SONGS].n) == (2, 3)
    assert "half done (2 of 3 songs)" in measured.printed and "stands on 2 of 3 songs" in measured.said


def test_the_tables_name_every_system_and_what_could_not_be_heard(measured):
    for title in (*OWN_SYSTEMS.values(), "a person"):
        assert measured.printed.count(f"| {title} |") >= 1
    for ear in ("FxEncoder++", "CLAP", "AFx-Rep"):
        assert f"not measured by {ear}" in measured.said and f"KAD {ear}" not in measured.printed


def test_how_it_was_made_is_kept_without_paths(measured):
    made_by = read_results(measured.results)[1]
    assert made_by["data"]["sampling"] == {**vars(PUBLISHED.sampling)}
    assert made_by["data"]["songs"] == sorted(song.name for song in measured.data.iterdir())
    assert str(measured.data.parent) not in json.dumps(made_by)


def test_what_was_heard_is_kept(measured, monkeypatch):
    def again(*arguments, **options):
        raise AssertionError("mixed again")

    monkeypatch.setattr(Mixer, "mix", again)
    before = measured.results.read_bytes()
    code, printed, _ = run(*measured.arguments)
    assert (code, printed, measured.results.read_bytes()) == (0, measured.printed, before)


def test_results_on_studio_songs_are_not_replaced(measured, tmp_path):
    studio = tmp_path / "results.json"
    studio.write_text(
        json.dumps({"made_by": {"command": "megami evaluate"}, "rows": [vars(Row("a", "b", 1, 0, 2, 3))]})
    )
    before = studio.read_bytes()
    code, _, said = run(*measured.arguments, "--out", studio)
    assert code == 2 and "studio" in said and studio.read_bytes() == before


def test_songs_that_cannot_be_measured_are_named(tmp_path, tiny_weights):
    write_pretend_moisesdb(tmp_path / "wet only", 2, seconds=4)
    code, _, said = run("evaluate", "--data", tmp_path / "wet only", "--split", "all", "--weights", tiny_weights)
    assert code == 2 and said.count("it has no dry tracks to mix") == 2 and "0 of 2 songs" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--published",), "--data"),
        (("--split", "train"), "--data"),
        (("--systems", "a", "--systems", "b"), "--data"),
        (("--data", "songs", "--direction"), "--direction"),
        (("--data", "songs", "--split", "some"), "some"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    code, _, said = run("evaluate", *options)
    assert code == 2 and words in said and list(tmp_path.iterdir()) == []


def test_segments_lie_apart_and_where_something_plays(tmp_path):
    (folder,) = write_pretend_pairs(tmp_path / "data", 1, seconds=13).iterdir()
    mix, rate = soundfile.read(folder / "mix.wav", dtype="float32")
    mix[: 4 * rate] = 0
    write_audio(folder / "mix.wav", torch.from_numpy(mix.T), rate)
    (song,) = open_recordings(folder.parent).songs()
    settings = DataSettings(segments=3, samples=2 * SAMPLE_RATE)
    found = with_segments(song, settings)
    starts = sorted((*found.segments, *found.others))
    assert len(found.segments) <= 3 and starts[0] > 2 * SAMPLE_RATE
    assert all(np.diff(starts) >= settings.samples)
    dry = dry_segment(found, starts[0], settings.samples)
    assert dry is not None and dry.num_samples == settings.samples and dry.num_tracks == len(song.dry)
    whole = engineers_mix(song)
    part = engineers_mix(song, starts[0], settings.samples)
    torch.testing.assert_close(part, whole[:, starts[0] : starts[0] + settings.samples])


def test_equally_loud_tracks_are_equally_loud(dry_tracks):
    first, second = (torch.from_numpy(track)[None] for track in dry_tracks(2, 3.0).values())
    silent = torch.zeros_like(first)
    pair = equally_loud_sum(Multitrack(("a", "b", "c"), torch.stack([first, 0.1 * second, silent]), SAMPLE_RATE), 0)
    alone = [equally_loud_sum(Multitrack(("a",), track[None], SAMPLE_RATE), 0) for track in (first, second)]
    torch.testing.assert_close(pair, alone[0] + alone[1], rtol=1e-4, atol=1e-6)
    assert integrated_loudness(alone[0], SAMPLE_RATE) == pytest.approx(
        integrated_loudness(alone[1], SAMPLE_RATE), abs=0.05
    )
