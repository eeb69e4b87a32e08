"""What is inside a listening page: equal loudness, no clipping, nothing from elsewhere, honest errors."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import integrated_loudness, true_peak_db
from megami.errors import UserError
from megami.notebook import listening_page, player
from megami.notebook.matching import keep_balance, match_loudness
from megami.notebook.overview import COLUMNS, FIELDS, overview
from megami.notebook.stores import InlineStore
from megami.notebook.takes import Take, TrackReading
from megami.notebook.widget import build_widget, together

RATE = 44100
SOURCE = re.compile(r'<audio [^>]*src="([^"]+)"')


def music(seed: int, gain: float, seconds: float = 3.0, channels: int = 2) -> torch.Tensor:
    """Noise with a beat: something with loudness and with peaks."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    beat = 0.3 + 0.7 * np.exp(-6 * (np.arange(samples) / RATE % 0.5))
    coloured = np.cumsum(rng.standard_normal((channels, samples)), axis=-1)
    coloured -= np.apply_along_axis(np.convolve, -1, coloured, np.ones(400) / 400, mode="same")
    return torch.tensor(gain * beat * coloured / (3.5 * coloured.std()), dtype=torch.float32)


def sounds(page: str) -> list[torch.Tensor]:
    """Decode every sound inside a page."""
    decoded = []
    for source in SOURCE.findall(page):
        data = base64.b64decode(html.unescape(source).split(",", 1)[1])
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        assert rate == RATE
        decoded.append(torch.tensor(samples.T))
    return decoded


