"""A file whose hash nobody stated is read before its hash is recorded: a login page is not recorded as weights."""

from __future__ import annotations

import functools

import pytest
import torch
from checkpoint_files import stored
from file_server import names
from refusals import refusal

from megami.published import fetch
from megami.published.addresses import CLAP, FX_ENCODER
from megami.published.download import download

PAGE = b"  <!DOCTYPE html>\n<html><body>Log in to the library's network</body></html>"


def checkpoint(file, value: float = 0.5) -> bytes:
    """A small one with the keys that are read, under their published prefixes, and some that are not."""
    prefixes = ("audio_branch.", "audio_projection.", "text_branch.")
    if file is FX_ENCODER:
        prefixes = ("fx_encoder.", "fx_encoder_projection.", "logit_scale_m")
    return stored({"state_dict": {f"{prefix}weight": torch.full((64, 64), value) for prefix in prefixes}})


@pytest.fixture(params=[CLAP, FX_ENCODER], ids=["clap", "fx_encoder"])
def file(request, monkeypatch, tmp_path):
    """A published file of unknown hash; nothing else is wanted."""
    monkeypatch.setattr(fetch, "PAPER_FILES", (request.param,))
    monkeypatch.setattr(fetch, "download", functools.partial(download, tries=2, wait_s=0.01, show=False))
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path / "home"))
    return request.param


@pytest.fixture
def target(file, tmp_path):
    """Where it is to appear."""
    return tmp_path / "home" / "weights" / "paper" / file.name


def get(site) -> None:
    list(fetch.download_paper(everything=True, mirror=site.url.rpartition("/")[0]))


def test_a_checkpoint_is_recorded(site, file, target):
    site.files[file.name] = checkpoint(file)
    get(site)
    assert target.read_bytes() == checkpoint(file) and names(target) == [file.name, f"{file.name}.sha256"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda file: b"", "nothing came"),
        (lambda file: PAGE, "a web page came"),
        (lambda file: b"\x00" * 5000, ""),
        (lambda file: checkpoint(file)[:-300], ""),
        (lambda file: checkpoint(file)[:2000], ""),
        (lambda file: stored({"state_dict": {"other.weight": torch.ones(3)}}), "other.weight"),
        (lambda file: stored({"state_dict": {}}), ""),
        (lambda file: checkpoint(file, float("nan")), "not finite"),
    ],
    ids=["empty", "login page", "zeros", "end missing", "most missing", "other keys", "no keys", "NaN"],
)
@pytest.mark.parametrize("says_length", [True, False])
def test_what_is_no_checkpoint_is_neither_kept_nor_recorded(site, file, target, make, reason, says_length):
    site.files[file.name], site.says_length = make(file), says_length
    line = refusal(lambda: get(site), f"{file.name}: not {file.what}", reason, "try again")
    assert str(target.parent) not in line and names(target) == []
    site.files[file.name] = checkpoint(file)
    get(site)
    assert target.read_bytes() == checkpoint(file)


def test_a_file_without_a_record_is_read_too(site, file, target):
    """Put there by hand, or come when the record could not be written."""
    target.parent.mkdir(parents=True)
    target.write_bytes(PAGE)
    refusal(lambda: get(site), file.name, "a web page came")
    assert names(target) == [file.name] and not site.log
