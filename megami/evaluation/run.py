"""`megami evaluate`: every part of a set of weights, and every system of mixing, on songs that training never saw.

Test songs come from unseen seeds, a third of them in styles that training never heard. Everything that is rendered is
kept, under a mark of the weights and the code, so an interrupted evaluation goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.corpus import CorpusConfig, build_features, build_songs, load_song, song_paths
from megami.corpus.parallel import build_files
from megami.device import resolve_device
from megami.errors import UserError
from megami.evaluation.comparison import SongSet, comparison_rows
from megami.evaluation.directed import direction_rows
from megami.evaluation.encoders import adaptor_rows, encoder_rows
from megami.evaluation.listeners import small_encoders
from megami.evaluation.plans import engineers_of, write_chain_systems, write_embedding_systems, write_engineers
from megami.evaluation.processors import processor_rows
from megami.evaluation.render import HearMixes, write_plan
from megami.evaluation.results import Row
from megami.evaluation.sampler_study import sampler_rows
from megami.evaluation.stage import CHAIN_SYSTEMS, TRUE_DRY, EvaluationConfig, Stage
from megami.generator import Denoiser
from megami.mixing import Mixer, weights_folder
from megami.presets import load_network
from megami.studio import ENGINEERS, ROLES


def evaluate(
    weights: str,
    cache: Path,
    workers: int | None = None,
    config: EvaluationConfig | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
) -> list[Row]:
    """Measure all networks of `weights` (a name or folder) and all systems, and return the rows.

    A folder that also has `generator_true_dry` gives one more system, "megami_true_dry". `config` says how much is
    measured; by default an `EvaluationConfig()`. Encoders, adaptor and generators run on `device`; effects and mixes
    are rendered on the CPU, in `workers` processes.

    Songs, features and rendered mixes are kept in `cache`. Raises UserError if the weights, their baselines or the
    SoundFont are not there, for the published weights, which have no baselines, and for a cache of other settings or
    code.
    """
    stage = stage_of(weights, cache, workers, config, seed, device)
    mixer, folder, corpus = stage.mixer, weights_folder(weights), stage.config.corpus
    stage = replace(stage, others=other_mixers(mixer, folder))
    config = stage.config
    prepare(stage)
    rows = encoder_rows(mixer.networks, cache, corpus, config.chains, workers)
    rows += adaptor_rows(mixer.networks, cache, corpus)
    rows += processor_rows(mixer.networks, folder, cache, corpus, config.crops, workers)
    rows += mixing_rows(stage)
    if config.sampler_songs:
        rows += sampler_rows(mixer, *sampler_material(stage), config.sampler_mixes, seed)
    return rows


def stage_of(
    weights: str,
    cache: Path,
    workers: int | None = None,
    config: EvaluationConfig | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
) -> Stage:
    """What an evaluation shares, still without the mixers that MEGAMI is measured against; raises as `evaluate`."""
    if weights == "paper":
        raise UserError("the evaluation needs baselines trained beside the generator, and paper has none: use small")
    mixer = Mixer.from_pretrained(weights, device)
    fx_encoder, content_encoder = small_encoders(mixer.networks)
    config = config or EvaluationConfig()
    config = replace(config, corpus=config.corpus.heard_by(fx_encoder.config, content_encoder.config))
    return Stage(mixer, {}, weights, cache, config, seed, workers)


def evaluate_direction(
    weights: str,
    cache: Path,
    workers: int | None = None,
    songs: int = 40,
    seed: int = 0,
    device: str | torch.device = "auto",
) -> list[Row]:
    """Measure how well drawn mixes follow evidence (see `direction_rows`), on so many test songs.

    Other arguments and errors as in `evaluate`. Nothing is rendered but the engineers' mixes, two by each of them.
    Songs that were measured are not measured again.
    """
    corpus = CorpusConfig(test_songs=songs, mixes_per_song=2 * len(ENGINEERS))
    stage = stage_of(weights, cache, workers, EvaluationConfig(corpus), seed, device)
    corpus = stage.config.corpus
    build_songs(cache, corpus, ("test",), workers)
    build_features(cache, corpus, ("test",), workers)
    return direction_rows(stage)


def other_mixers(mixer: Mixer, folder: Path) -> dict[str, Mixer]:
    """Mixers with the generators that MEGAMI's is measured against, and the oracle's where the folder has one."""
    names = {"regression": "generator_regression", "per_track": "generator_per_track"}
    if (folder / "generator_true_dry.safetensors").exists():
        names[TRUE_DRY] = "generator_true_dry"
    mixers = {}
    for system, name in names.items():
        generator = load_network(folder, name)
        assert isinstance(generator, Denoiser)
        mixers[system] = Mixer(replace(mixer.networks, generator=generator), mixer.device)
    return mixers


def prepare(stage: Stage) -> None:
    """Songs and features of the test split, and of the part of the training split that is borrowed from."""
    corpus, config = stage.config.corpus, stage.config
    training = replace(corpus, train_songs=config.training_songs, mixes_per_song=config.training_mixes)
    build_songs(stage.cache, training, ("train", "test"), stage.workers)
    build_features(stage.cache, corpus, ("test",), stage.workers)
    build_features(stage.cache, training, ("train",), stage.workers)


def mixing_rows(stage: Stage) -> list[Row]:
    """All systems on all test songs, against the engineers."""
    songs = [load_song(path) for path in song_paths(stage.cache, "test", stage.config.corpus)]
    engineers = engineers_of(stage)
    write_engineers(stage, engineers)
    write_chain_systems(stage, songs)
    write_embedding_systems(stage, engineers)
    for system in CHAIN_SYSTEMS:
        hear(stage, system)
    for name in stage.song_names():  # what the rules did, as embeddings, through the same processor as the others
        with np.load(stage.folders["rule_based_chain"] / "rule_based_chain" / name) as file:
            write_plan(stage.plan("rule_based", name), torch.from_numpy(file["z"]))
    for system in stage.embedding_systems:
        hear(stage, system)
    roles = [torch.tensor([ROLES.index(role) for role in song.roles]) for song in songs]
    sets = [SongSet.load(stage.folders[system], stage.song_names(), system) for system in stage.systems]
    return comparison_rows(sets, roles, engineers, stage.config.mixes)


def hear(stage: Stage, system: str) -> None:
    """Render and describe one system's mixes of all test songs."""
    folder = stage.folders[system]
    targets = None if system == "reference" else stage.folders["reference"] / "plans" / "reference"
    build = HearMixes(folder / "plans", stage.cache / "songs", stage.weights, targets, stage.config.target_lufs)
    build_files(build, [folder / system / name for name in stage.song_names()], stage.workers, f"mixes by {system}")


