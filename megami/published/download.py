"""Fetching one big file: what broke off goes on where it stopped, and the file appears whole and checked or not at all.

While it is under way, NAME.part holds the data, NAME.part.json says what it is a part of, and NAME.lock keeps a second
process away.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from tqdm import tqdm

from megami.errors import UserError
from megami.published.partial_file import CHUNK, PartialFile, disk_in_words, only_one

if TYPE_CHECKING:
    from requests import Response, Session

TIMEOUTS_S = (10.0, 30.0)
"""How long to wait for a connection, and for the next bytes."""

TRY_AGAIN = "try again, or report it if it stays so"
IDENTITY = {"Accept-Encoding": "identity"}


def download(
    url: str,
    path: Path,
    sha256: str | None = None,
    *,
    show: bool = True,
    tries: int = 5,
    wait_s: float = 1.0,
    if_wrong: str = TRY_AGAIN,
    check: Callable[[Path], None] | None = None,
) -> str:
    """Fetch `url` to `path`, going on where an earlier attempt stopped; returns the SHA-256 of the whole file.

    sha256: 64 hex digits that the file must have. if_wrong: what the user is to do if it has others. check: raises
    UserError for content, given its path, that is not what it should be. Without either, any content is accepted.
    tries: attempts in a row that get no further; wait_s: seconds before the second of them, doubled for each one after.
    show: a bar on stderr if that is a terminal. Raises UserError, and leaves no file at `path` that was not there,
    where the server cannot be reached or refuses, the disk is full, the content is another than expected, or another
    process fetches the same file.
    """
    path = Path(path)
    _host(url)
    if path.is_dir():
        raise UserError(f"{path} is a folder where a file is to be written: move it away")
    with disk_in_words(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with only_one(path):
        part = PartialFile(path, url, sha256, show)
        size = {"unit": "B", "unit_scale": True, "initial": part.position, "mininterval": 0.5}
        with _session() as session, tqdm(desc=path.name, disable=None if show else True, **size) as bar:
            _fetch(session, part, bar, tries, wait_s)
        return part.finish(if_wrong, check)


def remote_size(url: str, timeout_s: float = 20.0) -> int | None:
    """Bytes that a download will fetch, by asking the server (HEAD, following redirects); None where that fails.

    That is: where the server cannot be reached, refuses, or does not say. timeout_s: seconds for each answer.
    """
    try:
        _host(url)
        with _session() as session:
            response = session.head(url, headers=IDENTITY, timeout=timeout_s, allow_redirects=True)
            return _length(response) if response.status_code == 200 else None
    except (UserError, OSError):  # All that requests raises is an OSError.
        return None


class _Broken(Exception):
    """An attempt that came to nothing, for a reason that may pass."""


def _fetch(session: Session, part: PartialFile, bar: tqdm, tries: int, wait_s: float) -> None:
    """Attempt until the part is complete; only attempts that get further than all before are free."""
    failures, furthest = 0, part.position
    while True:
        try:
            return _attempt(session, part, bar)
        except _Broken as broken:
            # Not merely "some bytes came": a server without ranges that always breaks off would keep us for ever.
            failures = 1 if part.position > furthest else failures + 1
            furthest = max(furthest, part.position)
            if failures >= tries:
                advice = "run the same command again, now or later: it goes on where it stopped"
                raise UserError(f"{part.target.name}: {broken}: {advice}") from None
        time.sleep(wait_s * 2 ** (failures - 1))


def _attempt(session: Session, part: PartialFile, bar: tqdm) -> None:
    with _get(session, part) as response:
        if response.status_code == 416 and part.position and _content_range(response)[1] == part.position:
            return
        if not part.position or _fits(response, part):
            return _receive(response, part, bar)
    part.forget()
    with _get(session, part) as response:
        _receive(response, part, bar)


def _headers(part: PartialFile) -> dict[str, str]:
    """What to ask for: the rest if there is a beginning, else everything.

    Everything too where neither a validator nor the hash would tell a file that changed meanwhile.
    """
    if not part.position or not (part.validator or part.expected):
        return IDENTITY
    condition = {"If-Range": part.validator} if part.validator else {}
    return {**IDENTITY, "Range": f"bytes={part.position}-", **condition}


def _get(session: Session, part: PartialFile) -> Response:
    """Ask for what is missing. Raises _Broken where asking again may help, UserError where not."""
    from requests import exceptions

    temporary = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError)
    try:
        return session.get(part.url, headers=_headers(part), stream=True, timeout=TIMEOUTS_S)
    except temporary as error:
        host = _host(str(error.request.url) if error.request is not None else part.url)
        raise _Broken(f"the connection to {host} failed ({_reason(error)})") from None
    except OSError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{part.target.name}: {part.url!r} cannot be fetched ({reason}): check the address") from None


def _fits(response: Response, part: PartialFile) -> bool:
    """Whether an answer to "the rest, please" can be used: all that is not 416 or another part than that."""
    if response.status_code == 206:
        # Some servers know ranges but not If-Range, so the validator is compared here too.
        kind = "ETag" if (part.validator or "").startswith('"') else "Last-Modified"
        same = part.validator is None or response.headers.get(kind, part.validator) == part.validator
        first, total = _content_range(response)
        return same and first == part.position and (total is None or part.total in (None, total))
    return response.status_code != 416


def _receive(response: Response, part: PartialFile, bar: tqdm) -> None:
    """Add what a response holds to the part. Raises _Broken if that is not all."""
    _check_status(response, part)
    total = _content_range(response)[1] if response.status_code == 206 else _length(response)
    part.total = total
    part.check_space(total)
    if response.status_code == 200:
        part.start(_validator(response))
        bar.initial = 0
    bar.total, bar.n = total, part.position
    bar.refresh()
    if not part.append(_chunks(response), bar, total):
        part.forget()  # what came before is of no use either: who can say which of it was too much
        raise _Broken(f"{_host(response.url)} sent more than the {total} bytes that it stated")
    if total is not None and part.position != total:
        raise _Broken(f"the connection to {_host(response.url)} failed (it ended at {part.position} of {total} bytes)")


def _check_status(response: Response, part: PartialFile) -> None:
    status = response.status_code
    if status == 200 or (status == 206 and part.position):
        return
    words = f"{_host(response.url)} answered HTTP {status} {http.client.responses.get(status, '')}".rstrip()
    if status >= 500 or status in (408, 429):
        raise _Broken(words)
    raise UserError(f"{part.target.name}: {words}: check that {part.url!r} is the right address")


def _chunks(response: Response) -> Iterator[bytes]:
    """The bytes as they are sent, so that lengths and ranges hold. Raises _Broken, never OSError, if that fails."""
    from urllib3.exceptions import HTTPError

    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (HTTPError, OSError) as error:
        raise _Broken(f"the connection to {_host(response.url)} failed ({_reason(error)})") from None


def _session() -> Session:
    import requests

    session = requests.Session()
    session.hooks["response"].append(_check_redirect)
    return session


def _check_redirect(response: Response, *_: Any, **__: Any) -> None:
    """Raise UserError if a response sends us from https to http, or to no web address."""
    if not response.is_redirect:
        return
    try:
        try:
            target = urljoin(response.url, response.headers["location"])
        except ValueError:
            raise UserError(f"{_host(response.url)} redirects to no web address: report it") from None
        host = _host(target)
        if response.url.lower().startswith("https:") and not target.lower().startswith("https:"):
            raise UserError(f"{_host(response.url)} redirects from https to http ({host}), refused: report it")
    except UserError:
        response.close()
        raise


def _host(url: str) -> str:
    """The host of a web address. Raises UserError if it is none."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme.lower() in ("http", "https") and parts.hostname:
            return parts.hostname
    raise UserError(f"{url!r} is no web address: give one that begins with https:// or http://")


def _length(response: Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return int(length) if re.fullmatch(r"[0-9]+", length) and not chunked else None


def _content_range(response: Response) -> tuple[int | None, int | None]:
    """First byte of a part and size of the whole, each None where the server does not say."""
    words = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (?:([0-9]+)-[0-9]+|\*)/([0-9]+|\*)", words.strip())
    first, size = found.groups() if found else (None, None)
    return (int(first) if first else None), (int(size) if size and size != "*" else None)


def _validator(response: Response) -> str | None:
    """What tells this content from a later one, byte for byte: a weak ETag does not."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _reason(error: Exception) -> str:
    """A few words for an error of requests or urllib3, whose own are long."""
    kind = type(error).__name__
    if "Timeout" in kind:
        return "it timed out"
    words = {"SSLError": "it cannot be made secure", "ProxyError": "by the proxy", "ConnectionError": "no answer"}
    return words.get(kind, "it broke off")
