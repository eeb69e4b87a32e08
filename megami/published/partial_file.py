"""The unfinished download on the disk: how far it got, its hash so far, who may write it, its end as a whole file."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout
from tqdm import tqdm

from megami.errors import UserError

CHUNK = 1 << 16
"""Bytes at a time; a connection that breaks may lose the last of them, so not larger."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ADVICE = "free some space, or set MEGAMI_HOME to a folder on another disk"


def file_sha256(path: Path, *, show: bool = False) -> str:
    """Give the SHA-256 of a file, 64 hex digits.

    show: a bar on stderr if that is a terminal. Raises UserError if the file cannot be read.
    """
    return _hash_file(Path(path), show)[0].hexdigest()


class PartialFile:
    """The unfinished file beside its target: what it is a part of, how far it got, and the hash so far."""

    def __init__(self, target: Path, url: str, sha256: str | None, show: bool) -> None:
        self.target, self.url, self.expected = target, url, sha256
        self.data = target.with_name(f"{target.name}.part")
        self.notes = target.with_name(f"{target.name}.part.json")
        self.validator: str | None = None
        self.total: int | None = None  # bytes of the whole, as the server last stated
        self.position, self.digest = 0, hashlib.sha256()
        with suppress(OSError, ValueError, KeyError, TypeError):
            notes = json.loads(self.notes.read_text(encoding="utf-8"))
            if notes["url"] == url and self.data.is_file():
                self.digest, self.position = _hash_file(self.data, show)
                self.validator = notes["validator"]

    def forget(self, validator: str | None = None) -> None:
        """Count what there is for nothing, so that the next byte is the first."""
        self.validator, self.position, self.digest = validator, 0, hashlib.sha256()

    def start(self, validator: str | None) -> None:
        """Empty the file, then write down what it will be a part of."""
        self.forget(validator)
        fresh = self.notes.with_name(f"{self.notes.name}.new")
        with disk_in_words(self.target):
            self.data.write_bytes(b"")
            try:
                fresh.write_text(json.dumps({"url": self.url, "validator": validator}) + "\n", encoding="utf-8")
                os.replace(fresh, self.notes)
            finally:
                fresh.unlink(missing_ok=True)

    def check_space(self, total: int | None) -> None:
        """Raise UserError if the rest of `total` bytes is more than the disk has room for."""
        with disk_in_words(self.target):
            free = shutil.disk_usage(self.target.parent).free
            had = self.data.stat().st_size if self.data.exists() else 0
        needed = (total or 0) - had
        if needed > free:
            sizes = f"{needed / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB are free"
            raise UserError(f"{self.target}: not enough room on the disk ({sizes}): {ADVICE}")

    def append(self, chunks: Iterator[bytes], bar: tqdm, total: int | None = None) -> bool:
        """Write chunks of bytes to the end of the file as they come; False, at once, if it gets longer than `total`."""
        with disk_in_words(self.target), self.data.open("ab", buffering=0) as file:
            for chunk in chunks:
                if total is not None and self.position + len(chunk) > total:
                    return False
                _write(file, chunk)
                self.digest.update(chunk)
                self.position += len(chunk)
                bar.update(len(chunk))
        return True

    def finish(self, if_wrong: str, check: Callable[[Path], None] | None = None) -> str:
        """Put the whole file in its place if it is the right one, else remove it; returns its SHA-256.

        It is the right one if it has the expected hash, and if `check`, given the path of its data, does not raise.
        """
        got, expected = self.digest.hexdigest(), self.expected
        if expected is not None and got != expected.lower():
            self.remove()
            sums = f"expected SHA-256 {expected.lower()[:16]}, got {got[:16]}"
            raise UserError(f"{self.target.name}: not the right file ({sums}): {if_wrong}")
        if check is not None:
            try:
                check(self.data)
            except UserError:
                self.remove()
                raise
        with disk_in_words(self.target):
            with self.data.open("ab") as file:
                os.fsync(file.fileno())
            os.replace(self.data, self.target)
            self.notes.unlink(missing_ok=True)
        return got

    def remove(self) -> None:
        """Remove the data, and the note of what they are a part of."""
        with disk_in_words(self.target):
            self.data.unlink(missing_ok=True)
            self.notes.unlink(missing_ok=True)


def _hash_file(path: Path, show: bool) -> tuple[hashlib._Hash, int]:
    """Hash and size in bytes of a file."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            looks = {"desc": f"checking {path.name}", "total": path.stat().st_size, "leave": False, "delay": 1.0}
            with tqdm(unit="B", unit_scale=True, disable=None if show else True, **looks) as bar:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    bar.update(len(chunk))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    return digest, size


def _write(file: IO[bytes], chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:  # An almost full disk takes less than it is given, and complains the next time.
        rest = rest[file.write(rest) :]


@contextmanager
def disk_in_words(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into UserError. No requests in here: their errors are OSErrors too."""
    try:
        yield
    except OSError as error:
        advice = f": {ADVICE}; the same command goes on where it stopped" if error.errno in DISK_FULL else ""
        raise UserError(f"{path}: cannot be written ({error.strerror}){advice}") from None


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Keep other processes from fetching the same file meanwhile."""
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
    try:
        with disk_in_words(Path(lock.lock_file)):
            try:
                lock.acquire()
            except Timeout:  # an OSError too
                raise UserError(f"another download of {path.name} is running: wait for it, or stop it") from None
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):
                Path(lock.lock_file).unlink()  # while it is ours: whoever waits for it sees that it is gone
            lock.release()
