"""The script that asks whether addresses are there, against a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from megami.published.addresses import PAPER_FILES


class Host(BaseHTTPRequestHandler):
    """Answers as hosts do; /no-head answers only who asks for the whole page, and what has no status here is gone."""

    def do_HEAD(self) -> None:
        self.answer({"/there": 200, "/moved": 302, "/no-head": 405, "/closed": 403, "/busy": 503}.get(self.path, 404))

    def do_GET(self) -> None:
        self.server.got.append(self.path)
        self.answer(200 if self.path == "/no-head" else 404)

    def answer(self, status: int) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/there")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("check_addresses")


def test_what_is_gone_is_missing_and_what_moved_is_not(script, host, capsys):
    base = f"http://127.0.0.1:{host.server_port}"
    asked = [f"{base}/{page}" for page in ("there", "moved", "no-head", "closed", "gone", "busy")]
    assert script.check(asked, timeout_s=5) == [f"{base}/gone", f"{base}/busy"]
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["ok", "ok", "ok", "ok", "MISSING", "MISSING"]
    assert "turns programs away" in printed[3]
    assert "/there" not in host.got  # its head was enough


def test_a_host_that_does_not_answer_is_missing(script, host):
    port = host.server_port
    host.shutdown()
    host.server_close()
    there, answer = script.ask(f"http://127.0.0.1:{port}/there", timeout_s=2, tries=2)
    assert not there and "Error" in answer


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see [the paper](https://arxiv.org/abs/1).", "https://arxiv.org/abs/1"),
        ('<a href="https://a.org/b#c">', "https://a.org/b"),
        ("(https://a.org/b_(c)), then", "https://a.org/b_(c)"),
        ("  doi = {10.1000/xyz},", "https://doi.org/10.1000/xyz"),
        ('"    !git clone https://a.org/b\\n",', "https://a.org/b"),
    ],
)
def test_addresses_are_read_without_what_surrounds_them(script, text, address):
    assert script.addresses_in(text) == {address}


def test_every_published_file_and_the_repository_itself_are_asked_for(script):
    asked = script.all_addresses()
    assert {file.url for file in PAPER_FILES} <= set(asked)
    assert any(address.endswith("/megami") for address in asked) and "https://arxiv.org/abs/2511.08040" in asked
