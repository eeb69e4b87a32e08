"""What the disk refuses, what other processes do at the same time, and interruptions: a download survives them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from file_server import CONTENT, NAME, PART, SHA256, Site, assert_line, leave_part, names
from filelock import FileLock
from refusals import refusal

from megami.errors import UserError
from megami.published import download as module
from megami.published.download import download

FETCHER = """
    import resource, signal, sys, types
    room = types.ModuleType("megami.published")  # The room without its networks: torch takes seconds to load.
    room.__path__ = ["megami/published"]
    sys.modules["megami.published"] = room
    from pathlib import Path
    from megami.errors import UserError
    from megami.published.download import download
    url, path, sha256, limit = sys.argv[1:]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        download(url, Path(path), sha256, wait_s=0.01)
    except UserError as error:
        sys.exit(f"{error}")
    loaded = {"torch"} & set(sys.modules)
    sys.exit(f"loaded {loaded}" if loaded else 0)
"""


def fetch_in_process(site: Site, path: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """A download in a process of its own that may write files of `limit` bytes at most."""
    command = [sys.executable, "-c", textwrap.dedent(FETCHER), site.url, str(path), SHA256, str(limit)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=30, check=False)


def test_a_process_that_may_write_only_so_much(site, path):
    ran = fetch_in_process(site, path, 100_000)
    assert ran.returncode == 1 and ran.stdout == ""
    assert_line(ran.stderr, str(path), "File too large", "MEGAMI_HOME", "goes on where it stopped")
    assert names(path) == PART
    assert path.with_name(PART[0]).read_bytes() == CONTENT[:100_000]
    ran = fetch_in_process(site, path, 1_000_000)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")  # silent without a terminal
    assert site.asked("Range") == [None, "bytes=100000-"]
    assert path.read_bytes() == CONTENT and names(path) == [NAME]


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system with room for 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", disk):
        pytest.skip("no file system can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True, timeout=10)


def mount(*arguments: object) -> bool:
    """Whether mounting worked."""
    with_tool = sys.platform == "linux" and shutil.which("mount")
    if not with_tool:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, timeout=10, check=False).returncode == 0


def test_full_disk(site, small_disk):
    site.files[NAME], site.says_length = CONTENT * 10, False
    sha256, path = hashlib.sha256(site.files[NAME]).hexdigest(), small_disk / "big.bin"

    def run() -> str:
        return download(site.url, path, sha256, wait_s=0.01)

    refusal(run, str(path), "No space left on device", "MEGAMI_HOME", "goes on where it stopped")
    assert names(path) == PART
    fetched = path.with_name(PART[0]).stat().st_size
    assert 500_000 < fetched < 1 << 20
    refusal(run, "not enough room on the disk", "2.0 MB are needed")  # Of a range, the server gave the length.
    assert names(path) == PART and path.with_name(PART[0]).stat().st_size == fetched
    assert mount("-o", "remount,size=8m", small_disk)
    assert run() == sha256
    assert f"bytes={fetched}-" in site.asked("Range")
    assert path.read_bytes() == site.files[NAME] and names(path) == [NAME]


@pytest.fixture
def room(tmp_path, monkeypatch) -> Callable[[int], None]:
    """Give room(free): pretend that the disk has so many bytes left."""

    def pretend(free: int) -> None:
        usage = shutil.disk_usage(tmp_path)._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)

    return pretend


def test_too_little_room(site, path, fetch, room):
    room(100_000)
    refusal(fetch, str(path), "0.3 MB are needed", "0.1 MB are free", "MEGAMI_HOME")
    assert names(path) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_room_for_the_rest_is_enough_also_if_it_begins_anew(site, path, fetch, room, ranges):
    leave_part(site, path, CONTENT[:250_000])
    site.ranges = ranges
    room(50_000)
    assert fetch() == SHA256


@pytest.mark.parametrize(("folder", "words"), [(NAME, "is a folder"), (PART[0], "Is a directory")])
def test_a_folder_is_in_the_way(site, path, fetch, folder, words):
    path.with_name(folder).mkdir(parents=True)
    refusal(fetch, str(path), words)
    assert names(path) == [folder]


def test_a_file_is_in_the_place_of_the_folder(site, path, fetch):
    path.parent.write_bytes(b"")
    refusal(fetch, str(path), "cannot be written")
    assert site.log == []


def test_only_one_at_a_time(site, path, fetch):
    path.parent.mkdir()
    with FileLock(path.with_name("big.bin.lock")):
        refusal(fetch, "another download of big.bin is running")
        assert site.log == [] and names(path) == ["big.bin.lock"]
    assert fetch() == SHA256
    assert names(path) == [NAME]


def test_two_at_once(site, path, fetch):
    results = []

    def run() -> None:
        try:
            results.append(fetch())
        except UserError as error:
            results.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(results) == 6 and SHA256 in results
    assert all(result == SHA256 or "another download of big.bin is running" in result for result in results)
    assert path.read_bytes() == CONTENT and names(path) == [NAME]


def test_an_interrupted_download_goes_on_the_next_time(site, path, fetch, monkeypatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    site.cuts = [200_000]
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module.time, "sleep", interrupt)
        fetch()
    assert names(path) == PART
    assert fetch() == SHA256
    assert site.asked("Range") == [None, "bytes=200000-"]
