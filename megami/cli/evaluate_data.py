"""What `megami evaluate --data` does: mixes the test songs of a data set, and measures the mixes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import typer

from megami.cli.mix_page import readable
from megami.cli.run_feedback import memory_in_words, say_beside_bar
from megami.corpus.recordings import open_recordings
from megami.device import resolve_device
from megami.errors import UserError
from megami.evaluation.other_systems import find_systems
from megami.evaluation.real_data.ears import ears_at_hand
from megami.evaluation.real_data.run import Listening, key_of, measure
from megami.evaluation.real_data.settings import PUBLISHED, DataSettings
from megami.evaluation.real_data.songs import songs_to_measure
from megami.evaluation.real_data.systems import OWN_SYSTEMS, REFERENCE, check_others
from megami.evaluation.real_data.table import data_table
from megami.evaluation.results import read_results, write_results
from megami.evaluation.run import commit, machine
from megami.mixing.mixer import Mixer
from megami.mixing.pretrained import from_pretrained, weights_sha256
from megami.published.addresses import published_folder

DATA = "data"
"""In a results file, under "made_by": what was measured, and how."""


@dataclass(frozen=True)
class DataAsked:
    """The options of `megami evaluate --data`."""

    data: Path
    layout: str
    split: str
    published: bool
    quick: bool
    weights: str
    weights_dir: Path | None
    seed: int
    cache: Path
    device: str

    @property
    def settings(self) -> DataSettings:
        """How much is measured, and how it is sampled."""
        chosen = replace(PUBLISHED if self.published else DataSettings(), split=self.split, seed=self.seed)
        return chosen.quick() if self.quick else chosen


def evaluate_data(asked: DataAsked, systems: Sequence[Path], out: Path | None) -> None:
    """Measure MEGAMI, plain sums and the systems in some folders; print the tables, write the rows to `out`."""
    settings, device = asked.settings, resolve_device(asked.device)
    check_rows_of_data(out)
    recordings = open_recordings(asked.data, asked.layout)
    songs = songs_to_measure(recordings, settings, say_beside_bar)
    names = [song.song.name for song in songs]
    taken = frozenset((*OWN_SYSTEMS, REFERENCE))
    others = [other for folder in systems for other in find_systems(folder, names, taken, 1, say_beside_bar)]
    check_others(others, songs, say_beside_bar)
    paper = asked.weights == "paper"
    networks = from_pretrained(asked.weights, weights_dir=asked.weights_dir if paper else None)
    ears = ears_at_hand(networks, published_folder(asked.weights_dir), device, say_beside_bar)
    mixer = Mixer(networks, device)
    used = weights_sha256(asked.weights, asked.weights_dir if paper else None)
    with memory_in_words():
        listening = Listening(ears, settings, asked.cache / "data", key_of(mixer, ears, settings, used))
        rows = measure(listening, songs, mixer, others)
    if out is not None:
        check_rows_of_data(out)  # once more: measuring takes long
        write_results(Path(os.path.realpath(out)), rows, made_by(asked, recordings.name, names, used, device))
    typer.echo(data_table(rows, ears, settings, len(songs)))


def made_by(asked: DataAsked, recordings: str, songs: Sequence[str], weights: str, device: object) -> dict[str, Any]:
    """How the rows were made, without paths of this machine."""
    words = ["megami evaluate --data", readable(asked.data.resolve().name), f"--weights {Path(asked.weights).name}"]
    words += [f"--split {asked.split}", f"--seed {asked.seed}"]
    words += ["--published"] * asked.published + ["--quick"] * asked.quick
    return {
        "command": " ".join(words),
        "seed": asked.seed,
        "commit": commit(),
        "weights": weights[:16],
        "machine": machine(),
        "device": str(device),
        DATA: {"recordings": recordings, "songs": list(map(readable, songs)), **asdict(asked.settings)},
    }


def check_rows_of_data(out: Path | None) -> None:
    """Raise UserError if `out` holds rows of the studio's songs, which those of a data set would replace."""
    if out is not None and out.exists() and DATA not in read_results(out)[1]:
        raise UserError(f"{out} holds results on the studio's songs: give those on a data set another --out")
