"""A server of a few files that misbehaves in every way asked for, and what is asked of downloads from it."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(310_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "big.bin"
WRONG = "0" * 64


@dataclass
class Site:
    """Files on a server, how the server misbehaves, and what it was asked for. Most tests fetch `NAME`."""

    url: str = ""  # of NAME
    files: dict[str, bytes] = field(default_factory=lambda: {NAME: CONTENT})
    validators: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    statuses: list[int] = field(default_factory=list)  # To answer first, one a request.
    cuts: list[int] = field(default_factory=list)  # Positions in the file to break off at, one a request.
    ends: dict[str, int] = field(default_factory=dict)  # Positions in files that it never gets past.
    stalls: int = 0  # How many answers keep silent after the first bytes.
    ranges: bool = True
    if_range: bool = True
    says_length: bool = True
    range_error: int = 0  # Bytes that a range begins too late.
    excess: int = 0  # Bytes that a range has beyond the whole that it states.
    grows: int = 0  # Bytes by which the stated whole grows with every range.
    redirect: str | None = None  # Where /moved went.
    log: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # Name and headers of every GET.
    on_get: Callable[[], object] = lambda: None  # Called when a file is asked for.

    def asked(self, header: str) -> list[str | None]:
        """A header of every request for a file."""
        return [headers.get(header) for _, headers in self.log]

    def fetched(self) -> list[tuple[str, str | None]]:
        """Names and ranges of the files that were asked for."""
        return [(name, headers.get("Range")) for name, headers in self.log]


class Handler(BaseHTTPRequestHandler):
    """Answers as `server.site` wants."""

    protocol_version = "HTTP/1.1"
    timeout = 5

    def do_GET(self) -> None:
        site: Site = self.server.site
        if self.path == "/moved":
            return self.head(302, {"Location": site.redirect, "Content-Length": "0"})
        name = self.path[1:]
        site.on_get()
        site.log.append((name, dict(self.headers)))
        status = site.statuses.pop(0) if site.statuses else 200 if name in site.files else 404
        if status != 200:
            return self.head(status, {"Content-Length": "0"})
        self.send_content(site, name)

    def do_HEAD(self) -> None:
        site: Site = self.server.site
        if self.path == "/moved":
            return self.head(302, {"Location": site.redirect, "Content-Length": "0"})
        content = site.files.get(self.path[1:])
        status = site.statuses.pop(0) if site.statuses else 404 if content is None else 200
        self.head(status, {"Content-Length": str(len(content))} if content and site.says_length else {})

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_content(self, site: Site, name: str) -> None:
        size, first = len(site.files[name]), self.first(site)
        if first is not None and first >= size:
            return self.head(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        headers, excess = dict(site.validators), 0
        if first is not None:
            first += site.range_error
            excess = site.excess
            size += site.grows * len(site.log)
            headers["Content-Range"] = f"bytes {first}-{size - 1}/{size}"
        begin = first or 0
        headers |= {"Content-Length": str(size - begin + excess)} if site.says_length else {"Connection": "close"}
        self.head(200 if first is None else 206, headers)
        self.send_some(site, name, begin, excess)
        self.close_connection = True

    def first(self, site: Site) -> int | None:
        """The first byte asked for, None for all of them."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        changed = site.if_range and condition is not None and condition not in site.validators.values()
        return int(found[1]) if found and site.ranges and not changed else None

    def send_some(self, site: Site, name: str, begin: int, excess: int) -> None:
        content = site.files[name]
        end = min(site.cuts.pop(0) if site.cuts else len(content), site.ends.get(name, len(content)))
        try:
            if site.stalls:
                site.stalls -= 1
                self.wfile.write(content[begin : begin + 1000])
                self.server.over.wait(2.0)
                return
            self.wfile.write(content[begin:end] + bytes(excess))
        except ConnectionError:
            pass  # The other side has had enough: a full disk.

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Run a server; the proxy of the environment is a dead one that must not be asked."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = Site(url=f"http://127.0.0.1:{server.server_port}/{NAME}")
    server.over = threading.Event()  # ends its silences
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.site
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


def assert_line(line: str, *words: str) -> None:
    assert len(line.splitlines()) == 1, line
    for word in words:
        assert word in line, line


def names(path: Path) -> list[str]:
    """What is in the folder of the download."""
    return sorted(file.name for file in path.parent.iterdir())


PART = ["big.bin.part", "big.bin.part.json"]


def leave_part(site: Site, path: Path, data: bytes, url: str | None = None) -> None:
    """What a download that was killed leaves."""
    path.parent.mkdir()
    path.with_name(PART[0]).write_bytes(data)
    path.with_name(PART[1]).write_text(json.dumps({"url": url or site.url, "validator": '"one"'}))
