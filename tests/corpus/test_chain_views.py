"""Views of effect chains, as the book ships them: packing, what is held out, and chains made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import megami
from megami.audio import SAMPLE_RATE, Multitrack, level_db
from megami.corpus import CorpusConfig, load_song
from megami.corpus.chain_views import (
    CHAINS_PER_FILE,
    CHANNELS,
    MELS,
    SAMPLES,
    VIEWS,
    ChainViews,
    draw_held_out,
    draw_views,
    make_chain_views,
    pack_views,
    read_chain_views,
    read_clips,
    render_held_out,
    small_view,
    unpack_views,
)
from megami.corpus.songs import BuildSong, save_song
from megami.effects import EffectChain, Pan
from megami.errors import UserError
from megami.studio import INSTRUMENTS, Song
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.speech_synthesisers import find_synthesisers

ROOT = Path(megami.__file__).parents[1]
FILE, SONGS = ROOT / "book" / "data" / "chain_views.npz", ROOT / "data_samples"
STUDIO_SONGS = 40  # of which the shipped views are


@pytest.fixture(scope="module")
def shipped() -> ChainViews:
    return read_chain_views(FILE)


def test_what_ships_is_whole(shipped: ChainViews) -> None:
    assert FILE.stat().st_size < 3e6
    chains = len(shipped.chains)
    assert chains >= 400 and shipped.views.shape[:3] == (chains, VIEWS, CHANNELS)
    assert len(shipped.instruments) == chains and {name for row in shipped.instruments for name in row} <= set(
        INSTRUMENTS
    )
    assert shipped.views.std() > 0.5 and shipped.views.abs().max() < 8


def test_chains_that_are_held_out_are_no_training_chains(shipped: ChainViews) -> None:
    assert len(shipped.held_out) >= 100
    assert not {one.chain.to_json() for one in shipped.held_out} & {chain.to_json() for chain in shipped.chains}
    for one in shipped.held_out:
        assert len({clip.instrument for clip in one.clips}) == len(one.clips) == 2


def test_classes_are_those_of_the_studio_for_training_and_for_testing(shipped: ChainViews) -> None:
    tested = {clip.instrument for one in shipped.held_out for clip in one.clips}
    assert tested <= set(INSTRUMENTS) and len(tested) > 10


def test_held_out_chains_are_drawn_anew_and_can_be_heard(shipped: ChainViews) -> None:
    again = draw_held_out(SONGS, 5)
    for one, other in zip(again, shipped.held_out, strict=False):
        assert one.chain == other.chain
        assert [(clip.song, clip.track) for clip in one.clips] == [(clip.song, clip.track) for clip in other.clips]
    wet = render_held_out(SONGS, again)
    assert wet.shape == (5, 2, 2, SAMPLES) and (level_db(wet) > -60).all()
    dry = read_clips(SONGS, again[0].clips)
    assert_close(wet[0, 1], torch.from_numpy(again[0].chain.apply(dry[1].numpy())))


def test_packing_rounds_to_steps_of_one_and_a_half_decibels() -> None:
    views = small_view(0.1 * torch.randn(2, 2, SAMPLES, generator=torch.Generator().manual_seed(0)))
    packed = pack_views(views)
    assert packed.dtype == np.uint8 and packed.shape == views.shape
    assert (unpack_views(packed) - views).abs().max() <= 0.0376


def test_a_view_shows_the_side_that_is_louder_and_not_how_loud() -> None:
    mono = 0.1 * torch.randn(1, SAMPLES, generator=torch.Generator().manual_seed(1)).numpy()
    left = torch.from_numpy(EffectChain((Pan(position=-0.8),)).apply(mono))[None]
    view = small_view(left)[0].mean(-1)
    assert (view[:MELS] > view[MELS : 2 * MELS]).all()
    assert_close(small_view(4 * left), small_view(left), atol=1e-3, rtol=0)


def test_a_chain_made_anew_gives_the_shipped_views(shipped: ChainViews, tmp_path: Path) -> None:
    try:
        find_soundfont(), find_synthesisers()
    except UserError as missing:
        pytest.skip(str(missing))

    def load(index: int):
        path = tmp_path / f"train_{index:04d}.npz"
        BuildSong(CorpusConfig())(path)
        return load_song(path)

    number = 3
    chain, wet, instruments = draw_views(number, STUDIO_SONGS, load)
    assert chain == shipped.chains[number] and tuple(instruments) == shipped.instruments[number]
    difference = (small_view(wet) - shipped.views[number]).abs()
    assert difference.median() < 0.04 and difference.mean() < 0.06


def test_a_file_is_made_of_songs(tmp_path: Path) -> None:
    audio = 0.2 * torch.randn(1, 1, 4 * SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    songs = []
    for number in range(VIEWS):
        tracks = Multitrack(("bass",), audio, SAMPLE_RATE)
        song = Song(tracks, ("bass",), ("synth bass",), "pop", 0)
        songs.append(tmp_path / f"song_{number}.npz")
        save_song(songs[-1], song)
    make_chain_views(tmp_path / "views.npz", songs, SONGS, tmp_path / "parts", chains=CHAINS_PER_FILE, held_out=3)
    made = read_chain_views(tmp_path / "views.npz")
    assert made.views.shape[:3] == (CHAINS_PER_FILE, VIEWS, CHANNELS) and len(made.held_out) == 3
    assert made.instruments[0] == ("synth bass",) * VIEWS
    with pytest.raises(ValueError, match="20 at a time"):
        make_chain_views(tmp_path / "views.npz", songs, SONGS, tmp_path / "parts", chains=7, held_out=3)
