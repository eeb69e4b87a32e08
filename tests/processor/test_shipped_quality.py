"""How the shipped structured processor sounds: no noise, ringing or images, balance kept, no effect where none is.

And of rooms and echoes, what shall be heard once a track has stopped: decays like those of the target, echoes in time.
"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from megami.audio import framed_level_db, read_multitrack
from megami.effects import Delay, EffectChain, Equaliser, Reverb
from megami.embeddings import EffectEmbedder
from megami.evaluation.measures.decay import find_echo, measure_tail
from megami.mixing.pretrained import from_pretrained
from megami.processor import match_level_per_channel, render_tracks, small_spectral_errors

RATE = 44100
SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
ENDING = {  # where a track plays for three seconds
    ("porch_light", "nylon_guitar"): 3,
    ("porch_light", "fiddle"): 2,
    ("paper_boats", "vocal"): 2,
    ("paper_boats", "piano"): 5,
    ("corner_store", "rhythm_guitar"): 3,
    ("night_bus", "lead"): 3,
}


@pytest.fixture(scope="module")
def networks():
    return from_pretrained("small")


@pytest.fixture(scope="module")
def render(networks):
    """Give render(dry [1, n], wet [2, n]): the dry track with the effects that are heard in the wet one."""
    embedder = EffectEmbedder(networks.preset.embedding, networks.fx_encoder).eval()

    @torch.no_grad()
    def run(dry, wet):
        z = embedder(wet[None])
        return render_tracks(networks.processor, dry[None], z, embedding_config=networks.preset.embedding)[0]

    return run


def phrase(dry_tracks, seconds=3.0):
    return torch.from_numpy(dry_tracks(1, seconds)["track 00"])[None]


def test_an_untouched_track_comes_back(dry_tracks, render):
    dry = phrase(dry_tracks)
    wet = dry.expand(2, -1)
    out = match_level_per_channel(render(dry, wet)[None], wet[None])
    assert float(small_spectral_errors(out, wet[None], keep_balance=True)) < 0.002


@pytest.mark.parametrize("right_db", [-12.0, -6.0, 0.0, 6.0, 12.0])
def test_the_balance_of_a_panned_track_is_kept(dry_tracks, render, right_db):
    dry = phrase(dry_tracks)
    wet = torch.cat([dry, dry * 10 ** (right_db / 20)])
    levels = framed_level_db(render(dry, wet)[None], RATE)[0]
    assert float(levels[1] - levels[0]) == pytest.approx(right_db, abs=0.5)


def test_nothing_is_added_to_a_tone_but_harmonics(render):
    """Noise, images and ringing would lie between the harmonics: at least 60 dB below the tone."""
    seconds, hz = 4, 500
    time = torch.arange(seconds * RATE) / RATE
    tone = 0.1 * torch.sin(2 * math.pi * hz * time)[None]
    out = render(tone, tone.expand(2, -1))[0, RATE : 3 * RATE].double().numpy()
    spectrum = np.abs(np.fft.rfft(out * np.blackman(len(out)))) ** 2
    bins = np.arange(len(spectrum)) * RATE / len(out)
    near = np.abs(bins - hz * np.maximum(np.round(bins / hz), 1)) < 5
    assert 10 * np.log10(spectrum[~near].sum() / spectrum[near].sum()) < -60


def test_silence_after_the_tail_is_silent(dry_tracks, render):
    """Three seconds after the last note nothing is left at -60 dB: the processor has no noise of its own."""
    dry = torch.cat([phrase(dry_tracks, 2.0), torch.zeros(1, 4 * RATE)], dim=-1)
    out = render(dry, dry.expand(2, -1))
    loud, rest = out[:, : 2 * RATE].square().mean(), out[:, 5 * RATE :].square().mean()
    assert 10 * torch.log10(rest / loud + 1e-12) < -60


def test_a_click_does_not_ring(render):
    """Half a second after a click in a dry track, less than a thousandth of its energy is still to come."""
    click = torch.zeros(1, 2 * RATE)
    click[0, RATE // 2] = 0.9
    out = render(click, click.expand(2, -1))
    after = out[:, RATE:].square().sum() / out.square().sum()
    assert 10 * torch.log10(after + 1e-12) < -30


@pytest.fixture(scope="module")
def ending():
    """Dry tracks [1, n] of sample songs that stop after three seconds, with two seconds of silence."""
    tracks = []
    for (song, name), start in ENDING.items():
        multitrack = read_multitrack(SAMPLES / song)
        played = multitrack.mono()[multitrack.names.index(name)][:, start * RATE : (start + 3) * RATE].clone()
        played[:, -441:] *= torch.linspace(1, 0, 441)
        tracks.append(torch.nn.functional.pad(played, (0, 2 * RATE)))
    return tracks


def treated(dry, *effects):
    return torch.from_numpy(EffectChain(effects).apply(dry.numpy(), RATE))


def test_rooms_last_as_long_as_those_of_the_targets(ending, render):
    ratios = []
    for dry in ending:
        found = []
        for decay_s in (0.4, 2.0):
            wet = treated(dry, Reverb(decay_s, wet=0.4))
            pair = (measure_tail(dry.numpy(), sound.numpy()).decay_s for sound in (wet, render(dry, wet)))
            target, made = (np.nanmedian(decay) for decay in pair)
            found.append(made)
            ratios.append(made / target)
        assert found[1] > 2 * found[0]
    assert np.median(np.abs(np.log(ratios))) < math.log(1.5)


@pytest.mark.parametrize("time_ms", [137.0, 290.0])
def test_most_echoes_come_when_they_should(ending, render, time_ms):
    found = [find_echo(dry.numpy(), render(dry, treated(dry, Delay(time_ms, 0.4, 0.5))).numpy()) for dry in ending]
    assert sum(echo is not None and abs(echo.time_ms / time_ms - 1) < 0.05 for echo in found) >= 4


@pytest.mark.parametrize("effects", [(), (Equaliser(high_gain_db=6.0),)])
def test_no_echo_is_made_up(ending, render, effects):
    for dry in ending:
        assert find_echo(dry.numpy(), render(dry, treated(dry, *effects)).numpy()) is None
