"""A big file comes whole or not at all, whatever the server, the network and the disk do; a real server says so."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from megami.errors import UserError
from megami.weights import download as module
from megami.weights import partial_file
from megami.weights.download import download, remote_size
from megami.weights.partial_file import file_sha256

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(310_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64


@dataclass
class Site:
    """One file on a server, how the server misbehaves, and what it was asked for."""

    url: str = ""
    content: bytes = CONTENT
    validators: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    statuses: list[int] = field(default_factory=list)  # To answer first, one a request.
    cuts: list[int] = field(default_factory=list)  # Positions in the file to break off at, one a request.
    end: int | None = None  # A position that it never gets past.
    stalls: int = 0  # How many answers keep silent after the first bytes.
    ranges: bool = True
    if_range: bool = True
    says_length: bool = True
    range_error: int = 0  # Bytes that a range begins too late.
    redirect: str | None = None  # Where /moved went.
    log: list[dict[str, str]] = field(default_factory=list)

    def asked(self, name: str) -> list[str | None]:
        """A header of every request for the content."""
        return [headers.get(name) for headers in self.log]


class Handler(BaseHTTPRequestHandler):
    """Answers as `server.site` wants."""

    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        site: Site = self.server.site
        if self.path == "/moved":
            return self.head(302, {"Location": site.redirect, "Content-Length": "0"})
        site.log.append(dict(self.headers))
        status = site.statuses.pop(0) if site.statuses else 200
        if status != 200:
            return self.head(status, {"Content-Length": "0"})
        self.send_content(site)

    def do_HEAD(self) -> None:
        site: Site = self.server.site
        if self.path == "/moved":
            return self.head(302, {"Location": site.redirect, "Content-Length": "0"})
        length = {"Content-Length": str(len(site.content))} if site.says_length else {}
        self.head(site.statuses.pop(0) if site.statuses else 200, length)

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_content(self, site: Site) -> None:
        size, first = len(site.content), self.first(site)
        if first is not None and first >= size:
            return self.head(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        headers = dict(site.validators)
        if first is not None:
            first += site.range_error
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        begin = first or 0
        headers |= {"Content-Length": str(size - begin)} if site.says_length else {"Connection": "close"}
        self.head(200 if first is None else 206, headers)
        self.send_some(site, begin)
        self.close_connection = True

    def first(self, site: Site) -> int | None:
        """The first byte asked for, None for all of them."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        changed = site.if_range and condition is not None and condition not in site.validators.values()
        return int(found[1]) if found and site.ranges and not changed else None

    def send_some(self, site: Site, begin: int) -> None:
        end = min(site.cuts.pop(0) if site.cuts else len(site.content), site.end or len(site.content))
        try:
            if site.stalls:
                site.stalls -= 1
                self.wfile.write(site.content[begin : begin + 1000])
                self.server.over.wait(2.0)
                return
            self.wfile.write(site.content[begin:end])
        except ConnectionError:
            pass  # The other side has had enough: a full disk.

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    """A server for the length of a test; the proxy of the environment is a dead one that must not be asked."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = Site(url=f"http://127.0.0.1:{server.server_port}/big.bin")
    server.over = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.site
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def path(tmp_path) -> Path:
    """Where the file is to appear; the folder has to be made."""
    return tmp_path / "made" / "big.bin"


@pytest.fixture
def fetch(site, path) -> Callable[..., str]:
    """Give fetch(sha256, ...): a download of the site's file that does not wait long."""

    def run(sha256: str | None = SHA256, **options: object) -> str:
        return download(site.url, path, sha256, **{"wait_s": 0.01, "show": False, **options})

    return run


def refusal(call: Callable[[], object], *words: str) -> str:
    """Check that a call raises UserError with one line that has all the words, and give it."""
    with pytest.raises(UserError) as caught:
        call()
    line = str(caught.value)
    assert_line(line, *words)
    return line


def assert_line(line: str, *words: str) -> None:
    assert len(line.splitlines()) == 1, line
    for word in words:
        assert word in line, line


def names(path: Path) -> list[str]:
    """What is in the folder of the download."""
    return sorted(file.name for file in path.parent.iterdir())


