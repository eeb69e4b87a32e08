"""The published files: where they come from, by which hash they are known, and where they are kept."""

from __future__ import annotations

import pytest
from refusals import refusal

from megami.published.addresses import (
    ADAPTOR,
    FX_ENCODER,
    PAPER_FILES,
    home,
    paper_folder,
    published_path,
)
from megami.published.loading import LOADERS

# As listed with the authors' release. None: nobody has stated the hash, so it is recorded on first use.
RELEASE = "https://github.com/SonyResearch/MEGAMI/releases/download/v0"
COMMIT = "https://raw.githubusercontent.com/SonyResearch/MEGAMI/3b04d8b"
LISTED = {
    f"{RELEASE}/FxGenerator_public.pt": "709633795b96d54a1c73855cac2f9564bc3f57f2868b992b22c6d7ef8608d9b1",
    f"{RELEASE}/FxProcessor_public.pt": "c7d45fc2c9b33a194cab09c3f39828023b33817aed893c395d3a8d5a60783635",
    f"{RELEASE}/CLAP_DA_public.pt": "f3bdc12a26f9293d8bf809df800064000a3df490cc1d8a95d6d4d4f138157e3d",
    f"{COMMIT}/utils/fx_normalization/features.npy": "1271839aa88a321deb76fb3e4f3059eeee26cf64c4071cd116e1e4a69d896d74",
    "https://huggingface.co/lukewys/laion_clap/resolve/main/music_audioset_epoch_15_esc_90.14.pt": None,
    "https://huggingface.co/yytung/fxencoder-plusplus/resolve/main/fxenc_plusplus_default.pt": None,
}


def test_addresses_and_hashes_are_those_that_are_listed():
    assert {file.url: file.sha256 for file in PAPER_FILES} == LISTED
    assert all(file.url.endswith(f"/{file.name}") for file in PAPER_FILES)
    assert [file for file in PAPER_FILES if not file.to_mix] == [FX_ENCODER]


def test_every_published_file_has_a_loader():
    assert set(LOADERS) == set(PAPER_FILES)


def test_where_downloads_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("MEGAMI_HOME", raising=False)
    assert home() == tmp_path / "user" / ".cache" / "megami"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert home() == tmp_path / "cache" / "megami"
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path / "own"))
    assert home() == tmp_path / "own" and paper_folder() == tmp_path / "own" / "weights" / "paper"
    monkeypatch.setenv("MEGAMI_HOME", "~/mine")
    assert home() == tmp_path / "user" / "mine"
    monkeypatch.setenv("MEGAMI_HOME", "")
    assert home() == tmp_path / "cache" / "megami"
    monkeypatch.setenv("MEGAMI_HOME", "~no-such-user/mine")
    refusal(home, "MEGAMI_HOME", "full path")


@pytest.mark.parametrize("file", PAPER_FILES, ids=lambda file: file.name)
def test_a_file_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch, file):
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path))
    advice = ("megami weights download paper", "--weights-dir")
    line = refusal(lambda: published_path(file, paper_folder()), file.name, *advice)
    assert ("--all" in line) == (file is FX_ENCODER)
    line = refusal(lambda: LOADERS[file](tmp_path), str(tmp_path), file.name, "missing there")
    assert "download" not in line


OLD_NAMES = ("features_tency1_4instr_v4.npy", "music_audioset_epoch_15_esc_90.14.patched.pt")


def test_files_are_found_under_older_names_too(tmp_path):
    assert sorted(alias for file in PAPER_FILES for alias in file.aliases) == sorted(OLD_NAMES)
    for file in PAPER_FILES:
        for name in (*reversed(file.aliases), file.name):  # its own name counts where both are
            (tmp_path / name).write_bytes(b"")
            assert published_path(file, tmp_path) == tmp_path / name


def test_a_folder_in_the_place_of_a_file_is_not_a_file(tmp_path):
    (tmp_path / ADAPTOR.name).mkdir()
    refusal(lambda: published_path(ADAPTOR, tmp_path), ADAPTOR.name, "missing there")
