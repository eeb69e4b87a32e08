"""A server of one file that misbehaves in every way asked for, and what is asked of downloads from it."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


def serve() -> tuple[ThreadingHTTPServer, threading.Thread]:
    """Start a server, with its `site` and an event `over` that ends its silences."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = Site(url=f"http://127.0.0.1:{server.server_port}/big.bin")
    server.over = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    return server, thread


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
