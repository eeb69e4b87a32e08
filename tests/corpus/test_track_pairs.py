"""Pairs of dry and wet tracks, as the book ships them: their sense, packing, and a song made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import megami
from megami.corpus.features import BuildDry, BuildMix, dry_paths, mix_paths
from megami.corpus.songs import BuildSong, CorpusConfig, load_song, save_song, song_paths
from megami.corpus.track_pairs import (
    TrackPairs,
    make_track_pairs,
    pairs_of_mix,
    read_track_pairs,
    write_pairs,
)
from megami.errors import UserError
from megami.mixing import Networks
from megami.studio import ENGINEERS, INSTRUMENTS, Song
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.speech_synthesisers import find_synthesisers

FILE = Path(megami.__file__).parents[1] / "book" / "data" / "track_pairs.npz"


@pytest.fixture(scope="module")
def shipped(networks: Networks) -> TrackPairs:
    return read_track_pairs(FILE, networks.preset.embedding)


def test_what_ships_is_whole(shipped: TrackPairs) -> None:
    assert FILE.stat().st_size < 3e6
    pairs = len(shipped)
    assert pairs > 800 and shipped.dry_heard.shape == shipped.wet_heard.shape == (pairs, 250)
    for vectors in (shipped.dry, shipped.wet, shipped.effects):
        assert vectors.shape == (pairs, 256)
        assert_close(vectors.norm(dim=-1), torch.ones(pairs), atol=1e-4, rtol=0)
    assert len(shipped.instrument_names()) == pairs and set(shipped.instrument_names()) <= set(INSTRUMENTS)
    assert set(shipped.engineer.tolist()) == set(range(len(ENGINEERS)))


def test_each_song_is_by_one_engineer_and_either_held_out_or_not(shipped: TrackPairs) -> None:
    for song in shipped.song.unique():
        of_song = shipped.take(shipped.song == song)
        assert len(of_song.engineer.unique()) == len(of_song.held_out.unique()) == 1
    held = shipped.take(shipped.held_out)
    assert 0.15 * len(shipped) < len(held) < 0.4 * len(shipped)


def test_a_wet_track_is_more_like_its_own_dry_one_than_like_another(shipped: TrackPairs) -> None:
    centre, spread = shipped.dry_heard.mean(0), shipped.dry_heard.std(0) + 1e-3
    dry, wet = (
        torch.nn.functional.normalize((heard - centre) / spread, dim=-1)
        for heard in (shipped.dry_heard, shipped.wet_heard)
    )
    own = (dry * wet).sum(-1).mean()
    other = (dry.roll(1, 0) * wet).sum(-1).mean()
    assert other + 0.3 < own < 0.99  # and effects do change what is heard


def test_some_pairs_are_taken_with_all_that_is_known_of_them(shipped: TrackPairs) -> None:
    some = shipped.take([5, 2])
    assert torch.equal(some.dry[0], shipped.dry[5]) and some.instrument[1] == shipped.instrument[2]


def test_pairs_are_what_the_networks_hear_and_survive_eight_bits(
    networks: Networks, small_song: Song, tmp_path: Path
) -> None:
    config, preset = CorpusConfig(train_songs=1, test_songs=1), networks.preset
    for split in ("train", "test"):
        save_song(song_paths(tmp_path, split, config)[0], small_song)
    encoder, content = networks.fx_encoder, networks.content_encoder
    make_track_pairs(
        tmp_path / "pairs.npz", tmp_path, config, ("train", "test"), preset.embedding, encoder, content, workers=1
    )
    pairs = read_track_pairs(tmp_path / "pairs.npz", preset.embedding)
    assert pairs.song.tolist() == [0, 0, 1, 1] and pairs.held_out.tolist() == [False, False, True, True]
    assert pairs.instrument_names() == ["drum kit", "electric bass"] * 2
    song = load_song(song_paths(tmp_path, "train", config)[0])
    mix = ENGINEERS[0].mix(song, seed=0)
    embedder = megami.embeddings.EffectEmbedder(preset.embedding, encoder)
    with torch.no_grad():
        for audio, found in ((song.multitrack.audio, pairs.dry), (mix.tracks, pairs.wet)):
            assert (content(audio) * found[:2]).sum(-1).min() > 0.999
        assert (embedder(mix.tracks) * pairs.effects[:2]).sum(-1).min() > 0.999
    exact = pairs_of_mix(
        mix_paths(tmp_path, "train", config)[0],
        dry_paths(tmp_path, "train", config)[0],
        preset.embedding,
        encoder,
        content,
    )
    off = (pairs.dry_heard[:2] - exact["dry_heard"]) / (pairs.dry_heard.std(0) + 1e-3)
    assert off.abs().max() < 0.05


def test_numbers_beyond_a_byte_are_refused(tmp_path: Path) -> None:
    vectors = torch.nn.functional.normalize(torch.randn(2, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    parts = dict.fromkeys(("dry_heard", "wet_heard", "dry", "wet", "effects"), vectors)
    numbers = {"instrument": torch.tensor([0, 1]), "engineer": torch.tensor([0, 1]), "song": torch.tensor([0, 256])}
    with pytest.raises(ValueError, match="song"):
        write_pairs(tmp_path / "pairs.npz", {**parts, **numbers, "held_out": torch.tensor([False, True])})


def test_a_shipped_song_made_anew_is_the_same(networks: Networks, shipped: TrackPairs, tmp_path: Path) -> None:
    try:
        find_soundfont(), find_synthesisers()
    except UserError as missing:
        pytest.skip(str(missing))
    number = 1  # of the training songs, which come first; it has no voice, and few tracks
    config = CorpusConfig(train_songs=number + 1)
    path = song_paths(tmp_path, "train", config)[number]
    BuildSong(config)(path)
    mix, dry = mix_paths(tmp_path, "train", config)[5 * number], dry_paths(tmp_path, "train", config)[number]
    BuildDry(tmp_path, config)(dry)
    BuildMix(tmp_path, config)(mix)
    anew = pairs_of_mix(mix, dry, networks.preset.embedding, networks.fx_encoder, networks.content_encoder)
    there = shipped.take(shipped.song == number)
    assert there.instrument.tolist() == anew["instrument"].tolist()
    assert int(there.engineer[0]) == int(anew["engineer"][0]) == number % len(ENGINEERS)
    for name in ("dry", "wet", "effects"):
        assert (getattr(there, name) * anew[name]).sum(-1).min() > 0.99, name
    for name in ("dry_heard", "wet_heard"):
        off = (getattr(there, name) - anew[name]) / (shipped.dry_heard.std(0) + 1e-3)
        assert off.square().mean().sqrt() < 0.05, name


def test_arrays_are_small_integers() -> None:
    with np.load(FILE, allow_pickle=False) as file:
        assert {file[name].dtype for name in ("dry", "wet", "effects", "dry_heard", "wet_heard")} == {np.dtype(np.int8)}
