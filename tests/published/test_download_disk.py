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
from file_server import CONTENT, PART, SHA256, Site, assert_line, leave_part, names
from refusals import refusal

from megami.errors import UserError
from megami.published import download as module
from megami.published import partial_file
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


def test_file_size_limit(site, path, fetch):
    ran = fetch_in_process(site, path, 100_000)
    assert ran.returncode == 1 and ran.stdout == ""
    assert_line(ran.stderr, str(path), "File too large", "MEGAMI_HOME", "goes on where it stopped")
    assert names(path) == PART
    assert path.with_name(PART[0]).read_bytes() == CONTENT[:100_000]
    assert fetch() == SHA256
    assert site.asked("Range") == [None, "bytes=100000-"]
    assert path.read_bytes() == CONTENT and names(path) == ["big.bin"]


def test_silent_without_terminal(site, path):
    ran = fetch_in_process(site, path, 1_000_000)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert path.read_bytes() == CONTENT


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
    site.content, site.says_length = CONTENT * 10, False
    sha256, path = hashlib.sha256(site.content).hexdigest(), small_disk / "big.bin"

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
    assert path.read_bytes() == site.content and names(path) == ["big.bin"]


def test_disk_too_full_to_begin(site, small_disk):
    (small_disk / "filler").write_bytes(b"\0" * (1 << 20))
    site.says_length = False
    refusal(lambda: download(site.url, small_disk / "big.bin", wait_s=0.01), "No space left", "MEGAMI_HOME")
    assert set(names(small_disk / "big.bin")) <= {"filler", "big.bin.part"}


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


def test_room_for_the_rest_is_enough(site, path, fetch, room):
    leave_part(site, path, CONTENT[:250_000])
    room(50_000)
    assert fetch() == SHA256


def test_room_of_a_part_that_is_given_up_counts(site, path, fetch, room):
    leave_part(site, path, CONTENT[:250_000])
    site.ranges = False
    room(50_000)
    assert fetch() == SHA256


def test_target_is_a_folder(site, path, fetch):
    path.mkdir(parents=True)
    refusal(fetch, str(path), "is a folder")
    assert site.log == [] and names(path) == ["big.bin"]


def test_parent_is_a_file(site, path, fetch):
    path.parent.write_bytes(b"")
    refusal(fetch, str(path), "cannot be written")
    assert site.log == []


def test_part_is_a_folder(path, fetch):
    path.with_name(PART[0]).mkdir(parents=True)
    refusal(fetch, str(path), "cannot be written", "Is a directory")
    assert names(path) == PART[:1]


def test_only_one_at_a_time(site, path, fetch):
    fcntl = pytest.importorskip("fcntl")
    path.parent.mkdir()
    lock = path.with_name("big.bin.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refusal(fetch, "another download of big.bin is running")
        assert site.log == [] and names(path) == ["big.bin.lock"]
    assert fetch() == SHA256
    assert names(path) == ["big.bin"]


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
    assert path.read_bytes() == CONTENT and names(path) == ["big.bin"]


def test_a_lock_removed_between_opening_and_locking(path, fetch, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    flock, lock, calls = fcntl.flock, path.with_name("big.bin.lock"), []

    def late(file: object, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            lock.unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    assert fetch() == SHA256
    assert len(calls) == 2 and names(path) == ["big.bin"]


def test_where_there_are_no_locks(path, fetch, monkeypatch):
    monkeypatch.setattr(partial_file, "fcntl", None)
    assert fetch() == SHA256
    assert names(path) == ["big.bin"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_download_goes_on_the_next_time(site, path, fetch, monkeypatch, kind):
    def interrupt(_: float) -> None:
        raise kind

    site.cuts = [200_000]
    with monkeypatch.context() as patched, pytest.raises(kind):
        patched.setattr(module.time, "sleep", interrupt)
        fetch()
    assert names(path) == PART
    assert fetch() == SHA256
    assert site.asked("Range") == [None, "bytes=200000-"]
