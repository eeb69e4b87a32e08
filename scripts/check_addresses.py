"""Ask every address that this repository sends people to whether it is there: links, and the published files.

    python scripts/check_addresses.py

Asks for the head of each page or file, nothing is downloaded. Prints one line for each address, and exits with 1 if one
is missing. A host that turns programs away (401, 403, 429) is named, but is no failure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import requests

from megami.published.addresses import PAPER_FILES

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "*.md",
    "*.cff",
    "_config.yml",
    "book/*.md",
    "book/*.ipynb",
    "book/*.bib",
    "data_samples/**/*.md",
    "results/*.md",
)
ADDRESS = re.compile(r"https?://[^\s\"'<>`\\{}|]+")
DOI = re.compile(r"^\s*doi\s*=\s*[{\"]([^}\"]+)", re.MULTILINE)
TURNED_AWAY = (401, 403, 429)


def addresses_in(text: str) -> set[str]:
    """Every address in a text of Markdown, BibTeX, YAML or JSON, without the punctuation around it."""
    found = {f"https://doi.org/{name}" for name in DOI.findall(text)}
    for address in ADDRESS.findall(text):
        address = address.rstrip(".,;:!*")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!*")
        found.add(address.split("#")[0])
    return found


def all_addresses(root: Path = ROOT) -> list[str]:
    """Addresses in the pages of the repository, and of the published files."""
    texts = (path.read_text(encoding="utf-8") for pattern in PAGES for path in root.glob(pattern))
    found = {address for text in texts for address in addresses_in(text)}
    return sorted(found | {file.url for file in PAPER_FILES})


def ask(address: str, timeout_s: float = 30.0, tries: int = 3) -> tuple[bool, str]:
    """Whether an address is there, and what its host says; a host that does not answer is asked again."""
    answer = ""
    for _ in range(tries):
        try:
            reply = requests.head(address, allow_redirects=True, timeout=timeout_s)
            if reply.status_code in (404, 405, 501):  # some hosts answer only who asks for the page itself
                reply = requests.get(address, stream=True, timeout=timeout_s)
                reply.close()
        except requests.RequestException as error:
            answer = type(error).__name__
            continue
        if reply.status_code in TURNED_AWAY:
            return True, f"{reply.status_code}, turns programs away"
        answer = str(reply.status_code)
        if reply.status_code < 500:
            return reply.ok, answer
    return False, answer


def check(addresses: Iterable[str], timeout_s: float = 30.0) -> list[str]:
    """Print a line for each address and give those that are missing."""
    missing = []
    for address in addresses:
        there, answer = ask(address, timeout_s)
        print(f"{'ok     ' if there else 'MISSING'} {answer:<4} {address}", flush=True)
        if not there:
            missing.append(address)
    return missing


if __name__ == "__main__":
    sys.exit(1 if check(all_addresses()) else 0)
