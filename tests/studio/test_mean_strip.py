"""The mean of channel strips: each setting is the average, inserts left out count as none, and it plays."""

import numpy as np
import pytest
from handmade import handmade_song

from megami.effects import Compressor, Delay, EffectChain, Gain, Pan, Reverb, Width
from megami.studio import ENGINEERS
from megami.studio.engineers.mean_strip import by_place, mean_strip


def engineers_chains(track: int) -> list[EffectChain]:
    song = handmade_song(0, 2.0)
    return [engineer.mix(song, 0).chains[track] for engineer in ENGINEERS]


def the(chain: EffectChain, place: str):
    return by_place(chain)[place]


@pytest.mark.parametrize("track", range(handmade_song(0, 2.0).multitrack.num_tracks))
def test_every_engineers_strip_is_understood_and_their_mean_plays(track: int) -> None:
    chains = engineers_chains(track)
    mean = mean_strip(chains)
    assert len(mean.effects) == len({place for chain in chains for place in by_place(chain)})
    dry = handmade_song(0, 2.0).multitrack.audio[track].numpy()
    wet = mean.apply(dry)
    assert wet.shape == (2, dry.shape[-1]) and np.isfinite(wet).all() and wet.any()
    faders = [the(chain, "fader").gain_db for chain in chains]
    assert the(mean, "fader").gain_db == pytest.approx(np.mean(faders))


def test_the_mean_of_equal_strips_is_the_strip() -> None:
    chain = engineers_chains(0)[0]
    mean = mean_strip([chain, chain])
    dry = handmade_song(0, 2.0).multitrack.audio[0].numpy()
    assert np.allclose(mean.apply(dry), chain.apply(dry), atol=1e-5)


def test_an_insert_left_out_counts_as_none_of_it() -> None:
    room = Reverb(decay_s=2.0, wet=0.4, seed=7)
    mean = mean_strip([EffectChain((Gain(0.0), Pan(-0.5), room, Gain(-6.0))), EffectChain((Gain(0.0), Gain(0.0)))])
    assert the(mean, "room").wet == pytest.approx(0.2) and the(mean, "room").decay_s == pytest.approx(2.0)
    assert the(mean, "room").seed == 7
    assert the(mean, "pan").position == pytest.approx(-0.25) and the(mean, "fader").gain_db == pytest.approx(-3.0)


def test_times_and_ratios_are_averaged_as_logarithms() -> None:
    pair = [EffectChain((Gain(0.0), Compressor(attack_ms=ms, threshold_db=db))) for ms, db in ((1.0, -10), (16.0, -30))]
    middle = the(mean_strip(pair), "compressor")
    assert middle.attack_ms == pytest.approx(4.0) and middle.threshold_db == pytest.approx(-20.0)


def test_a_width_behind_the_room_is_not_taken_for_a_spread() -> None:
    chain = EffectChain((Gain(0.0), Reverb(wet=0.2), Width(width=0.5)))
    assert set(by_place(chain)) == {"input", "room", "stereo"}
    without_room = EffectChain((Gain(0.0), Width(width=0.5)))
    assert set(by_place(without_room)) == {"input", "stereo"}


def test_other_chains_are_refused() -> None:
    with pytest.raises(ValueError, match="Pan stands where"):
        mean_strip([EffectChain((Delay(), Pan(0.3)))])
