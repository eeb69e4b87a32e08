"""What is inside a listening test: every sound once and equally loud, no names of systems, honest errors."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch

from megami.audio import integrated_loudness
from megami.errors import UserError
from megami.notebook import (
    CLARITY,
    ListeningTestOptions,
    PairPage,
    Question,
    RatingPage,
    listening_test,
    listening_test_page,
)

RATE = 44100


def noise(gain: float, seed: int, seconds: float = 5.0) -> torch.Tensor:
    return gain * torch.randn(2, round(seconds * RATE), generator=torch.Generator().manual_seed(seed))


VERSIONS = [("megami", noise(0.1, 0)), ("raw sum", noise(0.01, 1)), ("regression", noise(0.05, 2))]
CLICKS = [(name, (40 * audio).clamp(-1, 1) * (torch.arange(audio.shape[-1]) % 4410 < 40)) for name, audio in VERSIONS]
PAGES = [RatingPage("Song", VERSIONS), PairPage("Song", VERSIONS), RatingPage("Clicks", CLICKS, repeat="megami")]


def body_of(pages: list, **options: object) -> str:
    made = listening_test(pages, RATE, "Test", description="noise", options=ListeningTestOptions(**options))
    return made.body


def config(text: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', text)[1]))


def test_every_sound_is_there_once_and_all_are_equally_loud() -> None:
    body = body_of(PAGES)
    sources = re.findall(r'<audio [^>]*src="([^"]+)"', body)
    assert len(sources) == 6  # the pairs are of the same sounds as the ratings
    loudness = []
    for source in sources:
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(source.split(",", 1)[1])), dtype="float32")
        loudness.append(integrated_loudness(torch.tensor(samples.T), rate))
    assert max(loudness) - min(loudness) < 0.5
    pages = config(body)["pages"]
    assert pages[0]["sounds"] == pages[1]["sounds"] and not set(pages[0]["sounds"]) & set(pages[2]["sounds"])
    assert pages[1]["pairs"] == [[0, 1], [0, 2], [1, 2]] and pages[2]["repeat"] == 0


def test_systems_are_named_in_the_key_alone() -> None:
    body = body_of(PAGES)
    key = config(body)["key"]
    assert json.loads(base64.b64decode(key))[0] == ["megami", "raw sum", "regression"]
    visible = re.sub(r"base64,[A-Za-z0-9+/=]+", "", body).replace("megami-widget", "")
    assert not re.search(r"megami\b|raw sum|regression", visible)
    assert config(body)["hashes"] == sorted(config(body)["hashes"])


def test_the_order_of_the_sounds_does_not_tell_which_version_is_which() -> None:
    turned = [replace(page, versions=page.versions[::-1]) for page in PAGES]
    sources = [re.findall(r'src="([^"]+)"', body_of(pages)) for pages in (PAGES, turned)]
    assert sources[0] == sources[1]


def test_the_test_is_known_by_what_it_asks_and_plays() -> None:
    assert config(body_of(PAGES))["test"] == config(body_of(PAGES))["test"]
    others = [PAGES[:2], [replace(PAGES[0], questions=(CLARITY,)), *PAGES[1:]], [PAGES[0], PAGES[2]]]
    assert len({config(body_of(pages))["test"] for pages in [PAGES, *others]}) == 4


def test_one_file_to_hand_out(tmp_path: Path) -> None:
    path = listening_test_page(tmp_path / "new" / "test.html", PAGES[:1], RATE, "Song & <more>")
    text = path.read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == ["test.html"]
    assert "<title>Song &amp; &lt;more&gt;</title>" in text and config(text)["name"] == "Song & <more>"
    assert not re.findall(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot write"):
        listening_test_page(tmp_path / "file" / "test.html", PAGES[:1], RATE, "t")


def test_names_cannot_break_out_of_the_page() -> None:
    name = """</script><img src=x onerror=alert(1)> "quoted" 'n' & co"""
    page = RatingPage(name, [(name, noise(0.1, 0)), ("b", noise(0.1, 1))], (Question(name, name, name, name),))
    made = listening_test([page], RATE, name, description=name, options=ListeningTestOptions(introduction=name))
    assert "<img" not in made.html and made.html.count("</script>") == 2
    assert json.loads(base64.b64decode(config(made.html)["key"])) == [[name, "b"]]


SILENT = [("a", noise(0.1, 0)), ("silent", torch.zeros(2, 5 * RATE))]
WRONG = {
    "at least one page": [],
    "2 to 9 versions, not 1": [RatingPage("s", VERSIONS[:1])],
    "2 to 8 versions, not 9": [RatingPage("s", [(str(n), noise(0.1, n, 0.1)) for n in range(9)], repeat="1")],
    "two versions of one name": [PairPage("s", [VERSIONS[0], VERSIONS[0]])],
    "different names": [RatingPage("s", VERSIONS, (CLARITY, CLARITY))],
    "cannot repeat 'x'": [RatingPage("s", VERSIONS, repeat="x")],
    "cannot compare 'megami' with 'x'": [PairPage("s", VERSIONS, pairs=[("megami", "x")])],
    "compares no pairs": [PairPage("s", VERSIONS, pairs=[])],
    "'silent' of 's' is silent": [RatingPage("s", SILENT)],
    "too short": [RatingPage("s", [(name, audio[:, :RATE]) for name, audio in VERSIONS])],
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_asked_is_said_in_one_line(words: str) -> None:
    with pytest.raises(UserError, match=words):
        listening_test(WRONG[words], RATE, description="noise")


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_wrong_time_is_refused(seconds: float) -> None:
    with pytest.raises(UserError, match="least_seconds"):
        body_of(PAGES, least_seconds=seconds)
