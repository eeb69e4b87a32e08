"""The listening test to hand out: what it asks, and that it fits into one page of a modest size."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from megami.errors import UserError
from megami.evaluation.listening_versions import LISTENED_SONGS, VERSIONS
from megami.notebook import PairPage, RatingPage, hand_out_pages, write_hand_out
from megami.notebook.hand_out import NOTE, PAGE, PAIRS, REPEATED

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
RATE = 44100


def noise(seconds: float = 4.2) -> dict[str, dict[str, torch.Tensor]]:
    random = torch.Generator().manual_seed(0)
    return {
        song: {version: 0.1 * torch.randn(2, round(seconds * RATE), generator=random) for version in VERSIONS}
        for song in ("One", "Two")
    }


def test_both_songs_are_rated_in_all_versions_and_compared_in_some() -> None:
    pages = hand_out_pages(noise(0.1))
    assert [(type(page), page.song) for page in pages] == [
        (RatingPage, "One"), (RatingPage, "Two"), (PairPage, "One"), (PairPage, "Two"),
    ]  # fmt: skip
    for page in pages:
        page.check()
        assert [name for name, _ in page.versions] == list(VERSIONS)
    assert all(page.repeat == REPEATED for page in pages[:2])


def test_the_pairs_connect_what_they_compare() -> None:
    """Otherwise strengths would have no common scale."""
    reached = {PAIRS[0][0]}
    for _ in PAIRS:
        reached |= {name for pair in PAIRS if reached & set(pair) for name in pair}
    assert reached == {name for pair in PAIRS for name in pair} and "engineer" in reached and "raw sum" in reached


def test_a_page_and_a_note_are_written(tmp_path: Path) -> None:
    page, note = write_hand_out(tmp_path / "new", noise(), RATE, bitrate_kbps=64)
    assert (page.name, note.name) == (PAGE, NOTE)
    assert sorted(path.name for path in page.parent.iterdir()) == sorted([PAGE, NOTE])
    text = page.read_text(encoding="utf-8")
    assert text.count("<audio ") == 2 * len(VERSIONS) and "voluntary" in text
    assert all(version in note.read_text(encoding="utf-8") for version in VERSIONS)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="cannot write"):
        write_hand_out(tmp_path / "file", noise(), RATE, bitrate_kbps=64)


def test_the_real_songs_are_long_enough_and_fit() -> None:
    seconds = [soundfile.info(SAMPLES / song / "drums.flac").duration for song in LISTENED_SONGS]
    assert all(25 <= length <= 60 for length in seconds)
    bytes_of_sound = sum(seconds) * len(VERSIONS) * 128_000 / 8
    assert bytes_of_sound * 4 / 3 < 14.5e6  # base64