PART = ["big.bin.part", "big.bin.part.json"]


def test_whole_file(site, path, fetch):
    assert fetch() == SHA256
    assert path.read_bytes() == CONTENT
    assert names(path) == ["big.bin"]
    assert site.asked("Accept-Encoding") == ["identity"] and site.asked("Range") == [None]


def test_any_content_without_a_hash(path, fetch):
    assert fetch(None) == SHA256
    assert path.read_bytes() == CONTENT


def test_hash_in_capitals(fetch):
    assert fetch(SHA256.upper()) == SHA256


@pytest.mark.parametrize("content", [b"", b"x"])
def test_tiny_file(site, path, fetch, content):
    site.content = content
    assert fetch(None) == hashlib.sha256(content).hexdigest()
    assert path.read_bytes() == content


def test_an_older_file_is_replaced(path, fetch):
    path.parent.mkdir()
    path.write_bytes(b"old")
    fetch()
    assert path.read_bytes() == CONTENT


def test_an_older_file_stays_when_it_fails(site, path, fetch):
    path.parent.mkdir()
    path.write_bytes(b"old")
    site.end = 1000
    refusal(lambda: fetch(tries=2), "connection to 127.0.0.1 failed")
    assert path.read_bytes() == b"old"


def test_a_cut_goes_on_at_the_right_byte(site, path, fetch):
    site.cuts = [123_456]
    assert fetch(tries=2) == SHA256
    assert path.read_bytes() == CONTENT
    assert site.asked("Range") == [None, "bytes=123456-"]
    assert site.asked("If-Range") == [None, '"one"']
    assert site.asked("Accept-Encoding") == ["identity"] * 2


def test_progress_resets_the_count_of_failures(site, path, fetch):
    site.cuts = [1000, 90_000, 90_001, 170_000, 250_000, 299_999]
    assert fetch(tries=2) == SHA256
    assert site.asked("Range")[1:] == [f"bytes={at}-" for at in (1000, 90_000, 90_001, 170_000, 250_000, 299_999)]


def test_waits_grow(site, fetch, monkeypatch):
    waits = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    site.statuses = [503] * 9
    refusal(lambda: fetch(tries=4, wait_s=1.0), "503")
    assert waits == [1.0, 2.0, 4.0]


def test_the_next_call_goes_on(site, path, fetch):
    site.end = 200_000
    refusal(lambda: fetch(tries=3), "connection to 127.0.0.1 failed", "same command again", "goes on where it stopped")
    assert names(path) == PART
    assert path.with_name(PART[0]).read_bytes() == CONTENT[:200_000]
    assert len(site.log) == 3
    site.end = None
    site.log.clear()
    assert fetch() == SHA256
    assert site.asked("Range") == ["bytes=200000-"] and site.asked("If-Range") == ['"one"']
    assert path.read_bytes() == CONTENT and names(path) == ["big.bin"]


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_a_part_that_is_complete_already(site, path, fetch, sha256):
    leave_part(site, path, CONTENT)
    assert fetch(sha256) == SHA256
    assert site.asked("Range") == ["bytes=300000-"]
    assert path.read_bytes() == CONTENT and names(path) == ["big.bin"]


def test_a_part_that_is_too_long_is_not_used(site, path, fetch):
    leave_part(site, path, CONTENT + b"more")
    assert fetch() == SHA256
    assert site.asked("Range") == ["bytes=300004-", None]
    assert path.read_bytes() == CONTENT


def test_a_part_of_another_address_is_not_used(site, path, fetch):
    leave_part(site, path, OTHER[:1000], url=site.url + "?other")
    assert fetch() == SHA256
    assert site.asked("Range") == [None]


@pytest.mark.parametrize("notes", [b"", b"[]", b"{", b"{}", b"\xff", b"null"])
def test_a_part_without_usable_notes_is_not_used(site, path, fetch, notes):
    leave_part(site, path, OTHER[:1000])
    path.with_name(PART[1]).write_bytes(notes)
    assert fetch() == SHA256
    assert site.asked("Range") == [None] and path.read_bytes() == CONTENT


