"""`megami evaluate`: every part of a set of weights, and every system of mixing, on songs that training never saw.

Test songs come from unseen seeds, a third of them in styles that training never heard. Everything that is rendered is
kept, under the fingerprint of the weights, so an interrupted evaluation goes on where it stopped.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from megami.corpus import (
    CorpusConfig,
    build_features,
    build_songs,
    load_mixes,
    load_song,
    mix_contents,
    song_paths,
)
from megami.corpus.datasets import fingerprint
from megami.corpus.features import mix_paths
from megami.corpus.parallel import build_files
from megami.errors import UserError
from megami.evaluation import systems
from megami.evaluation.comparison import SongSet, comparison_rows
from megami.evaluation.encoders import adaptor_rows, encoder_rows
from megami.evaluation.processors import processor_rows
from megami.evaluation.render import HEARD_LUFS, HearMixes, write_plan
from megami.evaluation.results import Row
from megami.evaluation.sampler_study import sampler_rows
from megami.evaluation.systems import TrainingTracks
from megami.mixing import Mixer, weights_folder
from megami.presets import load_network
from megami.studio import ROLES, Song

CHAIN_SYSTEMS = (
    "reference",
    "engineers",
    "raw_sum",
    "equal_loudness",
    "rule_based_chain",
    "random_chain",
    "nearest_neighbour_chain",
)
UNHEARING = ("reference", "engineers", "raw_sum", "equal_loudness", "rule_based_chain", "random_chain")
"""Systems that no content embedding has a say in: what they mixed is kept when the content encoder changes."""
EMBEDDING_SYSTEMS = (
    "megami",
    "megami_wet_content",
    "megami_adapted",
    "megami_as_learned",
    "regression",
    "per_track",
    "rule_based",
    "nearest_neighbour",
    "random",
    "engineers_processor",
)
TRUE_DRY = "megami_true_dry"
"""The oracle that was trained on the content of dry tracks; a system only where the weights have its network."""
DRAWN_SYSTEMS = ("megami", "megami_wet_content", "megami_adapted", "megami_as_learned", "per_track", TRUE_DRY)
"""Systems that are sampled, so that what they mixed depends on how."""


@dataclass(frozen=True)
class EvaluationConfig:
    """How much is measured; with the defaults over an hour on two cores, most of it rendering."""

    corpus: CorpusConfig = CorpusConfig(test_songs=12, mixes_per_song=20)
    training_songs: int = 100  # that random and nearest_neighbour borrow from
    training_mixes: int = 4
    mixes: int = 10  # of each song by every system, beside as many by the engineers
    many_mixes: int = 32  # by the systems that draw, for coverage
    chains: int = 400
    crops: int = 400
    sampler_songs: int = 12  # 0 leaves out the study of the sampler
    sampler_mixes: int = 24
    target_lufs: float = HEARD_LUFS  # at which every mix is heard

    @staticmethod
    def quick() -> EvaluationConfig:
        """The same on a few songs: minutes."""
        corpus = CorpusConfig(test_songs=6, mixes_per_song=10)
        return EvaluationConfig(corpus, 24, 2, mixes=5, many_mixes=5, chains=100, crops=100, sampler_songs=0)


@dataclass(frozen=True, eq=False)
class Stage:
    """What the sections of an evaluation share."""

    mixer: Mixer
    others: dict[
        str, Mixer
    ]  # the same but for the generator: "regression", "per_track", and the oracle if there is one
    weights: str
    cache: Path
    config: EvaluationConfig
    seed: int
    workers: int | None

    @functools.cache  # noqa: B019 - an evaluation has one Stage, which lives as long as the program
    def folder(self, system: str) -> Path:
        """Folder of what a system mixed, under the mark of all that its mixes depend on."""
        networks = self.mixer.networks
        fx_encoder, content_encoder = networks.own_encoders()
        parts: list[Any] = [fx_encoder]
        if system not in UNHEARING:
            parts.append(content_encoder)
        if system not in CHAIN_SYSTEMS:
            parts += [networks.adaptor, networks.processor]
        if system in DRAWN_SYSTEMS or system == "regression":
            parts.append(self.others.get(system, self.mixer).networks.generator)
        options: tuple[object, ...] = (self.config, self.seed)
        if system in DRAWN_SYSTEMS:
            options += (self.mixer.preset.sampling,)
        marks = [fingerprint(part) + repr(part.config) for part in parts] + [repr(options)]
        return self.cache / "heard" / hashlib.sha256("".join(marks).encode()).hexdigest()[:12]

    @property
    def embedding_systems(self) -> tuple[str, ...]:
        """Systems whose embeddings go through the processor."""
        return (*EMBEDDING_SYSTEMS, TRUE_DRY) if TRUE_DRY in self.others else EMBEDDING_SYSTEMS

    def plan(self, system: str, song: str) -> Path:
        """File of what a system decided about a song."""
        return self.folder(system) / "plans" / system / song

    def names(self) -> list[str]:
        """File names of the test songs."""
        return [path.name for path in song_paths(self.cache, "test", self.config.corpus)]


def evaluate(
    weights: str, cache: Path, workers: int | None = None, config: EvaluationConfig = EvaluationConfig(), seed: int = 0
) -> list[Row]:
    """Measure all networks of `weights` (a name or folder) and all systems, and return the rows.

    A folder that also has `generator_true_dry` gives one more system, "megami_true_dry".

    Songs, features and rendered mixes are kept in `cache`. Raises UserError if the weights, their baselines or the
    SoundFont are not there, and for the published weights, which have no baselines.
    """
    if weights == "paper":
        raise UserError("the evaluation needs baselines trained beside the generator, and paper has none: use small")
    mixer, folder = Mixer.from_pretrained(weights, "cpu"), weights_folder(weights)
    stage = Stage(mixer, other_mixers(mixer, folder), weights, cache, config, seed, workers)
    networks = mixer.networks
    prepare(stage)
    rows = encoder_rows(networks, cache, config.corpus, config.chains, workers)
    rows += adaptor_rows(networks, cache, config.corpus)
    rows += processor_rows(networks, folder, cache, config.corpus, config.crops, workers)
    rows += mixing_rows(stage)
    if config.sampler_songs:
        rows += sampler_rows(mixer, *sampler_material(stage), config.sampler_mixes, seed)
    return rows


def other_mixers(mixer: Mixer, folder: Path) -> dict[str, Mixer]:
    """Mixers with the generators that MEGAMI's is measured against, and the oracle's where the folder has one."""
    names = {"regression": "generator_regression", "per_track": "generator_per_track"}
    if (folder / "generator_true_dry.safetensors").exists():
        names[TRUE_DRY] = "generator_true_dry"
    return {
        system: Mixer(replace(mixer.networks, generator=load_network(folder, name)), mixer.device)
        for system, name in names.items()
    }


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
    for name in stage.names():  # what the rules did, as embeddings, through the same processor as the others
        with np.load(stage.folder("rule_based_chain") / "rule_based_chain" / name) as file:
            write_plan(stage.plan("rule_based", name), torch.from_numpy(file["z"]))
    for system in stage.embedding_systems:
        hear(stage, system)
    roles = [torch.tensor([ROLES.index(role) for role in song.roles]) for song in songs]
    every = (*CHAIN_SYSTEMS, *stage.embedding_systems)
    sets = [SongSet.load(stage.folder(system), stage.names(), system) for system in every]
    return comparison_rows(sets, roles, engineers, stage.config.mixes)


def hear(stage: Stage, system: str) -> None:
    """Render and describe one system's mixes of all test songs."""
    folder = stage.folder(system)
    targets = None if system == "reference" else stage.folder("reference") / "plans" / "reference"
    build = HearMixes(folder / "plans", stage.cache / "songs", stage.weights, targets, stage.config.target_lufs)
    build_files(build, [folder / system / name for name in stage.names()], stage.workers, f"mixes by {system}")


