"""A big file comes whole or not at all, whatever the server and the network do; a real server says so."""

from __future__ import annotations

import hashlib
import io
import socket
import sys

import pytest
import requests
from file_server import CONTENT, NAME, OTHER, PART, SHA256, WRONG, leave_part, names
from refusals import refusal

from megami.published import download as module
from megami.published.download import download, remote_size
from megami.published.partial_file import file_sha256

DATE = "Mon, 05 Jan 2026 10:00:00 GMT"


@pytest.mark.parametrize("sha256", [SHA256, SHA256.upper(), None])
def test_whole_file(site, path, fetch, sha256):
    assert fetch(sha256) == SHA256
    assert path.read_bytes() == CONTENT and names(path) == [NAME]
    assert site.asked("Accept-Encoding") == ["identity"] and site.asked("Range") == [None]


@pytest.mark.parametrize("content", [b"", b"x"])
def test_tiny_file(site, path, fetch, content):
    site.files[NAME] = content
    assert fetch(None) == hashlib.sha256(content).hexdigest()
    assert path.read_bytes() == content


def test_an_older_file_is_replaced_once_the_new_one_is_whole(site, path, fetch):
    path.parent.mkdir()
    path.write_bytes(b"old")
    site.ends[NAME] = 1000
    refusal(lambda: fetch(tries=2), "connection to 127.0.0.1 failed")
    assert path.read_bytes() == b"old"
    site.ends.clear()
    fetch()
    assert path.read_bytes() == CONTENT


def test_cuts_go_on_at_the_right_byte_as_often_as_it_gets_further(site, path, fetch):
    site.cuts = [1000, 90_000, 90_001, 170_000, 250_000, 299_999]
    spans = [f"bytes={at}-" for at in site.cuts]
    assert fetch(tries=2) == SHA256
    assert path.read_bytes() == CONTENT
    assert site.asked("Range") == [None, *spans] and site.asked("If-Range") == [None] + ['"one"'] * 6
    assert site.asked("Accept-Encoding") == ["identity"] * 7


def test_the_next_call_goes_on(site, path, fetch):
    site.ends[NAME] = 200_000
    refusal(lambda: fetch(tries=3), "connection to 127.0.0.1 failed", "same command again", "goes on where it stopped")
    assert names(path) == PART and len(site.log) == 3
    assert path.with_name(PART[0]).read_bytes() == CONTENT[:200_000]
    site.ends.clear()
    site.log.clear()
    assert fetch() == SHA256
    assert site.asked("Range") == ["bytes=200000-"] and site.asked("If-Range") == ['"one"']
    assert path.read_bytes() == CONTENT and names(path) == [NAME]


@pytest.mark.parametrize(
    ("part", "url", "notes", "spans"),
    [
        (CONTENT, "", None, ["bytes=300000-"]),
        (CONTENT + b"more", "", None, ["bytes=300004-", None]),
        (OTHER[:1000], "?other", None, [None]),
        (OTHER[:1000], "", b"{}", [None]),
        (OTHER[:1000], "", b"\xff", [None]),
    ],
    ids=["complete", "too long", "of another address", "without notes", "with broken notes"],
)
def test_parts_that_lie_there(site, path, fetch, part, url, notes, spans):
    leave_part(site, path, part, url=site.url + url)
    if notes is not None:
        path.with_name(PART[1]).write_bytes(notes)
    assert fetch() == SHA256
    assert site.asked("Range") == spans
    assert path.read_bytes() == CONTENT and names(path) == [NAME]


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changed_between_calls_is_fetched_anew(site, path, fetch, if_range):
    site.ends[NAME] = 200_000
    refusal(lambda: fetch(None, tries=1), "failed")
    site.ends.clear()
    site.files[NAME], site.validators, site.if_range = OTHER, {"ETag": '"two"'}, if_range
    assert fetch(None) == hashlib.sha256(OTHER).hexdigest()
    assert path.read_bytes() == OTHER
    assert site.asked("Range") == [None, "bytes=200000-"] + ([] if if_range else [None])


@pytest.mark.parametrize(
    ("validators", "sha256", "span", "condition"),
    [
        ({"ETag": 'W/"one"', "Last-Modified": DATE}, None, "bytes=1000-", DATE),
        ({}, SHA256, "bytes=1000-", None),
        ({}, None, None, None),
    ],
    ids=["weak ETag and date", "only the hash", "nothing"],
)
def test_it_goes_on_only_if_a_changed_file_would_be_noticed(site, path, fetch, validators, sha256, span, condition):
    site.cuts, site.validators = [1000], validators
    assert fetch(sha256) == SHA256
    assert site.asked("Range") == [None, span] and site.asked("If-Range") == [None, condition]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(("misbehaviour", "requests"), [({"ranges": False}, 2), ({"range_error": 7}, 3)])
def test_a_server_that_does_not_send_the_rest(site, path, fetch, misbehaviour, requests):
    site.cuts = [200_000]
    vars(site).update(misbehaviour)
    assert fetch() == SHA256
    assert path.read_bytes() == CONTENT and len(site.log) == requests


