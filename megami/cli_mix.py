"""What `megami mix` does: read, mix, write everything beside the target, and move it there when all of it is whole."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from megami.audio import SAMPLE_RATE, Multitrack, integrated_loudness, master, read_multitrack, resample, true_peak_db
from megami.embeddings import level_db
from megami.errors import UserError
from megami.mixer import Mix, Mixer, check_options
from megami.notebook import listening_page


@dataclass(frozen=True)
class MixJob:
    """The options of `megami mix`; raises UserError for impossible ones before any file is read."""

    stems: Path
    out: Path
    num_mixes: int = 3
    weights: str = "small"
    processor: str | None = None
    seed: int = 0
    steps: int = 25
    guidance: float = 1.0
    device: str = "auto"
    stems_too: bool = False
    format: str = "wav"
    loudness_lufs: float = -16.0
    page: bool = False

    def __post_init__(self) -> None:
        check_options(self.num_mixes, self.steps, self.guidance, self.seed)
        if self.format not in ("wav", "flac"):
            raise UserError(f"unknown format {self.format!r}: use wav or flac")
        if not -60 <= self.loudness_lufs <= -6:
            raise UserError(f"the loudness must be from -60 to -6 LUFS, not {self.loudness_lufs:g}")


def run_mix(job: MixJob) -> list[Path]:
    """Do the job and return the files that were written; on any failure nothing is left behind."""
    check_folder(job.out)
    song = read_multitrack(job.stems)
    mixer = Mixer.from_pretrained(job.weights, device=job.device, processor=job.processor)
    with tqdm(total=2 + job.num_mixes, desc="mixing", leave=False) as progress:
        mixes = mixer.mix(
            song, job.num_mixes, job.steps, job.guidance, job.seed, job.loudness_lufs,
            callback=lambda stage, done, total: (progress.set_postfix_str(stage), progress.update()),
        )
    with appearing_files(job.out) as partial:
        for number, one in enumerate(mixes, 1):
            one.save(partial / f"mix_{number}.{job.format}")
            if job.stems_too:
                one.save_tracks(partial / f"mix_{number}_tracks", f".{job.format}")
        (partial / "mixes.json").write_text(json.dumps(describe(job, mixer, mixes), indent=1) + "\n", encoding="utf-8")
        if job.page:
            write_page(partial / "index.html", song, mixes, job)
        names = sorted(str(path.relative_to(partial)) for path in partial.rglob("*") if path.is_file())
    return [job.out / name for name in names]


def describe(job: MixJob, mixer: Mixer, mixes: list[Mix]) -> dict:
    """What was asked and what was decided, per mix and track."""
    return {
        "stems": job.stems.name, "weights": job.weights, "seed": job.seed, "steps": job.steps, "guidance": job.guidance,
        "mixes": [
            {
                "loudness_lufs": round(integrated_loudness(one.audio, one.sample_rate), 2),
                "true_peak_dbtp": round(true_peak_db(one.audio, one.sample_rate), 2),
                "tracks": {
                    name: {"generated_level_db": [round(v, 2) for v in level]} if silent_not(embedding) else "silent"
                    for name, embedding, level in zip(
                        one.names, one.embeddings, level_db(mixer.preset.embedding, one.embeddings).tolist()
                    )
                },
            }
            for one in mixes
        ],
    }


def silent_not(embedding: torch.Tensor) -> bool:
    """True for a track that took part in the mix."""
    return bool(embedding.abs().sum() > 0)


def write_page(path: Path, song: Multitrack, mixes: list[Mix], job: MixJob) -> Path:
    """Write the page that compares the raw sum and every mix."""
    raw = song.sum()
    raw = raw if song.sample_rate == SAMPLE_RATE else resample(raw, song.sample_rate, SAMPLE_RATE)
    items = [("Raw sum", master(raw, SAMPLE_RATE, job.loudness_lufs))]
    items += [(f"Mix {number}", one.audio) for number, one in enumerate(mixes, 1)]
    subtitle = f"{song.num_tracks} dry tracks, weights {Path(job.weights).name}, seed {job.seed}, {job.steps} steps"
    return listening_page(path, items, SAMPLE_RATE, title=job.stems.resolve().name, subtitle=subtitle)


def check_folder(out: Path) -> None:
    """Raise UserError unless files can be written into `out`, which may not exist yet."""
    existing = out
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise UserError(f"{existing} is not a folder: choose another --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"cannot write into {existing}: choose another --out")


@contextmanager
def appearing_files(out: Path) -> Iterator[Path]:
    """Give a hidden folder inside `out` to write into; its files move to `out` when the block ends well, else vanish."""
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=out))
    except OSError as error:
        raise UserError(f"cannot write into {out} ({error.strerror}): choose another --out") from None
    try:
        yield partial
        for path in sorted(partial.rglob("*")):
            target = out / path.relative_to(partial)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                os.replace(path, target)
    except OSError as error:
        raise UserError(f"writing into {out} failed ({error.strerror}): free some space or choose another --out") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if made and out.is_dir() and not any(out.iterdir()):
            out.rmdir()
