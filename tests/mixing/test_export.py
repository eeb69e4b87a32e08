"""From mixes to settings and sessions: what the processor did, read from it at work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from megami.audio import Multitrack
from megami.embeddings import (
    dynamics_features,
    encode_dynamics,
    encode_spectrum,
    join_parts,
    mid_bands_db,
    side_bands_db,
)
from megami.errors import UserError
from megami.mixing import Mix, Mixer
from megami.mixing.export import export_mixes, session_of
from megami.mixing.mix import Origin
from megami.session import read_session

RATE = 44100


@pytest.fixture(scope="module")
def mixer(tiny_weights) -> Mixer:
    """A quick mixer with the structured processor."""
    return Mixer.from_pretrained(tiny_weights, device="cpu")


@pytest.fixture
def song(dry_tracks) -> Multitrack:
    """Three mono tracks, the last of which is silent."""
    tracks = dry_tracks(2)
    audio = torch.stack([torch.from_numpy(track)[None] for track in tracks.values()])
    return Multitrack((*tracks, "rests"), torch.cat([audio, torch.zeros_like(audio[:1])]), RATE)


def plain_mix(mixer: Mixer, song: Multitrack, pan: float) -> Mix:
    """A mix whose plan asks for nothing but level and balance: each track's own spectrum and dynamics."""
    config = mixer.preset.embedding
    gains = torch.tensor([1.0, 1.0 - pan])[:, None]
    target = song.audio * 0.5 * gains
    parts = encode_spectrum(mid_bands_db(target), side_bands_db(target)), encode_dynamics(dynamics_features(target))
    fx = torch.randn(len(target), config.fx_dim, generator=torch.Generator().manual_seed(0))
    z = join_parts(config, fx, parts[1], parts[0])
    z[2] = 0
    wet = mixer.process(song.select([0, 1]), z[:2])
    wet = torch.cat([wet, torch.zeros_like(wet[:1])])
    return Mix(wet.sum(0), wet, z, song.names, sample_rate=RATE, origin=Origin(mixer, song))


@pytest.mark.parametrize("pan", [0.0, 0.5])
def test_tracks_that_were_only_faded_and_panned_null(mixer, song, pan):
    mix = plain_mix(mixer, song, pan)
    settings = mix.settings()
    assert [one.source for one in settings.values()] == ["read", "read", "silent"]
    for one in list(settings.values())[:2]:
        assert one.pan == pytest.approx(-pan, abs=0.02) and one.gain_db == pytest.approx(-6.02, abs=0.3)
        assert (one.equaliser, one.compressor, one.drive, one.reverb, one.echo) == (None,) * 5
    residuals = list(session_of([mix], "plain").null_test().values())
    assert all(residual < -60 for residual in residuals[:2])


def test_several_mixes_are_takes_of_one_session(mixer, song, tmp_path):
    mixes = mixer.mix(song, num_mixes=2, steps=4, seed=0)
    back = read_session(export_mixes(mixes, tmp_path / "song.dawproject", "My song"))
    assert back.title == "My song" and [take.muted for take in back.takes] == [False, True]
    for take, mix in zip(back.takes, mixes, strict=True):
        for pair, wet, dry in zip(take.tracks, mix.tracks, song.audio, strict=True):
            assert np.abs(pair.wet.audio - wet.numpy()).max() < 2**-22 and pair.wet.muted
            assert np.abs(pair.dry.audio - dry.numpy()).max() < 2**-22
        assert [pair.dry.muted for pair in take.tracks] == [False, False, True]  # what was left out stays silent


@pytest.mark.parametrize("rate", [48000, 6000])
def test_sessions_have_the_rate_of_the_mix(mixer, song, tmp_path, rate):
    other = replace(song, sample_rate=rate)
    mix = mixer.mix(other, steps=2)[0]
    back = read_session(mix.export(tmp_path / "song.rpp"))
    assert back.sample_rate == mix.sample_rate
    for pair, wet in zip(back.takes[0].tracks, mix.tracks, strict=True):
        assert pair.dry.audio.shape[-1] == pair.wet.audio.shape[-1] == wet.shape[-1]


def test_the_tcn_s_settings_are_marked_as_estimated(tiny_weights, song):
    mixer = Mixer.from_pretrained(tiny_weights, device="cpu", processor="tcn")
    short = replace(song.select([0, 2]), audio=song.audio[[0, 2], :, :22050])
    heard, rests = mixer.mix(short, steps=2)[0].settings().values()
    assert (heard.source, rests.source) == ("estimated", "silent")
    assert heard.unknown and heard.reverb is None and not rests.unknown


def test_a_stereo_track_keeps_its_image_in_the_session(mixer, song, tmp_path):
    audio = song.audio[:2].expand(-1, 2, -1).clone()
    audio[0, 1] = audio[0, 1].flip(-1)
    stereo = Multitrack(song.names[:2], audio, RATE)
    back = read_session(mixer.mix(stereo, steps=2)[0].export(tmp_path / "song.dawproject"))
    assert [len(pair.dry.audio) for pair in back.takes[0].tracks] == [2, 1]
    assert np.abs(back.takes[0].tracks[0].dry.audio - audio[0].numpy()).max() < 2**-22


def test_a_mix_of_unknown_origin_has_no_settings(mixer, song):
    mix = replace(mixer.mix(song, steps=2)[0], origin=None)
    with pytest.raises(UserError, match="mix the song again"):
        mix.settings()
