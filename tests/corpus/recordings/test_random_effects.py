"""The published effect chain: its ranges, and each effect against its equation."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from megami.audio import write_audio
from megami.corpus.recordings.random_effects import (
    LAWS,
    MODES,
    AmplitudeDelayPanner,
    Haas,
    HardKneeCompressor,
    ImpulseResponseReverb,
    PublishedChain,
    branching_ballistics,
    pan_factors,
    shortened,
)
from megami.corpus.recordings.responses import ROOMS, recorded_responses
from megami.effects import Equaliser
from megami.errors import UserError

RATE = 44100
RANGES = {
    "ImpulseResponseReverb": {"wet": (0.1, 1), "decay": (0.1, 1), "pre_delay_ms": (-100, 99)},
    "Haas": {"delay_ms": (-40, 40), "feedback": (0.33, 0.66), "channel": (0, 1)},
    "Polarity": {"gain_db": (-6, 6), "inverted": (0, 1)},
    "AmplitudeDelayPanner": {"position": (0.1, 0.9), "law": (0, 2), "mode": (0, 2), "distance_m": (0, 2)},
    "HardKneeCompressor": {
        "threshold_db": (-40, 0), "attack_ms": (0.03, 30), "release_ms": (50, 100), "ratio": (2, 10),
        "makeup_db": (-3, 6),
    },
    "Equaliser": {
        "low_gain_db": (-15, 15), "low_hz": (30, 200), "high_gain_db": (-15, 15), "high_hz": (5000, 10000),
        "peak1_gain_db": (-15, 15), "peak1_hz": (200, 1000), "peak1_q": (0.1, 2),
        "peak2_gain_db": (-15, 15), "peak2_hz": (1000, 3000), "peak2_q": (0.1, 2),
        "peak3_gain_db": (-15, 15), "peak3_hz": (3000, 8000), "peak3_q": (0.1, 2),
    },
}  # fmt: skip
"""As the published training has them, all uniform."""


def impulse(samples: int, place: int) -> np.ndarray:
    audio = np.zeros((2, samples), dtype=np.float32)
    audio[:, place] = 1
    return audio


@pytest.fixture(scope="module")
def drawn() -> list[tuple]:
    rng = np.random.default_rng(0)
    return [PublishedChain(0.5).draw(rng) for _ in range(500)]


def test_parameters_fill_their_published_ranges_and_no_more(drawn):
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for chain in drawn:
        for effect in chain:
            for name in RANGES[type(effect).__name__]:
                found[type(effect).__name__][name].append(float(getattr(effect, name)))
    assert found.keys() == RANGES.keys()
    for kind, ranges in RANGES.items():
        for name, (low, high) in ranges.items():
            values, width = np.array(found[kind][name]), high - low
            assert low <= values.min() <= low + 0.05 * width and high - 0.05 * width <= values.max() <= high, name
            assert abs(values.mean() - (low + high) / 2) < 0.12 * width, f"{kind} {name} is not uniform"


def test_each_effect_comes_with_its_probability_in_any_order(drawn):
    names = [[type(effect).__name__ for effect in chain] for chain in drawn]
    assert all(len(set(chain)) == len(chain) for chain in names)
    for kind in RANGES:
        assert abs(np.mean([kind in chain for chain in names]) - 0.5) < 0.08
    firsts = [chain.index("Haas") < chain.index("Equaliser") for chain in names if {"Haas", "Equaliser"} <= {*chain}]
    assert abs(np.mean(firsts) - 0.5) < 0.2
    many = [len(PublishedChain(0.8).draw(np.random.default_rng(seed))) for seed in range(300)]
    assert abs(np.mean(many) - 0.8 * 6) < 0.25


def test_a_chain_is_repeatable_and_keeps_silence_and_length():
    clip = np.random.default_rng(1).standard_normal((1, 6000)).astype(np.float32)
    for seed in range(6):
        once, again = (PublishedChain(0.8).apply(clip, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(once, again) and once.shape == (2, 6000) and np.isfinite(once).all()
        assert not PublishedChain(0.8).apply(np.zeros((1, 6000)), np.random.default_rng(seed)).any()


@pytest.mark.parametrize(("delay_ms", "place"), [(10.0, 500 + 441), (-10.0, 500 - 441)])
def test_haas_adds_one_copy_to_one_channel(delay_ms, place):
    out = Haas(delay_ms=delay_ms, feedback=0.5, channel=1).apply(impulse(1000, 500), RATE)
    wanted = impulse(1000, 500)
    wanted[1, place] += 0.5
    assert np.allclose(out, wanted)


def test_what_leaves_at_one_end_comes_back_only_where_asked_for():
    late = {"delay_ms": 10.0, "feedback": 0.5}
    assert np.count_nonzero(Haas(**late).apply(impulse(1000, 900), RATE)) == 2
    circular = Haas(**late, circular=1).apply(impulse(1000, 900), RATE)
    assert circular[0, (900 + 441) % 1000] == 0.5


def test_pan_laws_lie_at_their_levels_in_the_middle_and_swap_with_the_side():
    for law, level_db in enumerate((-6.02, -3.01, -4.52)):
        left, right = pan_factors(0.5, law)
        assert left == pytest.approx(right) and 20 * np.log10(left) == pytest.approx(level_db, abs=0.01), LAWS[law]
        assert pan_factors(0.2, law) == pytest.approx(pan_factors(0.8, law)[::-1])
        assert pan_factors(0.8, law)[1] > pan_factors(0.8, law)[0]


def test_panning_by_delay_brings_the_near_side_early_and_the_far_side_late():
    by_delay = AmplitudeDelayPanner(position=0.9, mode=MODES.index("delay"), distance_m=1.0)
    out = by_delay.apply(impulse(1000, 500), RATE)
    half = int(1.0 / 343 * RATE * 0.4)
    assert out[0].argmax() == 500 + half and out[1].argmax() == 500 - half and out.max() == 1


def test_the_compressor_settles_on_its_curve_and_moves_with_its_time_constants():
    steady = np.full((2, RATE), 0.5, dtype=np.float32)
    effect = HardKneeCompressor(threshold_db=-26.02, ratio=4.0, attack_ms=5.0, release_ms=60.0, makeup_db=0.0)
    out = effect.apply(steady, RATE)
    assert 20 * np.log10(out[0, -1]) == pytest.approx(-6.02 - 20 * 0.75, abs=0.01)
    step = np.concatenate([np.full(4000, 10.0), np.zeros(8000)])
    smooth = branching_ballistics(step, 300, 900)
    assert smooth[299] == pytest.approx(10 * (1 - np.exp(-1)), rel=0.01)
    assert smooth[4000 + 899] == pytest.approx(10 * np.exp(-1), rel=0.01)


def test_the_compressor_treats_each_channel_by_itself():
    uneven = np.stack([np.full(2000, 0.9), np.full(2000, 0.01)]).astype(np.float32)
    out = HardKneeCompressor(threshold_db=-20.0, ratio=10.0).apply(uneven, RATE)
    assert out[0, -1] < 0.5 and np.allclose(out[1], uneven[1])


def test_reverb_keeps_the_direct_sound_in_place_and_a_positive_pre_delay_brings_it_forward():
    response, place = ROOMS.load(3), 5000
    peak = int(np.abs(response).max(axis=0).argmax())
    for pre_delay_ms in (0, 10, -10):
        effect = ImpulseResponseReverb(number=3, wet=1.0, pre_delay_ms=pre_delay_ms)
        out = effect.apply(impulse(20000, place), RATE)
        begin = max(0, peak + round(pre_delay_ms * RATE / 1000))
        assert np.abs(out).max(axis=0).argmax() == place + peak - begin
        wanted = np.zeros_like(out)  # y[n] = r[n + begin - place]
        first = max(0, place - begin)
        wanted[:, first:] = response[:, first + begin - place :][:, : 20000 - first]
        assert np.allclose(out, wanted, atol=1e-5)


def test_decay_keeps_a_share_of_the_response_and_fades_the_rest_by_100_db():
    response = np.ones((2, 10000), dtype=np.float32)
    out = shortened(response, peak=1999, decay=0.25, sample_rate=RATE)
    assert out.shape[-1] == 4000 + 882 and (out[:, :4000] == 1).all()
    assert out[0, -1] == pytest.approx(1e-5, rel=0.01) and (np.diff(out[0, 4000:]) < 0).all()
    assert shortened(response, 1999, 1.0, RATE).shape[-1] == 10000


def test_recorded_responses_are_found_below_a_folder_and_brought_to_the_rate(tmp_path):
    (tmp_path / "hall").mkdir()
    write_audio(tmp_path / "hall" / "a.wav", impulse(2000, 100)[:1], 22050)
    responses = recorded_responses(tmp_path)
    loaded = responses.load(0, RATE)
    assert len(responses) == 1 and loaded.shape == (2, 4000) and abs(int(np.abs(loaded[1]).argmax()) - 200) <= 1
    out = PublishedChain(1.0, responses).apply(impulse(3000, 50)[:1], np.random.default_rng(0))
    assert np.isfinite(out).all()
    (tmp_path / "nothing").mkdir()
    for folder, words in ((tmp_path / "nothing", "no impulse response"), (tmp_path / "absent", "no such folder")):
        with pytest.raises(UserError, match=words):
            recorded_responses(folder)


def test_the_equaliser_is_the_one_of_the_effects_room(drawn):
    assert any(isinstance(effect, Equaliser) for chain in drawn for effect in chain)
