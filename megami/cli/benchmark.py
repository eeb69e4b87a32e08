"""What `megami evaluate` does for other systems: writes the test songs for them, and measures their mixes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from megami.cli.run_feedback import say_beside_bar
from megami.device import resolve_device
from megami.errors import as_one_line
from megami.evaluation.adding_rows import OTHERS, add_others
from megami.evaluation.benchmark import OWN_NAMES, measure_systems, origin_of, song_names, song_samples
from megami.evaluation.other_systems import check_mixes, find_systems
from megami.evaluation.results import read_results, write_results
from megami.evaluation.run import origin, stage_of
from megami.evaluation.stage import EvaluationConfig
from megami.evaluation.tables import markdown_table, table_of_others


@dataclass(frozen=True)
class Asked:
    """The options that both have with `megami evaluate`."""

    weights: str
    quick: bool
    seed: int
    cache: Path
    device: str
    workers: int

    @property
    def config(self) -> EvaluationConfig:
        """How much is measured."""
        return EvaluationConfig.quick() if self.quick else EvaluationConfig()


def write_test_songs(folder: Path, asked: Asked) -> None:
    """Render the test songs where they are not yet there, and write their stems into a new or empty folder."""
    from megami.corpus import build_songs, load_song, song_paths
    from megami.evaluation.written_songs import check_free, write_songs

    check_free(folder)
    stage = stage_of(asked.weights, asked.cache, asked.workers or None, asked.config, asked.seed, "cpu")
    corpus = stage.config.corpus
    build_songs(stage.cache, corpus, ("test",), stage.workers)
    songs = {path.stem: load_song(path) for path in song_paths(stage.cache, "test", corpus)}
    typer.echo(os.fsencode(write_songs(folder, songs, stage.config.many_mixes, asked.quick)))


def evaluate_systems(folder: Path, asked: Asked, out: Path | None, check: Callable[[Path], None]) -> None:
    """Measure the systems in `folder`, print their table, and add their rows to the results in `out`.

    `check` raises UserError where `out` is in the way.
    """
    device = resolve_device(asked.device)
    systems = find_systems(folder, song_names(asked.config), OWN_NAMES, asked.config.many_mixes, say_beside_bar)
    check_mixes(systems, song_samples(asked.config), say_beside_bar)
    stage = stage_of(asked.weights, asked.cache, asked.workers or None, asked.config, asked.seed, device)
    measured = measure_systems(systems, stage)
    made_by = origin(asked.weights, asked.quick, asked.seed, device)
    command = f"megami evaluate {'--quick ' if asked.quick else ''}--systems {as_one_line(folder.resolve().name)}"
    others = {system.name: origin_of(system, command) for system in systems}
    results = list(measured), {**made_by, "command": command, OTHERS: others}
    if out is not None:
        check(out)  # once more: measuring takes long
        if out.exists():
            results = add_others(read_results(out), measured, others, out)
        write_results(Path(os.path.realpath(out)), *results)
    table = table_of_others(results[0])
    assert table is not None  # there is a row of each system
    typer.echo(markdown_table(results[0], table))
