"""Large arrays live in temporary files: the samples are the same, and the files go with them."""

from __future__ import annotations

import errno
import gc
import os
import sys
from pathlib import Path

import pytest
import torch

from megami.audio import kept_large, large, large_zeros

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads what is mapped from /proc")


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Every array counts as large; the folder that they are kept in."""
    monkeypatch.setattr(large, "LARGE_BYTES", 0)
    monkeypatch.setenv(large.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def mapped_from(folder: Path) -> int:
    """How many files of a folder this process has mapped into its memory."""
    return sum(str(folder) in line for line in Path("/proc/self/maps").read_text().splitlines())


@LINUX
def test_what_is_large_is_in_a_file_that_nobody_sees_and_that_goes_with_it(all_large: Path) -> None:
    audio = large_zeros(3, 2, 1000)
    audio[1] = 0.5
    assert audio.shape == (3, 2, 1000) and audio.sum() == 1000 and mapped_from(all_large) == 1
    part = audio[1]
    del audio
    gc.collect()
    assert (part == 0.5).all() and mapped_from(all_large) == 1  # as long as any of its samples are used
    assert not any(all_large.iterdir())
    del part
    gc.collect()
    assert mapped_from(all_large) == 0


@LINUX
def test_small_arrays_stay_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(large.FOLDER_VARIABLE, str(tmp_path))
    audio = torch.ones(2, 1000)
    assert kept_large(audio) is audio
    assert large_zeros(2, 1000).sum() == 0 and mapped_from(tmp_path) == 0
    among_many = kept_large(audio, among=10**6)
    assert torch.equal(among_many, audio) and mapped_from(tmp_path) == 1


def test_other_kinds_of_numbers_and_devices_are_kept(all_large: Path) -> None:
    assert large_zeros(2, 3, like=torch.zeros(1, dtype=torch.float64)).dtype == torch.float64
    assert large_zeros(2, 3, like=torch.zeros(1, device="meta")).device.type == "meta"
    doubled = large.large_map(lambda track: 2 * track, torch.ones(2, 3, dtype=torch.float64))
    assert doubled.dtype == torch.float64 and (doubled == 2).all()


def test_without_room_on_the_disk_they_are_ordinary(all_large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(large, "_reserve", full)
    assert torch.equal(large_zeros(2, 10), torch.zeros(2, 10)) and not any(all_large.iterdir())
    monkeypatch.setenv(large.FOLDER_VARIABLE, str(all_large / "not_there"))
    assert torch.equal(large_zeros(2, 10), torch.zeros(2, 10))


def test_the_place_is_reserved_where_the_system_cannot(all_large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    audio = large_zeros(300_000)  # more than the pieces in which zeros are written
    audio += 1
    assert audio.sum() == 300_000