def leave_part(site: Site, path: Path, data: bytes, url: str | None = None) -> None:
    """What a download that was killed leaves."""
    path.parent.mkdir()
    path.with_name(PART[0]).write_bytes(data)
    path.with_name(PART[1]).write_text(json.dumps({"url": url or site.url, "validator": '"one"'}))


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changed_between_calls_is_fetched_anew(site, path, fetch, if_range):
    site.end = 200_000
    refusal(lambda: fetch(None, tries=1), "failed")
    site.end, site.content, site.validators, site.if_range = None, OTHER, {"ETag": '"two"'}, if_range
    assert fetch(None) == hashlib.sha256(OTHER).hexdigest()
    assert path.read_bytes() == OTHER
    assert site.asked("Range") == [None, "bytes=200000-"] + ([] if if_range else [None])


def test_a_file_that_changes_within_a_call_is_fetched_anew(site, path, fetch, monkeypatch):
    def change(_: float) -> None:
        site.content, site.validators = OTHER, {"ETag": '"two"'}

    site.cuts = [200_000]
    monkeypatch.setattr(module.time, "sleep", change)
    assert fetch(None) == hashlib.sha256(OTHER).hexdigest()
    assert path.read_bytes() == OTHER


def test_a_weak_etag_is_passed_over_for_the_date(site, path, fetch):
    date = "Mon, 05 Jan 2026 10:00:00 GMT"
    site.cuts, site.validators = [1000], {"ETag": 'W/"one"', "Last-Modified": date}
    assert fetch(None) == SHA256
    assert site.asked("If-Range") == [None, date] and site.asked("Range") == [None, "bytes=1000-"]


@pytest.mark.parametrize(("sha256", "second"), [(SHA256, "bytes=1000-"), (None, None)])
def test_without_validator_it_goes_on_only_if_the_hash_is_known(site, path, fetch, sha256, second):
    site.cuts, site.validators = [1000], {}
    assert fetch(sha256) == SHA256
    assert site.asked("If-Range") == [None, None] and site.asked("Range") == [None, second]
    assert path.read_bytes() == CONTENT


def test_a_range_that_begins_elsewhere_is_not_used(site, path, fetch):
    site.cuts, site.range_error = [1000], 7
    assert fetch() == SHA256
    assert site.asked("Range") == [None, "bytes=1000-", None]


def test_server_without_ranges(site, path, fetch):
    site.ranges, site.cuts = False, [200_000]
    assert fetch() == SHA256
    assert path.read_bytes() == CONTENT and len(site.log) == 2


def test_server_without_ranges_that_always_breaks_off(site, path, fetch):
    site.ranges, site.end = False, 200_000
    refusal(lambda: fetch(tries=3), "connection to 127.0.0.1 failed")
    assert len(site.log) == 3 and not path.exists()


