"""megami weights: licences come before anything is fetched, and files come whole, checked and once."""

from __future__ import annotations

import functools
import hashlib
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import Site, serve
from torch import nn

from megami.published import fetch
from megami.published.addresses import PAPER_FILES, PublishedFile
from megami.published.download import download


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


CONTENTS = {"one.pt": noise(1, 5000), "two.npy": noise(2, 3000), "three.pt": noise(3, 1200), "extra.pt": noise(4, 2500)}
ELSEWHERE = "http://127.0.0.1:9"  # where the files would be fetched from without a mirror: nobody is there
ONE = PublishedFile("one.pt", f"{ELSEWHERE}/1", "first part", "CC ONE 1.0, https://one/", sha256(CONTENTS["one.pt"]))
TWO = PublishedFile("two.npy", f"{ELSEWHERE}/2", "second part", "CC TWO 2.0, https://two/")
THREE = PublishedFile("three.pt", f"{ELSEWHERE}/3", "third part", "CC THREE 3.0, https://three/", about_mb=0.0012)
EXTRA = PublishedFile("extra.pt", f"{ELSEWHERE}/4", "for evaluation", "CC FOUR 4.0, https://four/", to_mix=False)
FILES = (ONE, TWO, THREE, EXTRA)
NEEDED = [file.name for file in FILES if file.to_mix]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch) -> Path:
    """Where the downloads of a test go; nobody waits long."""
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(fetch, "download", functools.partial(download, tries=2, wait_s=0.01))
    return tmp_path / "home" / "weights" / "paper"


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    """A server that has small files in place of the published ones, for the length of a test."""
    monkeypatch.setattr(fetch, "PAPER_FILES", FILES)
    monkeypatch.setattr(fetch, "check_content", lambda file, path: None)  # noise, where weights are expected
    with serve(monkeypatch) as site:
        site.url = site.url.rpartition("/")[0]
        site.files = dict(CONTENTS)
        yield site


@pytest.fixture
def fetch_all(megami, site):
    """Give fetch_all(*options): a download from the site, with the licences accepted."""
    return lambda *options: megami("weights", "download", "paper", "--accept-licence", "--mirror", site.url, *options)


def complaint(ran, *words: str) -> str:
    """Check that a download ended with code 2 and, after what it announced, one line that has all the words."""
    assert ran.code == 2 and "Traceback" not in ran.err, ran
    *announced, last = ran.err.splitlines()
    assert last.startswith("megami: ") and not any(line.startswith("megami: ") for line in announced), ran
    for word in words:
        assert word in last, ran
    return last


def written(place: Path) -> list[str]:
    """Names of all files below the folder of downloads, or of what is left of it."""
    home = place.parents[1]
    return sorted(str(path.relative_to(place)) for path in home.rglob("*") if path.is_file()) if home.exists() else []


def everything(names: list[str]) -> list[str]:
    """Files and the notes of their hashes."""
    return sorted([*names, *(f"{name}.sha256" for name in names)])


def test_licences_and_sizes_come_first_and_nothing_else_without_agreement(megami, site, place):
    ran = megami("weights", "download", "paper", "--mirror", site.url)
    complaint(ran, "--accept-licence")
    assert ran.out == "" and not place.parents[1].exists() and site.log == []
    assert str(place) in ran.err and "extra.pt" not in ran.err
    for file, size in ((ONE, "5 kB"), (TWO, "3 kB"), (THREE, "1.2 kB")):
        (about,) = (line for line in ran.err.splitlines() if file.name in line and size in line)
        assert file.what in about
        assert f"{site.url}/{file.name}" in ran.err and file.licence in ran.err


def test_everything_arrives_once_after_the_licences_were_shown(fetch_all, site, place):
    said = []
    site.on_get = lambda: said.append(sys.stderr.getvalue())  # the test's own, see capsys
    first = fetch_all().done()
    assert first == [place / name for name in NEEDED]
    for file in (ONE, TWO, THREE):
        assert (place / file.name).read_bytes() == CONTENTS[file.name]
        assert (place / f"{file.name}.sha256").read_text() == f"{sha256(CONTENTS[file.name])}  {file.name}\n"
        assert file.licence in said[0] and file.name in said[0]
    assert written(place) == everything(NEEDED)
    assert site.fetched() == [(name, None) for name in NEEDED]
    again = fetch_all()
    assert again.done() == first and len(site.log) == 3
    assert all(f"{name}: at hand" in again.err for name in NEEDED)


