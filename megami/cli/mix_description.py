"""What `mixes.json` says of a run: what was asked, and what came out of each mix and of each of its tracks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from megami import __version__
from megami.audio import SAMPLE_RATE, Multitrack, framed_level_db, integrated_loudness, true_peak_db
from megami.cli.mix_page import readable
from megami.cli.plans import ENCODER
from megami.embeddings import EmbeddingConfig, decode, stereo_imbalance, stereo_width
from megami.mixing.mix import Mix, mix_rate
from megami.mixing.mixer import Mixer
from megami.mixing.pretrained import encoder_of_plans
from megami.mixing.reference import read_weighted

if TYPE_CHECKING:
    from megami.cli.mix_job import MixJob


def describe_job(job: MixJob, mixer: Mixer, song: Multitrack) -> dict:
    """What was asked, as mixes.json says it."""
    asked: dict[str, Any] = {"keep": job.kept.in_words(), "wishes": list(job.wishes), "amounts": list(job.amounts)}
    records = (read_weighted(text) for text in job.references)
    asked["references"] = [readable(path.name) + ("" if weight == 1 else f":{weight:g}") for path, weight in records]
    if job.reference_stems is not None:
        asked["reference_stems"] = readable(job.reference_stems.resolve().name)
    return {
        "megami": __version__,
        "stems": readable(job.stems.resolve().name),
        "tracks": song.num_tracks,
        "seconds": round(song.seconds, 3),
        "sample_rate": mix_rate(song.sample_rate),
        "weights": readable(Path(job.weights).name),
        ENCODER: encoder_of_plans(job.weights),
        "processor": mixer.preset.processor_kind,
        "compat": job.compat,
        "precision": mixer.precision,
        "mono_stems": job.mono_stems,
        "use_all": job.use_all,
        "roles": job.roles_of(song.names),
        "seed": job.seed,
        "steps": job.steps,
        "guidance": job.guidance,
        "temperature": job.temperature,
        "target_loudness_lufs": job.loudness_lufs,
        **{name: said for name, said in asked.items() if said},
    }


def describe_mix(one: Mix, config: EmbeddingConfig, tracks_written: bool = False) -> dict:
    """What came out of a mix, and what was decided for each of its tracks."""
    words: dict[str, Any] = {
        "loudness_lufs": rounded(integrated_loudness(one.audio, one.sample_rate)),
        "true_peak_dbtp": rounded(true_peak_db(one.audio, one.sample_rate)),
    }
    if tracks_written:
        words["wet_tracks_turned_down_db"] = rounded(one.turned_down_db)
    if one.followed:
        words["treated_like"] = {name: stem for name, stem in zip(one.names, one.followed, strict=True) if stem}
    if one.outcomes:
        words["wishes"] = [outcome.as_dict() for outcome in one.outcomes]
    tracks = zip(one.names, one.tracks, one.embeddings, strict=True)
    return {**words, "tracks": {name: describe_track(wet, z, config, one.sample_rate) for name, wet, z in tracks}}


def describe_track(wet: Tensor, z: Tensor, config: EmbeddingConfig, sample_rate: int = SAMPLE_RATE) -> dict | str:
    """Decisions in z [dim], and the level of wet [2, samples] in the mastered mix; pairs are left and right.

    Levels are those of the loudest 400 ms in dB; imbalance is -1 (left) to 1 (right); width is side over mid energy.
    What ends in _in_mix was measured, the rest was asked for.
    """
    if not bool(z.any()):
        return "silent"
    decided = decode(config, z)
    return {
        "level_db": [rounded(value) for value in decided["level_db"].tolist()],
        "imbalance": rounded(float(decided["imbalance"])),
        "width": rounded(float(decided["width"])),
        "crest_db": [rounded(value) for value in decided["crest_db"].tolist()],
        "level_in_mix_db": [rounded(value) for value in framed_level_db(wet, sample_rate).tolist()],
        "imbalance_in_mix": rounded(float(stereo_imbalance(wet))),
        "width_in_mix": rounded(float(stereo_width(wet))),
    }


def rounded(value: float) -> float | None:
    """Two decimals; None for what JSON has no number for."""
    return round(value, 2) if math.isfinite(value) else None
