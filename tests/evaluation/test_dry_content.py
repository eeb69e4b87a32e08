"""What is measured is what mixes: content from an evaluation's cache and from a mixer's own listening agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from megami.audio import Multitrack, read_multitrack
from megami.corpus import CorpusConfig
from megami.corpus.datasets import embed_dry
from megami.corpus.features import BuildDry, dry_paths
from megami.corpus.songs import save_song, song_paths
from megami.mixing import Mixer
from megami.studio import Song

SAMPLE = Path(__file__).resolve().parents[2] / "data_samples" / "paper_boats"


@pytest.fixture(scope="module")
def mixer() -> Mixer:
    """A mixer that hears through the content encoder alone, as the caches of training do."""
    networks = Mixer.from_pretrained("small", "cpu").networks
    return Mixer(replace(networks, preset=replace(networks.preset, stem_bank=False)), "cpu")


@pytest.fixture(scope="module")
def song(mixer) -> Multitrack:
    """Part of a song in which every track plays, as long as an evaluation's songs are."""
    whole = read_multitrack(SAMPLE)
    length = round(mixer.preset.segment_seconds * whole.sample_rate)
    start = (whole.num_samples - length) // 2
    return Multitrack(whole.names, whole.mono()[..., start : start + length], whole.sample_rate)


@torch.no_grad()
def test_cached_dry_content_is_the_content_that_a_mixer_generates_from(mixer, song, tmp_path):
    config = CorpusConfig(test_songs=1, seconds=mixer.preset.segment_seconds)
    (path,), (features,) = song_paths(tmp_path, "test", config), dry_paths(tmp_path, "test", config)
    tracks = song.num_tracks
    save_song(path, Song(song, ("chords",) * tracks, ("piano",) * tracks, "pop", 0))
    BuildDry(tmp_path, config)(features)

    cached = embed_dry(mixer.networks.content_encoder, features)
    cached = mixer.networks.adaptor(cached) if mixer.preset.adapt_dry else cached
    heard = mixer.content(song)
    apart = 1 - (cached * heard).sum(-1).double()
    print("1 - cosine:", [f"{value:.1e}" for value in apart.tolist()])
    assert apart.max() < 1e-4  # 16 bits of the song and half precision of its log-mels
    nearest = 1 - (heard @ heard.T - 2 * torch.eye(tracks)).max()
    assert apart.max() < 0.01 * nearest  # two tracks of the song differ far more
