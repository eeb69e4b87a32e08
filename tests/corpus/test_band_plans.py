"""Plans of bands, as the book ships them: packing, padding, and a few songs made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import megami
from megami.audio import Multitrack
from megami.corpus.band_plans import (
    BandPlans,
    pack,
    pad_tracks,
    plans_of_song,
    read_band_plans,
    unpack,
)
from megami.corpus.features import BuildDry, BuildMix, dry_paths, mix_paths
from megami.corpus.songs import CorpusConfig, load_song, save_song, song_paths
from megami.studio import ENGINEERS, Song, compose_song
from megami.studio.band.soundfont import find_soundfont

FILE = Path(megami.__file__).parents[1] / "book" / "data" / "band_plans.npz"


@pytest.fixture(scope="module")
def shipped(networks) -> BandPlans:
    return read_band_plans(FILE, networks.preset.embedding)


def test_eight_bits_keep_a_unit_vector_to_two_percent():
    vectors = torch.nn.functional.normalize(torch.randn(50, 256, generator=torch.Generator().manual_seed(0)), dim=-1)
    whole, steps = pack(vectors)
    assert whole.dtype == np.int8 and steps.dtype == np.float16
    again = unpack(whole, steps)
    assert (again - vectors).norm(dim=-1).max() < 0.02
    assert_close(again.norm(dim=-1), torch.ones(50))


def test_songs_are_padded_to_the_one_with_most_tracks():
    padded = pad_tracks(torch.arange(1.0, 6.0)[:, None], [2, 3])
    assert torch.equal(padded[..., 0], torch.tensor([[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]]))


def test_what_ships_is_whole(shipped):
    assert FILE.stat().st_size < 3e6
    songs, engineers, tracks, dim = shipped.plans.shape
    assert (engineers, dim) == (len(ENGINEERS), 256) and shipped.contents.shape == (songs, tracks, 256)
    assert shipped.engineers == tuple(engineer.name for engineer in ENGINEERS)
    norms = shipped.plans.norm(dim=-1)
    there = shipped.mask[:, None].expand(-1, engineers, -1)
    assert_close(norms[there], torch.ones(int(there.sum())), atol=1e-4, rtol=0)
    assert norms[~there].max() == 0
    assert [len(names) for names in shipped.roles] == shipped.mask.sum(1).tolist()
    assert len(set(shipped.seeds)) == songs
    assert 0 < int(shipped.held_out.sum()) < songs / 5


def test_some_songs_are_taken_with_all_that_is_known_of_them(shipped):
    some = shipped.take([3, 1])
    assert some.seeds == (shipped.seeds[3], shipped.seeds[1]) and some.roles[1] == shipped.roles[1]
    assert torch.equal(some.plans[0], shipped.plans[3])
    assert len(shipped.take(shipped.held_out)) == int(shipped.held_out.sum())


def small_song() -> Song:
    """A song that needs no SoundFont: two tracks of noise and tones."""
    g = torch.Generator().manual_seed(0)
    seconds = torch.arange(44100 * 12) / 44100
    tone = 0.2 * torch.sin(2 * torch.pi * 110 * seconds) * (1 + torch.sin(2 * torch.pi * 2 * seconds))
    noise = 0.1 * torch.randn(44100 * 12, generator=g) * torch.exp(-4 * (seconds % 0.5))
    audio = torch.stack([noise, tone])[:, None]
    return Song(
        Multitrack(("drums", "bass"), audio, 44100), ("drums", "bass"), ("drum kit", "electric bass"), "rock", 7
    )


def test_content_is_what_a_mixer_hears_and_plans_are_what_engineers_did(networks, tmp_path):
    config, preset = CorpusConfig(test_songs=1), networks.preset
    song = small_song()
    (file,) = song_paths(tmp_path, "test", config)
    save_song(file, song)
    BuildDry(tmp_path, config)(dry_paths(tmp_path, "test", config)[0])
    for path in mix_paths(tmp_path, "test", config):
        BuildMix(tmp_path, config)(path)
    encoders = networks.fx_encoder, networks.content_encoder
    part = plans_of_song(tmp_path, config, "test", 0, preset.embedding, *encoders)
    stored = load_song(file)
    heard = megami.Mixer(networks, "cpu").content(stored.multitrack)
    assert_close(part["contents"], heard, atol=1e-4, rtol=0)
    embedder = megami.embeddings.EffectEmbedder(preset.embedding, networks.fx_encoder)
    first = ENGINEERS[2].mix(stored, seed=2)  # song 0, mix 2
    with torch.no_grad():
        assert_close(part["plans"][2], embedder(first.tracks), atol=2e-3, rtol=0)
    assert part["roles"] == ("drums", "bass") and part["seed"] == 7


def test_two_shipped_songs_made_anew_are_the_same(networks, shipped, tmp_path):
    try:
        find_soundfont()
    except megami.errors.UserError:
        pytest.skip("the SoundFont is not installed")
    config, preset = CorpusConfig(), networks.preset
    seeds = [seed for seed, names in zip(shipped.seeds, shipped.roles, strict=True) if "vocal" not in names][:1]
    for seed in seeds:
        number = shipped.seeds.index(seed)
        song = compose_song(seed, genre=shipped.genres[number], seconds=config.seconds, voices=config.voices)
        heard = megami.Mixer(networks, "cpu").content(song.multitrack)
        there = shipped.mask[number]
        likeness = (heard * shipped.contents[number][there]).sum(-1)
        assert likeness.min() > 0.999
        engineer = ENGINEERS[number % len(ENGINEERS)]
        mix = engineer.mix(song, seed=0)
        embedder = megami.embeddings.EffectEmbedder(preset.embedding, networks.fx_encoder)
        with torch.no_grad():
            z = embedder(mix.tracks)
        theirs = shipped.plans[number, number % len(ENGINEERS)][there]
        assert (z * theirs).sum(-1).min() > 0.99