def sampler_material(stage: Stage) -> tuple[list[Tensor], list[Tensor]]:
    """What the generator is told of some test songs, and the engineers' embeddings of them."""
    songs = engineers_of(stage)[: stage.config.sampler_songs]
    adapt = stage.mixer.preset.adapt_dry
    return [song.told(adapt) for song in songs], [song.effects for song in songs]


def origin(
    weights: str, quick: bool, seed: int, device: str | torch.device = "cpu", direction: int | None = None
) -> dict[str, object]:
    """How a results file was made: command, seed, commit, hashes of the weights, machine.

    direction: the number of songs that directing was measured on; None if all else was measured.
    """
    files = sorted(Path(weights_folder(weights)).glob("*.safetensors"))
    where = resolve_device(device)
    options = [
        *([] if direction is None else ["--direction", f"--songs {direction}"]),
        *(["--quick"] if quick else []),
        f"--weights {Path(weights).name}",
        f"--seed {seed}",
    ]
    options += [f"--device {where}"] if where.type != "cpu" else []
    return {
        "command": f"megami evaluate {' '.join(options)} --out results/results.json",
        "seed": seed,
        "commit": commit(),
        "weights": {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files},
        "machine": machine(),
    }


def machine() -> str:
    """The kind of this machine, its threads, and the version of torch."""
    threads = torch.get_num_threads()
    return f"{platform.system()} {platform.machine()}, {threads} threads, torch {torch.__version__}"


def commit() -> str:
    """The commit of the package's checkout, with a + where files differ from it; "unknown" outside a checkout."""
    folder = Path(__file__).resolve().parent
    try:
        head, changes = (
            subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
            for command in (["git", "rev-parse", "--short", "HEAD"], ["git", "status", "--porcelain", "-uno", "."])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changes else "")
