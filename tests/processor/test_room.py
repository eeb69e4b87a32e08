"""Echo and room in the units of the effects: what is set is what is measured, and what is not wanted is not there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfilt

from megami.audio.echo_tone import ECHO_BAND_HZ, echo_tone
from megami.effects import Delay, EffectChain, Reverb
from megami.effects.reverb import decay_at
from megami.embeddings import EffectEmbedder, FxEncoder, FxEncoderConfig
from megami.evaluation.measures.decay import OCTAVES_HZ, find_echo, measure_tail
from megami.processor import StructuredConfig, StructuredProcessor, decay_errors_db, time_error
from megami.processor.filters import convolve
from megami.processor.losses import last_sound
from megami.processor.room import EchoTaps, RoomTail
from megami.processor.space_head import ECHO_BINS, SpaceKnobs, likeliest_time, soft_bins

RATE = 44100


def knobs(**changes: float) -> SpaceKnobs:
    """A reverb of 1 s as loud as the direct sound and an echo at 300 ms, both surely there, but for the changes."""
    values = {
        "reverb": 9.0,
        "log_decay": 0.0,
        "log_damping": math.log(20000),
        "reverb_db": 0.0,
        "echo": 9.0,
        "echo_db": -6.0,
        "feedback": 0.5,
        "ping_pong": -9.0,
    }
    time_s = changes.pop("time_s", 0.3)
    tensors = {name: torch.tensor([value]) for name, value in (values | changes).items()}
    return SpaceKnobs(time=soft_bins(torch.tensor([math.log(time_s)])).clamp_min(1e-9).log(), **tensors)


def impulse(samples: int = 1000) -> torch.Tensor:
    kernel = torch.zeros(1, 2, samples)
    kernel[..., 0] = 1
    return kernel


def phrase(seconds: float = 5.0, seed: int = 0) -> torch.Tensor:
    """Noisy notes [1, 1, n] that stop at half of the clip."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(int(seconds * RATE))
    for start in np.arange(0.1, seconds / 2, 0.21):
        place = int((start + rng.uniform(0, 0.1)) * RATE)
        time_s = np.arange(len(audio) - place) / RATE
        audio[place:] += rng.standard_normal(len(time_s)) * np.exp(-9 * time_s)
    audio[len(audio) // 2 :] = 0
    return torch.from_numpy(0.1 * audio[None, None]).float()


@torch.no_grad()
@pytest.mark.parametrize("time_s, echo_db, feedback", [(0.07, -6.0, 0.0), (0.3, -12.0, 0.5), (0.55, -20.0, 0.3)])
def test_the_echo_that_is_set_is_the_echo_that_is_found(time_s, echo_db, feedback):
    dry = phrase()
    setting = knobs(time_s=time_s, echo_db=echo_db, feedback=feedback)
    wet = dry + convolve(dry, EchoTaps(3.2)(setting, torch.ones(1, 1), impulse()))
    echo = find_echo(dry[0].numpy(), wet[0].numpy())
    assert echo is not None
    assert echo.time_ms == pytest.approx(1000 * time_s, rel=0.01) and echo.level_db == pytest.approx(echo_db, abs=1)


@torch.no_grad()
@pytest.mark.parametrize("ping_pong", [0, 1])
def test_echoes_are_those_of_the_effect(ping_pong):
    dry = phrase(2.5)
    setting = knobs(echo_db=20 * math.log10(0.5), ping_pong=9.0 if ping_pong else -9.0)
    time_s, _ = likeliest_time(setting.time)
    effect = Delay(time_ms=1000 * float(time_s), feedback=0.5, wet=0.5, ping_pong=ping_pong)
    wanted = torch.from_numpy(EffectChain((effect,)).apply(dry[0].numpy()))[None]
    wet = dry + convolve(dry, EchoTaps(2.5)(setting, torch.ones(1, 1), impulse()))

    # Envelopes: the effect's time is rounded to samples.
    def envelope(audio):
        return audio.square().unfold(-1, 441, 441).mean(-1).sqrt()

    assert (envelope(wet) - envelope(wanted)).abs().max() < 0.15 * envelope(wanted - dry).max()


@torch.no_grad()
@pytest.mark.parametrize("change", [{"echo": -4.0}, {"share": 0.0}, {"flat": True}])
def test_an_echo_that_is_not_wanted_or_not_known_is_none_at_all(change):
    setting = knobs(echo=change.get("echo", 9.0))
    if change.get("flat"):
        setting = replace(setting, time=torch.zeros(1, ECHO_BINS))
    assert not EchoTaps(1.0)(setting, torch.full((1, 1), change.get("share", 1.0)), impulse()).any()


@pytest.mark.parametrize("ping_pong", [-9.0, 0.3, 9.0])
def test_echoes_are_the_same_whether_they_are_learned_or_only_heard(ping_pong):
    taps, setting = EchoTaps(1.5), knobs(time_s=0.1234, feedback=0.6, ping_pong=ping_pong)
    kernel = torch.randn(1, 2, 4000, generator=torch.Generator().manual_seed(0))
    learned = taps(setting, torch.ones(1, 1), kernel)
    with torch.no_grad():
        heard = taps(setting, torch.ones(1, 1), kernel)
    assert heard.any() and (learned - heard).abs().max() < 1e-5 * heard.abs().max()


def test_the_tone_of_echoes_is_a_butterworth_band_pass():
    unit = np.eye(1, 900)[0]
    wanted = sosfilt(butter(1, ECHO_BAND_HZ, "bandpass", fs=RATE, output="sos"), unit)
    np.testing.assert_allclose(echo_tone(900, RATE), wanted, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("decay_s", [0.25, 0.8, 2.5])
@pytest.mark.parametrize("reverb_db", [-12.0, 0.0])
def test_a_room_has_the_decay_and_the_level_that_are_set(decay_s, reverb_db):
    dry = phrase(6.0)
    torch.manual_seed(0)
    room = RoomTail(4, 3.2)
    room.head.weight.zero_()
    tail = room(knobs(log_decay=math.log(decay_s), reverb_db=reverb_db, log_damping=math.log(4000)), torch.zeros(1, 4))
    wet = dry + convolve(dry, tail)
    measured = measure_tail(dry[0].numpy(), wet[0].numpy())
    expected = decay_at(np.array(OCTAVES_HZ), decay_s, 4000.0)
    assert np.nanmedian(np.abs(measured.decay_s / expected - 1)) < 0.15
    reverb = Reverb(decay_s=decay_s, damping_hz=4000.0, wet=1 / (1 + 10 ** (-reverb_db / 20)), pre_delay_ms=0.0)
    effect = measure_tail(dry[0].numpy(), EffectChain((reverb,)).apply(dry[0].numpy()))
    assert measured.direct_to_reverberant_db == pytest.approx(effect.direct_to_reverberant_db, abs=3)


@torch.no_grad()
def test_a_room_that_is_not_wanted_is_none_at_all():
    assert not RoomTail(4, 1.0)(knobs(reverb=-4.0), torch.randn(1, 4)).any()


def test_the_likeliest_time_is_finer_than_the_grid_and_knows_when_it_does_not_know():
    times = torch.linspace(math.log(0.06), math.log(0.6), 200)
    found, certainty = likeliest_time(soft_bins(times).log())
    assert ((found.log() - times).abs() < 2e-3).all() and (certainty > 0.9).all()
    _, unsure = likeliest_time(torch.zeros(1, ECHO_BINS))
    assert unsure < 0.1


def test_time_error_is_least_for_the_true_time():
    true = torch.tensor([math.log(0.2)])
    assert time_error(soft_bins(true).clamp_min(1e-9).log(), true).item() == pytest.approx(0, abs=1e-4)
    assert time_error(torch.zeros(1, ECHO_BINS), true) > 1
    assert time_error(soft_bins(true + 0.3).clamp_min(1e-9).log(), true) > 5


@torch.no_grad()
def test_decay_errors_hear_what_is_left_when_the_track_is_silent():
    dry = phrase(3.0)

    def in_room(decay_s):
        return torch.from_numpy(EffectChain((Reverb(decay_s=decay_s, seed=3),)).apply(dry[0].numpy()))[None]

    target = in_room(1.0)
    errors = [float(decay_errors_db(in_room(decay), target, dry)) for decay in (1.0, 1.3, 2.5)]
    assert errors[0] == 0 and 0.5 < errors[1] < errors[2]
    assert float(decay_errors_db(0.2 * target, target, dry)) < 0.1  # level is set afterwards
    sounding = torch.randn(1, 1, RATE, generator=torch.Generator().manual_seed(0))
    assert not decay_errors_db(target[..., :RATE], 2 * target[..., :RATE].flip(-1), sounding).any()
    assert int(last_sound(dry)) == int(np.flatnonzero(dry[0, 0].numpy()).max()) + 1


@torch.no_grad()
def test_a_kernel_cut_short_in_training_sounds_the_same():
    torch.manual_seed(0)
    processor = StructuredProcessor(StructuredConfig.with_echoes(StructuredConfig().embedding))
    for parameter in processor.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    processor.space.body[-1].bias[0] = processor.space.body[-1].bias[4] = 3  # there are a room and an echo
    dry = phrase(1.5)
    wet = torch.from_numpy(EffectChain((Delay(), Reverb())).apply(dry[0].numpy()))[None]
    encoder = FxEncoder(FxEncoderConfig(echoes=True)).eval()
    z = EffectEmbedder(processor.config.embedding, encoder)(wet)
    short, whole = processor.train()(dry, z), processor.eval()(dry, z)
    assert (short - whole).abs().max() < 2e-3 * whole.abs().max()
