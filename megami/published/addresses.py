"""The published files: their names, where they come from, what they may be used for, and where they are kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from megami.errors import UserError

RELEASE = "https://github.com/SonyResearch/MEGAMI/releases/download/v0"
REPOSITORY = "https://raw.githubusercontent.com/SonyResearch/MEGAMI/3b04d8b"  # a commit: files on main are renamed
HUB = "https://huggingface.co"
BY_NC_SA = "CC BY-NC-SA 4.0, https://creativecommons.org/licenses/by-nc-sa/4.0/"
BY_NC = "CC BY-NC 4.0, https://creativecommons.org/licenses/by-nc/4.0/"
CC0 = "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True)
class PublishedFile:
    """One file of the paper preset.

    `sha256` None: not known to us; the first download is recorded, and a later change is an error. `about_mb`: its size
    in megabytes where its host states one, else None. `aliases`: other names under which people have it.
    """

    name: str
    url: str
    what: str
    licence: str
    sha256: str | None = None
    about_mb: float | None = None
    aliases: tuple[str, ...] = ()
    to_mix: bool = True  # False: for training and evaluation only

    def inside(self, folder: Path) -> Path:
        """Say where the file is in a folder: under its name, or one of its aliases if only that is there."""
        names = [name for name in (self.name, *self.aliases) if (folder / name).is_file()]
        return folder / (names[0] if names else self.name)


GENERATOR = PublishedFile(
    "FxGenerator_public.pt",
    f"{RELEASE}/FxGenerator_public.pt",
    "generator of effect embeddings",
    BY_NC_SA,
    sha256="709633795b96d54a1c73855cac2f9564bc3f57f2868b992b22c6d7ef8608d9b1",
)
PROCESSOR = PublishedFile(
    "FxProcessor_public.pt",
    f"{RELEASE}/FxProcessor_public.pt",
    "effect processor",
    BY_NC_SA,
    sha256="c7d45fc2c9b33a194cab09c3f39828023b33817aed893c395d3a8d5a60783635",
)
ADAPTOR = PublishedFile(
    "CLAP_DA_public.pt",
    f"{RELEASE}/CLAP_DA_public.pt",
    "domain adaptor",
    BY_NC_SA,
    sha256="f3bdc12a26f9293d8bf809df800064000a3df490cc1d8a95d6d4d4f138157e3d",
)
FEATURES = PublishedFile(
    "features.npy",
    f"{REPOSITORY}/utils/fx_normalization/features.npy",
    "average spectrum for FxNorm",
    BY_NC_SA,
    sha256="1271839aa88a321deb76fb3e4f3059eeee26cf64c4071cd116e1e4a69d896d74",
    aliases=("features_tency1_4instr_v4.npy",),
)
CLAP = PublishedFile(
    "music_audioset_epoch_15_esc_90.14.pt",
    f"{HUB}/lukewys/laion_clap/resolve/main/music_audioset_epoch_15_esc_90.14.pt",
    "CLAP, of which the audio half is read",
    CC0,
    about_mb=2350.0,
    aliases=("music_audioset_epoch_15_esc_90.14.patched.pt",),
)
FX_ENCODER = PublishedFile(
    "fxenc_plusplus_default.pt",
    f"{HUB}/yytung/fxencoder-plusplus/resolve/main/fxenc_plusplus_default.pt",
    "FxEncoder++, to train and evaluate only",
    BY_NC,
    about_mb=1610.0,
    to_mix=False,
)
PAPER_FILES = (GENERATOR, PROCESSOR, ADAPTOR, FEATURES, CLAP, FX_ENCODER)


def home() -> Path:
    """Say where downloads are kept: MEGAMI_HOME, else `megami` in the user's cache folder; UserError without a home."""
    named, cache = os.environ.get("MEGAMI_HOME"), os.environ.get("XDG_CACHE_HOME")
    try:
        if named:
            return Path(named).expanduser()
        return (Path(cache) if cache else Path.home() / ".cache") / "megami"
    except RuntimeError:
        raise UserError("no home folder to keep downloads in: set MEGAMI_HOME to a folder's full path") from None


def paper_folder() -> Path:
    """Say where the published files are kept once downloaded."""
    return home() / "weights" / "paper"


def published_folder(weights_dir: str | Path | None) -> Path:
    """Say where the published files are looked for. Raises UserError for a folder that is not there."""
    if weights_dir is None:
        return paper_folder()
    folder = Path(weights_dir)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of weights")
    return folder


def published_path(file: PublishedFile, folder: Path) -> Path:
    """Find a published file in a folder; UserError that says how to get it if it is not there."""
    path = file.inside(folder)
    if path.is_file():
        return path
    if folder == paper_folder():
        raise UserError(
            f"{file.name} ({file.what}) has not been downloaded: run 'megami weights download paper"
            f"{'' if file.to_mix else ' --all'}', or name a folder that has it with --weights-dir"
        )
    raise UserError(f"{folder}: {file.name} ({file.what}) is missing there")