def test_the_other_spelling_and_a_mirror_with_a_slash_at_its_end(megami, site, place):
    command = ("weights", "download", "paper", "--accept-license", "--mirror", f"{site.url}/")
    assert len(megami(*command).done()) == 3
    assert written(place) == everything(NEEDED)


def test_without_a_mirror_files_come_from_their_own_addresses(megami, site, monkeypatch):
    own = tuple(replace(file, url=f"{site.url}/{file.name}") for file in FILES)
    monkeypatch.setattr(fetch, "PAPER_FILES", own)
    assert len(megami("weights", "download", "paper", "--accept-licence").done()) == 3
    assert site.fetched() == [(name, None) for name in NEEDED]


def test_what_only_evaluation_needs_comes_on_request(megami, fetch_all, site, place):
    assert len(fetch_all().done()) == 3
    shown = megami("weights", "download", "paper", "--all", "--mirror", site.url)
    assert EXTRA.licence in shown.err and "2.5 kB" in shown.err
    site.log.clear()
    assert fetch_all("--all").done() == [place / name for name in (*NEEDED, "extra.pt")]
    assert site.fetched() == [("extra.pt", None)]
    assert written(place) == everything([*NEEDED, "extra.pt"])


def test_a_file_that_changed_since_it_first_came_is_refused(fetch_all, site, place):
    fetch_all().done()
    (place / "two.npy").unlink()
    site.files["two.npy"] = noise(9, 3000)
    ran = fetch_all()
    complaint(ran, "two.npy", "not the right file", sha256(CONTENTS["two.npy"])[:16])
    assert ran.out.split() == [str(place / "one.pt")]
    assert written(place) == sorted({*everything(NEEDED)} - {"two.npy"})
    site.files["two.npy"] = CONTENTS["two.npy"]
    assert len(fetch_all().done()) == 3 and (place / "two.npy").read_bytes() == CONTENTS["two.npy"]


def test_a_file_that_is_not_the_published_one_is_refused(fetch_all, site, place):
    site.files["one.pt"] = noise(9, 5000)
    ran = fetch_all()
    complaint(ran, "one.pt", "not the right file", ONE.sha256[:16])
    assert ran.out == "" and written(place) == []


def test_a_file_put_there_by_hand_is_checked_and_not_fetched(fetch_all, site, place):
    place.mkdir(parents=True)
    (place / "one.pt").write_bytes(CONTENTS["one.pt"])
    assert len(fetch_all().done()) == 3
    assert "one.pt" not in dict(site.fetched()) and written(place) == everything(NEEDED)


def test_another_file_put_there_by_hand_is_refused(fetch_all, site, place):
    place.mkdir(parents=True)
    (place / "one.pt").write_bytes(b"something else")
    complaint(fetch_all(), str(place / "one.pt"), "not the published file", ONE.sha256[:16])
    assert written(place) == ["one.pt"] and (place / "one.pt").read_bytes() == b"something else"
    assert site.fetched() == []


def test_a_connection_that_breaks_off_goes_on_with_the_next_run(fetch_all, site, place):
    site.ends["two.npy"] = 1500
    ran = fetch_all()
    complaint(ran, "two.npy", "connection to 127.0.0.1 failed", "goes on where it stopped")
    assert ran.out.split() == [str(place / "one.pt")]
    assert written(place) == sorted([*everything(["one.pt"]), "two.npy.part", "two.npy.part.json"])
    site.ends.clear()
    site.log.clear()
    assert len(fetch_all().done()) == 3
    assert site.fetched() == [("two.npy", "bytes=1500-"), ("three.pt", None)]
    assert (place / "two.npy").read_bytes() == CONTENTS["two.npy"] and written(place) == everything(NEEDED)