@pytest.mark.parametrize("sha256", [SHA256, None])
@pytest.mark.parametrize("excess", [1, 100_000])
def test_a_server_that_sends_more_than_it_states(site, path, fetch, sha256, excess):
    """Each such answer got further than the one before, so that it was asked for ever."""
    site.cuts, site.excess = [1000, 10**9] * 50, excess
    refusal(lambda: fetch(sha256, tries=2), "127.0.0.1 sent more than the 300000 bytes that it stated")
    assert len(site.log) == 2 and not path.exists()
    site.cuts, site.excess = [], 0
    assert fetch(sha256) == SHA256 and path.read_bytes() == CONTENT


def test_a_server_whose_file_grows_with_every_range(site, path, fetch):
    site.cuts, site.grows = [1000, 2000, 3000] * 20, 1000
    refusal(lambda: fetch(tries=3), "connection to 127.0.0.1 failed")
    assert len(site.log) <= 12 and not path.exists()


def test_a_server_without_ranges_that_always_breaks_off(site, path, fetch):
    site.ranges, site.ends[NAME] = False, 200_000
    refusal(lambda: fetch(tries=3), "connection to 127.0.0.1 failed")
    assert len(site.log) == 3 and not path.exists()


def test_a_server_that_falls_silent(site, path, fetch, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUTS_S", (1.0, 0.2))
    site.stalls = 2
    refusal(lambda: fetch(tries=1), "connection to 127.0.0.1 failed (it timed out)")
    assert not path.exists()
    assert fetch() == SHA256 and path.read_bytes() == CONTENT


def test_a_server_that_does_not_say_the_length(site, path, fetch):
    site.says_length = False
    assert fetch() == SHA256 and path.read_bytes() == CONTENT
    assert remote_size(site.url) is None


def test_wrong_hash(path, fetch):
    line = refusal(lambda: fetch(WRONG), NAME, WRONG[:16], SHA256[:16], "try again", "report")
    assert SHA256[:17] not in line
    assert names(path) == []


@pytest.mark.parametrize("status", [403, 404, 204])
def test_refused_by_the_server(site, path, fetch, status):
    site.statuses = [status]
    refusal(fetch, f"HTTP {status}", "127.0.0.1", site.url)
    assert len(site.log) == 1 and names(path) == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_again_after_ever_longer_waits(site, path, fetch, monkeypatch, status):
    waits = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    site.statuses = [status] * 6
    refusal(lambda: fetch(tries=4, wait_s=1.0), f"HTTP {status}", "same command again")
    assert waits == [1.0, 2.0, 4.0] and names(path) == []
    assert fetch() == SHA256


def nobody() -> str:
    """An address of this machine where no server listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/{NAME}"


def test_nobody_listens(site, path):
    refusal(lambda: download(nobody(), path, tries=2, wait_s=0.01), "connection to 127.0.0.1 failed", "no answer")
    assert names(path) == [] and remote_size(nobody()) is None


@pytest.mark.parametrize("url", ["ftp://host/a", "file:///big.bin", "", "http://[", "a\nb"])
def test_no_web_address(path, url):
    refusal(lambda: download(url, path), "no web address")
    assert remote_size(url) is None
    assert not path.parent.exists()


def test_missing_certificates(path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none/such.pem")
    refusal(lambda: download("https://weights.invalid/big.bin", path), "/none/such.pem", "check the address")


def test_redirect(site, path):
    site.redirect, site.cuts = f"/{NAME}", [1000]
    url = site.url.replace(NAME, "moved")
    assert download(url, path, SHA256, wait_s=0.01) == SHA256
    assert remote_size(url) == len(CONTENT)
    assert site.asked("Range") == [None, "bytes=1000-"] and site.asked("Accept-Encoding") == ["identity"] * 2


@pytest.mark.parametrize(
    ("target", "words"),
    [("/moved", "30 redirects"), ("ftp://h/big.bin", "no web address"), ("http://[bad", "no web address")],
)
def test_redirect_to_nothing(site, path, target, words):
    site.redirect = target
    url = site.url.replace(NAME, "moved")
    refusal(lambda: download(url, path, SHA256, wait_s=0.01), words)
    assert remote_size(url) is None
    assert names(path) == []


def test_redirect_from_https_to_http(path, monkeypatch):
    asked = []

    def answer(adapter: object, request: requests.PreparedRequest, **_: object) -> requests.Response:
        asked.append(request.url)
        response = requests.Response()
        response.status_code, response.url, response.request = 302, request.url, request
        response.headers["Location"], response.raw = "HTTP://host/big.bin", io.BytesIO()
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
def test_progress_of_a_restart(site, path, fetch, monkeypatch, show):
    leave_part(site, path, CONTENT[:200_000])
    site.ranges = False
    monkeypatch.setattr(sys, "stderr", Terminal())
    fetch(show=show)
    shown = sys.stderr.getvalue()
    assert ("100%" in shown and "300k/300k" in shown and "500k" not in shown) if show else shown == ""


def test_file_sha256(tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(CONTENT)
    assert file_sha256(file, show=True) == SHA256
    refusal(lambda: file_sha256(tmp_path / "none.bin"), "none.bin", "No such file")
    refusal(lambda: file_sha256(tmp_path), "cannot be read")
