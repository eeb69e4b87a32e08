"""Content of wet tracks in five mixes of each song, as the book ships it: its sense, and a song made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import megami
from megami.adaptation import EarEncoder
from megami.corpus.band_plans import BandPlans, make_band_plans, read_band_plans
from megami.corpus.features import BuildDry, BuildMix, dry_paths, mix_paths
from megami.corpus.songs import CorpusConfig, load_song, save_song, song_paths
from megami.corpus.wet_contents import make_wet_contents, read_wet_contents
from megami.embeddings import FxEncoder
from megami.mixing import Networks
from megami.studio import ENGINEERS, Song

DATA = Path(megami.__file__).parents[1] / "book" / "data"


@pytest.fixture(scope="module")
def shipped(networks: Networks) -> tuple[BandPlans, torch.Tensor]:
    bands = read_band_plans(DATA / "band_plans.npz", networks.preset.embedding)
    return read_wet_contents(DATA / "wet_contents.npz", bands)


def test_what_ships_is_whole(shipped: tuple[BandPlans, torch.Tensor]) -> None:
    assert (DATA / "wet_contents.npz").stat().st_size < 1.5e6
    bands, wet = shipped
    assert wet.shape == (len(bands), len(ENGINEERS), bands.mask.shape[1], 256)
    there = bands.mask[:, None].expand(wet.shape[:3])
    assert_close(wet.norm(dim=-1), there.float(), atol=1e-4, rtol=0)
    assert 0.1 * len(bands) < int(bands.held_out.sum()) < 0.5 * len(bands)


def test_tracks_stand_where_those_of_the_plans_do(shipped: tuple[BandPlans, torch.Tensor]) -> None:
    bands, wet = shipped
    for number in range(0, len(bands), 20):
        there = bands.mask[number]
        dry = bands.contents[number][there]
        likeness = torch.einsum("etd,ud->etu", wet[number][:, there], dry)  # to every dry track of the song
        right = likeness.argmax(-1) == torch.arange(len(dry))
        assert right.float().mean() > 0.8


def test_content_is_that_of_the_mix_by_its_engineer(networks: Networks, small_song: Song, tmp_path: Path) -> None:
    config, preset = CorpusConfig(test_songs=1), networks.preset
    (file,) = song_paths(tmp_path, "test", config)
    save_song(file, small_song)
    BuildDry(tmp_path, config)(dry_paths(tmp_path, "test", config)[0])
    for path in mix_paths(tmp_path, "test", config):
        BuildMix(tmp_path, config)(path)
    encoder, fx = networks.content_encoder, networks.fx_encoder
    assert isinstance(encoder, EarEncoder) and isinstance(fx, FxEncoder)
    make_band_plans(tmp_path / "b.npz", tmp_path, config, {"test": 1}, preset.embedding, fx, encoder)
    make_wet_contents(tmp_path / "w.npz", tmp_path, config, {"test": 1}, encoder)
    bands, wet = read_wet_contents(tmp_path / "w.npz", read_band_plans(tmp_path / "b.npz", preset.embedding))
    assert len(bands) == 1 and wet.shape == (1, len(ENGINEERS), 2, 256)
    third = ENGINEERS[2].mix(load_song(file), seed=2)  # song 0, mix 2
    with torch.no_grad():
        heard = encoder(third.tracks)
    assert (heard * wet[0, 2]).sum(-1).min() > 0.99  # up to packing
