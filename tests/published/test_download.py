"""A big file comes whole or not at all, whatever the server, the network and the disk do; a real server says so."""

from __future__ import annotations

import hashlib
import io
import socket
import sys

import pytest
import requests
from file_server import CONTENT, OTHER, PART, SHA256, WRONG, leave_part, names
from refusals import refusal

from megami.published import download as module
from megami.published.download import download, remote_size
from megami.published.partial_file import file_sha256


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


@pytest.mark.parametrize(
    ("target", "words"),
    [("/moved", "30 redirects"), ("ftp://h/big.bin", "no web address"), ("http://[bad", "no web address")],
)
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