def test_server_that_falls_silent(site, path, fetch, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUTS_S", (1.0, 0.2))
    site.stalls = 1
    assert fetch() == SHA256
    assert path.read_bytes() == CONTENT


def test_server_that_stays_silent(site, path, fetch, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUTS_S", (1.0, 0.1))
    site.stalls = 9
    refusal(lambda: fetch(tries=2), "connection to 127.0.0.1 failed (it timed out)")
    assert not path.exists()


def test_server_that_does_not_say_the_length(site, path, fetch):
    site.says_length = False
    assert fetch() == SHA256
    assert path.read_bytes() == CONTENT


def test_wrong_hash(site, path, fetch):
    line = refusal(lambda: fetch(WRONG), "big.bin", WRONG[:16], SHA256[:16], "try again", "report")
    assert SHA256[:17] not in line
    assert names(path) == []


@pytest.mark.parametrize("status", [403, 404, 410, 204])
def test_refused_by_the_server(site, path, fetch, status):
    site.statuses = [status]
    refusal(fetch, f"HTTP {status}", "127.0.0.1", site.url)
    assert len(site.log) == 1 and names(path) == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again(site, fetch, status):
    site.statuses = [status] * 2
    assert fetch(tries=3) == SHA256
    assert len(site.log) == 3


def test_a_server_that_stays_busy(site, path, fetch):
    site.statuses = [503] * 3
    refusal(lambda: fetch(tries=3), "HTTP 503", "same command again")
    assert names(path) == []


def nobody() -> str:
    """An address of this machine where no server listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/big.bin"


def test_nobody_listens(site, path):
    refusal(lambda: download(nobody(), path, tries=2, wait_s=0.01), "connection to 127.0.0.1 failed", "no answer")
    assert names(path) == []


def test_unknown_host(site, path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setenv("no_proxy", "*")
    url = "https://weights.invalid/big.bin"
    refusal(lambda: download(url, path, tries=2, wait_s=0.01), "connection to weights.invalid failed", "no answer")


@pytest.mark.parametrize("url", ["ftp://host/a", "file:///big.bin", "big.bin", "", "https://", "http://[", "a\nb"])
def test_no_web_address(path, url):
    refusal(lambda: download(url, path), "no web address")
    assert remote_size(url) is None
    assert not path.parent.exists()


def test_missing_certificates(path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none/such.pem")
    refusal(lambda: download("https://weights.invalid/big.bin", path), "/none/such.pem")


def test_an_address_that_requests_refuses(path):
    refusal(lambda: download("http://*.example/big.bin", path, tries=2, wait_s=0.01), "check the address")


def test_redirect(site, path):
    site.redirect, site.cuts = "/big.bin", [1000]
    url = site.url.replace("big.bin", "moved")
    assert download(url, path, SHA256, wait_s=0.01) == SHA256
    assert remote_size(url) == len(CONTENT)
    assert site.asked("Range") == [None, "bytes=1000-"] and site.asked("Accept-Encoding") == ["identity"] * 2


@pytest.mark.parametrize(("target", "words"), [("/moved", "30 redirects"), ("ftp://h/big.bin", "no web address"),
                                              ("http://[bad", "no web address")])
def test_redirect_to_nothing(site, path, target, words):
    site.redirect = target
    url = site.url.replace("big.bin", "moved")
    refusal(lambda: download(url, path, SHA256, wait_s=0.01), words)
    assert remote_size(url) is None
    assert names(path) == []


@pytest.mark.parametrize("location", ["http://host/big.bin", "HTTP://host/big.bin"])
def test_redirect_from_https_to_http(path, monkeypatch, location):
    asked = []

    def answer(adapter: object, request: requests.PreparedRequest, **_: object) -> requests.Response:
        asked.append(request.url)
        response = requests.Response()
        response.status_code, response.url, response.request = 302, request.url, request
        response.headers["Location"], response.raw = location, io.BytesIO()
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", answer)
    url = "https://safe.example/big.bin"
    refusal(lambda: download(url, path), "https to http", "safe.example")
    assert remote_size(url) is None
    assert asked == [url, url] and names(path) == []


FETCHER = """
    import resource, signal, sys, types
    room = types.ModuleType("megami.weights")  # The room without its networks: torch takes seconds to load.
    room.__path__ = ["megami/weights"]
    sys.modules["megami.weights"] = room
    from pathlib import Path
    from megami.errors import UserError
    from megami.weights.download import download
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


class Terminal(io.StringIO):
    """A stderr that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("show", [True, False])
def test_progress(site, path, fetch, monkeypatch, show):
    site.cuts = [200_000]
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(show=show)
    shown = sys.stderr.getvalue()
    assert ("big.bin: 100%" in shown and "300k/300k" in shown) if show else shown == ""


def test_progress_of_a_restart(site, path, fetch, monkeypatch):
    leave_part(site, path, CONTENT[:200_000])
    site.ranges = False
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(show=True)
    assert "300k/300k" in sys.stderr.getvalue() and "500k" not in sys.stderr.getvalue()


def test_remote_size(site):
    assert remote_size(site.url) == len(CONTENT)
    site.says_length = False
    assert remote_size(site.url) is None
    site.statuses = [404]
    assert remote_size(site.url) is None
    assert remote_size(nobody()) is None


def test_file_sha256(tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(CONTENT)
    assert file_sha256(file, show=True) == SHA256
    refusal(lambda: file_sha256(tmp_path / "none.bin"), "none.bin", "No such file")
    refusal(lambda: file_sha256(tmp_path), "cannot be read")