def config(page: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', page)[1]))


def heard_loudness(audio: torch.Tensor) -> float:
    return integrated_loudness(audio.expand(2, -1), RATE)


def test_items_play_equally_loud_and_do_not_clip(tmp_path: Path) -> None:
    items = [("quiet", music(0, 0.02)), ("loud", music(1, 0.9)), ("narrow", music(2, 0.3, channels=1))]
    page = listening_page(tmp_path / "page.html", items, RATE, "Three").read_text(encoding="utf-8")
    loudness = [heard_loudness(audio) for audio in sounds(page)]
    stated = float(re.search(r"same loudness, \u2212(\d+\.\d) LUFS", page)[1])
    assert max(loudness) - min(loudness) < 0.5
    assert loudness[0] == pytest.approx(-stated, abs=0.3)
    assert all(true_peak_db(audio, RATE) <= -0.5 for audio in sounds(page))


def test_all_are_turned_down_together_when_one_would_clip() -> None:
    click = torch.zeros(2, 3 * RATE)
    click[:, ::RATE] = 0.5
    steady = music(3, 0.5)
    matches = match_loudness([click, steady], RATE)
    assert matches[0].played_lufs == pytest.approx(matches[1].played_lufs, abs=1e-6)
    assert matches[0].played_lufs < -20
    peaks = [true_peak_db(audio, RATE) + found.gain_db for audio, found in zip([click, steady], matches, strict=True)]
    assert max(peaks) == pytest.approx(-1.5, abs=0.01)


def test_stems_keep_their_balance() -> None:
    matches = keep_balance([music(0, 0.1), music(0, 0.4), torch.zeros(2, RATE)], RATE)
    assert len({round(found.gain_db, 6) for found in matches}) == 1
    assert matches[1].played_lufs - matches[0].played_lufs == pytest.approx(20 * np.log10(4), abs=0.05)


def test_items_stay_aligned_and_as_long_as_the_song() -> None:
    """The same recording, padded or not, decodes to the same samples: one encoder delay for all."""
    song = music(4, 0.4)
    first, second = sounds(player([("a", song), ("b", song), ("short", song[:, :RATE])], RATE).html)[:2]
    assert first.shape[-1] == song.shape[-1]
    assert torch.equal(first, second)
    lag = torch.fft.irfft(torch.fft.rfft(first[0]) * torch.fft.rfft(song[0]).conj()).argmax()
    assert int(lag) == 0


def test_the_page_holds_everything_and_points_nowhere(tmp_path: Path) -> None:
    items = [("a", music(0, 0.3))]
    page = listening_page(tmp_path / "page.html", items, RATE, "Title & <more>", subtitle="sub", captions=["c"])
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    assert "Title &amp; &lt;more&gt;" in text and "<more>" not in text
    assert '<meta name="viewport"' in text and '<html lang="en">' in text
    assert list(tmp_path.iterdir()) == [page]


def test_names_cannot_break_out_of_the_page() -> None:
    name = """</script><img src=x onerror=alert(1)> "quoted" 'n' & co"""
    text = player([(name, music(0, 0.3))], RATE, title=name, captions=[name]).html
    assert "<img" not in text.replace("&lt;img", "") and text.count("</script>") == 2
    assert config(text)["items"][0]["title"] == name


def test_sound_can_lie_in_files_beside_the_page(tmp_path: Path) -> None:
    items = [("Raw sum", music(0, 0.3)), ("Mix 1", music(1, 0.3))]
    path = listening_page(tmp_path / "new" / "page.html", items, RATE, "Files", audio_files=True)
    text = path.read_text(encoding="utf-8")
    sources = SOURCE.findall(text)
    assert len(sources) == 2 and all((path.parent / source).stat().st_size > 10_000 for source in sources)
    assert text.count('preload="none"') == 2 and "base64," not in text


def test_the_book_build_keeps_sound_out_of_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEGAMI_BOOK_AUDIO", str(tmp_path / "_audio"))
    texts = [player([("a", music(seed, 0.3))], RATE).html for seed in (0, 1)]
    sources = [SOURCE.findall(text)[0] for text in texts]
    assert sources[0] != sources[1] and all(source.startswith("_audio/") for source in sources)
    assert all((tmp_path / source).is_file() for source in sources)


def test_same_input_same_page(tmp_path: Path) -> None:
    items = [("a", music(0, 0.3))]
    pages = [listening_page(tmp_path / f"{n}.html", items, RATE, "t").read_bytes() for n in (1, 2)]
    assert pages[0] == pages[1]


def test_several_widgets_on_one_page_carry_the_scripts_once() -> None:
    widgets = [player([(name, music(0, 0.3))], RATE, title=name) for name in ("one", "two")]
    page = together(widgets)
    assert page.count('<div class="megami-widget"') == 2 and page.count("</script>") == len(widgets[0].scripts) == 2


def test_scripts_lie_in_one_file_for_all_pages_of_a_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEGAMI_BOOK_AUDIO", str(tmp_path / "_audio"))
    texts = [player([("a", music(seed, 0.3))], RATE).html for seed in (0, 1)]
    named = [re.findall(r'<script src="([^"]+)"></script>', text) for text in texts]
    assert named[0] == named[1] and len(named[0]) == 2
    assert all((tmp_path / file).is_file() for file in named[0])
    assert all(len(text) < 20_000 for text in texts)  # what is left in the page: settings and pictures of the sound


def test_a_widget_without_a_description_is_refused() -> None:
    with pytest.raises(UserError, match="description"):
        build_widget("player", {}, " ", "", InlineStore())


def test_takes_are_linked_and_read_out(tmp_path: Path) -> None:
    readings = {"bass & co": TrackReading(-12.34, -0.4, 0.25), "drums": TrackReading(None, None, None)}
    takes = [
        Take("Mix 1", "mix 1 #<.wav", readings),
        Take("Mix 2", "mix_2.wav", {"drums": TrackReading(-9.0, 0.0, 0.0)}),
    ]
    page = listening_page(tmp_path / "p.html", [("a", music(0, 0.3))], RATE, "t", takes=takes, warnings=["odd <b>"])
    text = page.read_text(encoding="utf-8")
    assert '<a href="mix%201%20%23%3C.wav">Mix 1</a> <small>mix 1 #&lt;.wav</small>' in text
    assert '<th scope="row">bass &amp; co</th><td>\u221212.3 dB</td><td>40 % left</td><td>0.25</td>' in text
    drums = '<th scope="row">drums</th><td colspan="3">silent</td><td>\u22129.0 dB</td><td>centre</td><td>0.00</td>'
    assert drums in text and "<li>odd &lt;b&gt;</li>" in text
    assert 'role="tab"' not in text  # no console


def test_a_page_without_takes_has_no_table_and_no_links(tmp_path: Path) -> None:
    text = listening_page(tmp_path / "p.html", [("a", music(0, 0.3))], RATE, "t").read_text(encoding="utf-8")
    assert "<table" not in text and "<a href" not in text and 'class="warnings"' not in text


ODD = [torch.zeros(2, RATE), torch.zeros(1, RATE), music(0, 0.3, seconds=0.1), music(0, 0.3)[0]]


@pytest.mark.parametrize("audio", ODD)
def test_silence_snippets_and_plain_vectors_work(audio: torch.Tensor) -> None:
    assert len(sounds(player([("odd", audio), ("even", music(1, 0.2))], RATE).html)) == 2


def test_any_sample_rate_is_played() -> None:
    page = player([("fast", music(0, 0.3))], 96000).html
    assert sounds(page)[0].shape[-1] == pytest.approx(3 * RATE * RATE / 96000, abs=2)


def test_levels_are_shown(tmp_path: Path) -> None:
    shown = config(player([("a", music(0, 0.3)), ("nothing", torch.zeros(2, RATE))], RATE).html)["items"]
    assert re.fullmatch(r"\u2212\d+\.\d\xa0LUFS, played [+\u2212]\d+\.\d\xa0dB", shown[0]["level"])
    assert shown[1]["level"] == "silent"


def test_what_cannot_be_played_is_said_in_one_line(tmp_path: Path) -> None:
    good = music(0, 0.3)
    wrong = [[], [("three", torch.zeros(3, RATE))], [("empty", torch.zeros(2, 0))], [("nan", good * float("nan"))]]
    for items in wrong:
        with pytest.raises(UserError):
            player(items, RATE)
    with pytest.raises(UserError, match="captions"):
        player([("a", good)], RATE, captions=[])
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot write"):
        listening_page(tmp_path / "file" / "page.html", [("a", good)], RATE, "t")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_overview_shows_level_side_and_brightness() -> None:
    time = torch.arange(RATE) / RATE
    low, high = torch.sin(2 * torch.pi * 150 * time), torch.sin(2 * torch.pi * 5000 * time)
    audio = torch.stack([torch.cat([low, high]), torch.cat([0.1 * low, high])])
    columns = np.frombuffer(overview(audio, RATE, reference=1.0), dtype=np.uint8).reshape(COLUMNS, FIELDS)
    first, second = columns[10 : COLUMNS // 2 - 10], columns[COLUMNS // 2 + 10 : -10]
    assert (first[:, 1] > first[:, 3]).all() and (second[:, 1] == second[:, 3]).all()  # left louder, then equal
    assert (columns[:, 1] >= columns[:, 0]).all()  # a peak is never below the RMS
    assert first[:, 4].mean() < 80 < 180 < second[:, 4].mean()
