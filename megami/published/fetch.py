"""Downloading, listing and checking the published files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from megami.errors import UserError
from megami.presets.weight_files import write_atomically
from megami.processor import FxNorm
from megami.published.addresses import PAPER_FILES, PublishedFile, paper_folder, published_folder
from megami.published.download import TRY_AGAIN, download, remote_size
from megami.published.loading import LOADERS, check_content
from megami.published.partial_file import file_sha256

NOTICE = (
    "These files are not ours and not part of this package. CC BY-NC-SA 4.0 and CC BY-NC 4.0 allow no commercial use; "
    "whoever shares what they change under BY-NC-SA shares it alike."
)


def wanted(everything: bool) -> list[PublishedFile]:
    """The files that mixing needs, or all of them."""
    return [file for file in PAPER_FILES if everything or file.to_mix]


def address(file: PublishedFile, mirror: str = "") -> str:
    """Where a file is fetched from: its own address, or the same name in a mirror's folder."""
    return f"{mirror.rstrip('/')}/{file.name}" if mirror else file.url


def announce(everything: bool = False, mirror: str = "") -> Iterator[str]:
    """Say what would be downloaded before it is: each file's name, size as its host states it, licence, address."""
    yield f"The published weights, to be kept in {paper_folder()}:"
    for file in wanted(everything):
        if file.inside(paper_folder()).is_file():
            yield f"  {file.name}: at hand"
            continue
        url = address(file, mirror)
        size = remote_size(url)
        about = f"about {in_words(file.about_mb * 1e6)}" if file.about_mb else "size not known"
        yield f"  {file.name}: {in_words(size) if size else about}, {file.what}"
        yield f"    from {url}"
        yield f"    licence: {file.licence}"
    yield NOTICE


def download_paper(everything: bool = False, mirror: str = "") -> Iterator[Path]:
    """Download what is not at hand, one file after the other, and give the path of each.

    A file whose hash nobody stated is read when it first comes, and if it is what it should be, its hash is recorded in
    NAME.sha256; from then on it must not change.
    Raises UserError as `download` does; what has come stays, and the next call goes on from there.
    """
    folder = paper_folder()
    for file in wanted(everything):
        path = file.inside(folder)
        if not path.is_file():
            expected = file.sha256 or recorded_sha256(path)
            if_wrong = TRY_AGAIN if file.sha256 or not expected else changed(path)
            check = None if expected else partial(check_download, file)
            record_sha256(path, download(address(file, mirror), path, expected, if_wrong=if_wrong, check=check))
        elif recorded_sha256(path) is None:
            if file.sha256 is None:
                check_download(file, path)
            record_sha256(path, checked(file, path))
        yield path


def check_download(file: PublishedFile, path: Path) -> None:
    """Raise UserError unless the content at `path` is what is read from such a file: not another page, not a part."""
    try:
        with path.open("rb") as content:
            begin = content.read(1000).lstrip().lower()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if not begin:
        reason = "nothing came"
    elif begin.startswith((b"<!doctype", b"<html", b"<?xml")):
        reason = "a web page came, perhaps one to log in"
    else:
        try:
            return check_content(file, path)
        except UserError as error:
            reason = str(error).removeprefix(f"{path}: ")
    raise UserError(f"{file.name}: not {file.what} ({reason}): {TRY_AGAIN}")


def changed(path: Path) -> str:
    """What to do about a file that is not what it was when it first came."""
    return f"it has changed since it first came; if that is in order, remove {record_path(path)} and try again"


def list_paper(weights_dir: Path | None = None) -> Iterator[str]:
    """One line for each published file: whether it is at hand, its size, licence and hash."""
    folder = published_folder(weights_dir)
    for file in PAPER_FILES:
        path = file.inside(folder)
        here = f"here, {in_words(path.stat().st_size)}" if path.is_file() else "not here"
        if not path.is_file() and file.about_mb:
            here += f", about {in_words(file.about_mb * 1e6)}"
        sha256 = file.sha256 or recorded_sha256(path)
        known = f"sha256 {sha256[:16]}" if sha256 else "sha256 recorded when downloaded"
        yield f"  {file.name}: {here}; {file.what}; {file.licence.partition(',')[0]}; {known}"


def verify_paper(weights_dir: Path | None = None) -> Iterator[str]:
    """Check the files at hand: each is loaded, every key and shape, and hashed; one line for each.

    Raises UserError at the first that is missing (FxEncoder++ may be) or does not fit, and in the end if some fit but
    are not the published files.
    """
    folder = published_folder(weights_dir)
    strangers = []
    for file in PAPER_FILES:
        path = file.inside(folder)
        if not file.to_mix and not path.is_file():
            continue
        network = LOADERS[file](folder)
        count = sum(value.numel() for value in network.parameters())
        what = f"a curve of {network.config.bins:,} values" if isinstance(network, FxNorm) else f"{count:,} parameters"
        sha256, expected = file_sha256(path, show=True), file.sha256 or recorded_sha256(path)
        odd = f", expected {expected[:16]}" if expected and sha256 != expected else ""
        yield f"{path.name}: {what}, fits, sha256 {sha256[:16]}{odd}"
        strangers += [path.name] if odd else []
    if strangers:
        raise UserError(f"by their sha256 not the files that were published or first came: {', '.join(strangers)}")


def checked(file: PublishedFile, path: Path) -> str:
    """Hash a downloaded file and compare with the published or recorded hash; UserError if it is another file."""
    sha256, expected = file_sha256(path, show=True), file.sha256 or recorded_sha256(path)
    if expected is not None and sha256 != expected:
        sums = f"sha256 {sha256[:16]}, expected {expected[:16]}"
        raise UserError(f"{path}: not the published file ({sums}): remove it and download again")
    return sha256


def record_path(path: Path) -> Path:
    """The note beside a file that keeps its hash, in the form of sha256sum."""
    return path.with_name(f"{path.name}.sha256")


def recorded_sha256(path: Path) -> str | None:
    """The hash that was recorded when a file first came, even if the file is gone since; None if there is none."""
    try:
        words = record_path(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0] if words and len(words[0]) == 64 else None


def record_sha256(path: Path, sha256: str) -> None:
    """Keep a file's hash beside it."""
    write_atomically(record_path(path), f"{sha256}  {path.name}\n".encode())


def in_words(size: float) -> str:
    """A number of bytes for people."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} bytes"