@dataclass(frozen=True)
class Engineered:
    """What the engineers did to one test song: embeddings and adapted content per mix, chains and names."""

    effects: Tensor  # [mixes, tracks, dim]
    content: Tensor  # [mixes, tracks, dim], of the wet tracks
    dry_content: Tensor  # [tracks, dim], of the dry tracks
    adapted_content: Tensor  # [tracks, dim], the same through the adaptor
    chains: list[list[str]]
    names: np.ndarray  # [mixes]

    def told(self, adapt_dry: bool) -> Tensor:
        """What a generator is given, by the option of its preset: [tracks, dim]."""
        return self.adapted_content if adapt_dry else self.dry_content


@torch.no_grad()
def engineers_of(stage: Stage) -> list[Engineered]:
    """The engineers' mixes of every test song."""
    corpus, networks = stage.config.corpus, stage.mixer.networks
    fx_encoder, content_encoder = networks.own_encoders()
    listeners = (fx_encoder, content_encoder, networks.adaptor)
    mixes = load_mixes(stage.cache, corpus, ("test",), networks.preset.embedding, *listeners)
    contents = mix_contents(stage.cache, corpus, content_encoder, "test")
    paths, per_song = mix_paths(stage.cache, "test", corpus), corpus.mixes_per_song
    answer = []
    for first in range(0, len(paths), per_song):
        own = range(first, first + per_song)
        files = [np.load(paths[i], allow_pickle=False) for i in own]
        answer.append(
            Engineered(
                torch.stack([mixes.effects[i] for i in own]),
                torch.stack([mixes.contents[i][0] for i in own]),
                contents[first][1],
                networks.adaptor(contents[first][1]),
                [[str(chain) for chain in file["chains"]] for file in files],
                np.array([str(file["engineer"]) for file in files]),
            )
        )
    return answer