def test_a_file_that_the_mirror_does_not_have(fetch_all, site, place):
    del site.files["three.pt"]
    ran = fetch_all()
    complaint(ran, "three.pt", "HTTP 404", f"{site.url}/three.pt")
    assert "about 1.2 kB" in ran.err  # no host states its size, but the registry does
    assert len(ran.out.split()) == 2 and written(place) == everything(["one.pt", "two.npy"])


def test_a_mirror_that_cannot_be_reached(megami, site, place):
    ran = megami("weights", "download", "paper", "--accept-licence", "--mirror", ELSEWHERE)
    complaint(ran, "one.pt", "connection to 127.0.0.1 failed")
    assert ran.out == "" and "size not known" in ran.err and written(place) == []


def test_a_mirror_that_is_no_web_address(megami, site, place):
    ran = megami("weights", "download", "paper", "--accept-licence", "--mirror", "ftp://host")
    complaint(ran, "no web address")
    assert ran.out == "" and written(place) == []


def test_a_place_that_cannot_be_written(fetch_all, site, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path / "file"))
    complaint(fetch_all(), str(tmp_path / "file"), "cannot be written")
    assert site.fetched() == [] and (tmp_path / "file").read_text() == "in the way"


def test_there_is_nothing_else_to_download(megami, place):
    megami("weights", "download", "small", "--accept-licence").refused("small", "nothing to download", "paper")
    megami("weights", "download").refused("megami weights download --help")
    assert megami("weights", "path", "paper").done() == [place]
    assert not place.parents[1].exists()


def lines_of(ran, *names: str) -> list[str]:
    """The one line that a listing has for each name."""
    assert ran.code == 0 and ran.err == "", ran
    found = [[line.strip() for line in ran.out.splitlines() if line.strip().startswith(f"{name}:")] for name in names]
    assert [len(lines) for lines in found] == [1] * len(names), ran
    return [line for (line,) in found]


def test_the_list_says_what_is_at_hand(megami, fetch_all, site, tmp_path):
    names = [file.name for file in FILES]
    lines_of(megami("weights", "list"), "small", "paper")
    assert all("not here" in line for line in lines_of(megami("weights", "list"), *names))
    fetch_all().done()
    one, two, three, extra = lines_of(megami("weights", "list"), *names)
    assert "here, 5 kB" in one and "CC ONE 1.0" in one and sha256(CONTENTS["one.pt"])[:16] in one
    assert "here, 3 kB" in two and "CC TWO 2.0" in two and sha256(CONTENTS["two.npy"])[:16] in two
    assert "here, 1.2 kB" in three and "not here" in extra and "recorded when downloaded" in extra
    other = lines_of(megami("weights", "list", "--weights-dir", tmp_path), *names)
    assert all("not here" in line for line in other)


def test_the_list_names_the_published_files(megami):
    lines = lines_of(megami("weights", "list"), *(file.name for file in PAPER_FILES))
    for file, line in zip(PAPER_FILES, lines, strict=True):
        assert "not here" in line and file.what in line and file.licence.partition(",")[0] in line


def test_checking_names_a_file_that_is_missing(megami, tmp_path):
    megami("weights", "verify", "paper").refused(PAPER_FILES[0].name, "megami weights download paper", "--weights-dir")
    megami("weights", "verify", "paper", "--weights-dir", tmp_path).refused(PAPER_FILES[0].name, str(tmp_path))
    megami("weights", "verify", "paper", "--weights-dir", tmp_path / "nowhere").refused("nowhere", "no such folder")
    megami("weights", "verify", "small", "--weights-dir", tmp_path).refused("--weights-dir", "paper")


def test_checking_loads_each_file_that_is_there(megami, fetch_all, monkeypatch, place):
    asked = []
    loaders = {file: lambda folder: asked.append(folder) or nn.Linear(3, 4) for file in FILES}
    monkeypatch.setattr(fetch, "LOADERS", loaders)
    fetch_all().done()
    lines = megami("weights", "verify", "paper").out.splitlines()
    assert asked == [place] * 3  # what only evaluation needs may be missing
    for name, line in zip(NEEDED, lines, strict=True):
        assert line.startswith(f"{name}: 16 parameters") and sha256(CONTENTS[name])[:16] in line