def training_tracks(stage: Stage) -> TrainingTracks:
    """The tracks that random and nearest_neighbour borrow from."""
    config, networks = stage.config, stage.mixer.networks
    corpus = replace(config.corpus, train_songs=config.training_songs, mixes_per_song=config.training_mixes)
    fx_encoder, content_encoder = networks.own_encoders()
    listeners = (fx_encoder, content_encoder, networks.adaptor)
    effects = load_mixes(stage.cache, corpus, ("train",), networks.preset.embedding, *listeners).effects
    dry = [pair[1] for pair in mix_contents(stage.cache, corpus, content_encoder, "train")]
    chains: list[str] = []
    for path in mix_paths(stage.cache, "train", corpus):
        with np.load(path, allow_pickle=False) as file:
            chains += [str(chain) for chain in file["chains"]]
    mix = np.repeat(np.arange(len(effects)), [len(item) for item in effects])
    return TrainingTracks(torch.cat(effects), torch.cat(dry), tuple(chains), mix)


def write_engineers(stage: Stage, engineers: list[Engineered]) -> None:
    """Plans of the reference, of the engineers against it, and of their embeddings through the processor."""
    half = stage.config.mixes
    for name, song in zip(stage.names(), engineers, strict=True):
        write_plan(stage.plan("reference", name), chains=song.chains[:half])
        write_plan(stage.plan("engineers", name), chains=song.chains[half : 2 * half])
        write_plan(stage.plan("engineers_processor", name), song.effects[half : 2 * half])


def write_chain_systems(stage: Stage, songs: list[Song]) -> None:
    """Plans of the systems that need no network."""
    for name, song in zip(stage.names(), songs, strict=True):
        by_rule = [systems.rule_based(song, stage.seed + k) for k in range(stage.config.mixes)]
        for system, chains in (
            ("raw_sum", [systems.raw_sum(song)]),
            ("equal_loudness", [systems.equal_loudness(song)]),
            ("rule_based_chain", by_rule),
        ):
            write_plan(stage.plan(system, name), chains=[[chain.to_json() for chain in mix] for mix in chains])


@torch.no_grad()
def write_embedding_systems(stage: Stage, songs: list[Engineered]) -> None:
    """Plans of all systems that decide by embeddings."""
    config, mixer = stage.config, stage.mixer
    training = training_tracks(stage)
    as_learned = mixer.preset.sampling.but(temperature=1.0)
    for index, (name, song) in enumerate(zip(stage.names(), songs, strict=True)):
        content = song.told(mixer.preset.adapt_dry)
        tracks, seed = len(content), stage.seed + index
        borrowed = {
            "random": systems.choose_random(training, tracks, config.mixes, seed),
            "nearest_neighbour": systems.choose_nearest(training, song.dry_content, config.mixes),
        }
        for system, chosen in borrowed.items():
            write_plan(stage.plan(system, name), training.effects[torch.from_numpy(chosen)])
            chains = [[training.chains[item] for item in mix] for mix in chosen]
            write_plan(stage.plan(f"{system}_chain", name), chains=chains)
        wet = [mixer.generate(song.content[k], 1, seed=seed + 1000 * k) for k in range(config.mixes)]
        drawn = {
            "megami": mixer.generate(content, config.many_mixes, seed=seed),
            "megami_wet_content": torch.cat(wet),
            "megami_adapted": mixer.generate(song.adapted_content, config.mixes, seed=seed),
            "megami_as_learned": mixer.generate(content, config.many_mixes, seed=seed, sampling=as_learned),
            "per_track": systems.draw_per_track(stage.others["per_track"], content, config.many_mixes, seed),
            "regression": systems.regress(stage.others["regression"], content),
        }
        if TRUE_DRY in stage.others:
            drawn[TRUE_DRY] = stage.others[TRUE_DRY].generate(song.dry_content, config.many_mixes, seed=seed)
        for system, z in drawn.items():
            write_plan(stage.plan(system, name), z)


def sampler_material(stage: Stage) -> tuple[list[Tensor], list[Tensor]]:
    """What the generator is told of some test songs, and the engineers' embeddings of them."""
    songs = engineers_of(stage)[: stage.config.sampler_songs]
    adapt = stage.mixer.preset.adapt_dry
    return [song.told(adapt) for song in songs], [song.effects for song in songs]


def origin(weights: str, quick: bool, seed: int) -> dict[str, object]:
    """How a results file was made: command, seed, commit, hashes of the weights, machine."""
    files = sorted(Path(weights_folder(weights)).glob("*.safetensors"))
    options = f"{'--quick ' if quick else ''}--weights {Path(weights).name} --seed {seed}"
    machine = f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads"
    return {
        "command": f"megami evaluate {options} --out results.json",
        "seed": seed,
        "commit": commit(),
        "weights": {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files},
        "machine": f"{machine}, torch {torch.__version__}",
    }


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
