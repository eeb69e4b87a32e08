"""Following a record: what is measured on it, and that mixes like it are taken more often."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import SAMPLE_RATE, read_multitrack
from megami.errors import UserError
from megami.mixing import Direction, Mixer
from megami.mixing.measures import read_plan
from megami.mixing.reference import (
    CANDIDATES,
    Reference,
    candidate_seeds,
    choose,
    distance_of_all,
    gaps_of_all,
    measured_records,
    read_weighted,
)

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


def noise(tilt: float, width: float) -> torch.Tensor:
    """Two seconds of noise [2, samples] whose amplitude falls with frequency to the power of `tilt`."""
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.fft.rfft(torch.randn(2, 2 * SAMPLE_RATE, generator=generator))
    hz = torch.arange(spectrum.shape[-1]).clamp_min(20.0)
    mid, side = 0.1 * torch.nn.functional.normalize(torch.fft.irfft(spectrum * hz**-tilt)) * SAMPLE_RATE**0.5
    return torch.stack([mid + width * side, mid - width * side])


def test_tone_and_width_are_measured(tmp_path):
    dark, bright = Reference.of(noise(1.0, 0.1)), Reference.of(noise(0.0, 0.5))
    assert torch.diff(dark.mid_db).mean() < torch.diff(bright.mid_db).mean() - 0.5
    torch.testing.assert_close(
        bright.side_db[8:], torch.full((16,), 20 * np.log10(0.5)), rtol=0, atol=1.0, check_dtype=False
    )
    file = tmp_path / "record.wav"
    soundfile.write(file, noise(1.0, 0.1).T.numpy(), SAMPLE_RATE, subtype="FLOAT")
    torch.testing.assert_close(Reference.of(file).mid_db, dark.mid_db)
    louder = Reference.of(2 * noise(1.0, 0.1))
    torch.testing.assert_close(louder.mid_db, dark.mid_db, rtol=0, atol=1e-3)


def test_the_more_alike_the_likelier():
    taken = [choose([3.0, 1.0, 1.2, 8.0], seed=5, mix=mix) for mix in range(200)]
    counts = np.bincount(taken, minlength=4)
    assert counts[3] == 0 and counts[1] > counts[0] and counts[2] > 20
    assert taken == [choose([3.0, 1.0, 1.2, 8.0], seed=5, mix=mix) for mix in range(200)]
    assert len(set(candidate_seeds(7))) == CANDIDATES and candidate_seeds(7)[0] == 7


def test_mixes_are_nearer_to_a_record_than_free_ones():
    mixer = Mixer.from_pretrained("small", device="cpu")
    song = read_multitrack(SAMPLES / "night_bus").select([0, 1, 3, 5])
    song = replace(song, audio=song.audio[..., 6 * SAMPLE_RATE : 9 * SAMPLE_RATE])
    content, names, preset = mixer.content(song), song.names, mixer.preset
    record = Reference.of(mixer.process(song, mixer.generate(content, 1, seed=99)[0]).sum(0))

    def draw(direction: Direction, seed: int, num_mixes: int = 3) -> torch.Tensor:
        directed = direction.among(names, names, preset.embedding, mixer.networks.processor)
        return directed.draw_by_seed(
            lambda own, evidence: mixer.generate(content, num_mixes, seed=own, evidence=evidence), seed
        ).plans

    def distance(plans: torch.Tensor) -> float:
        return float(np.mean([float(record.distance_db(read_plan(plan, preset.embedding))) for plan in plans]))

    follow = Direction(references=(record,))
    free, near = ([draw(direction, seed) for seed in (1, 2)] for direction in (Direction(), follow))
    assert distance(torch.cat(near)) < distance(torch.cat(free)) - 0.3
    assert (near[0][0] - near[0][1]).norm() > 0.1  # still different mixes
    assert torch.equal(draw(follow, 1, num_mixes=2), near[0][:2])


def test_what_is_no_record_is_refused(tiny_weights, dry_tracks, tmp_path):
    song = read_multitrack(dry_tracks(2, 0.6))
    mixer = Mixer.from_pretrained(tiny_weights, device="cpu")
    for record, words in (
        (torch.zeros(2, 44100), "the reference is silent"),
        (torch.zeros(3, 100), r"a reference is audio \[2, samples\]"),
        (torch.full((2, 100), torch.nan), "of finite numbers"),
        (tmp_path / "nothing.wav", "nothing.wav"),
    ):
        with pytest.raises(UserError, match=words):
            mixer.mix(song, steps=2, reference=record)
    assert len(mixer.mix(song, 2, steps=2, reference=noise(0.5, 0.2))) == 2


def test_weights_count_as_so_many_records(tiny_weights, dry_tracks):
    song, mixer = read_multitrack(dry_tracks(2, 0.6)), Mixer.from_pretrained(tiny_weights, device="cpu")
    dark, bright = noise(1.0, 0.1), noise(0.0, 0.5)

    def plan(reference: object) -> torch.Tensor:
        return mixer.mix(song, steps=2, seed=3, reference=reference)[0].embeddings

    assert torch.equal(plan([(bright, 0)]), plan(None)) and torch.equal(plan([]), plan(None))
    once = plan(bright)
    for same in ([bright], [(bright, 1)], (bright, 1.0), [(bright, 0.5), (bright, 0.5)], [bright, (dark, 0.0)]):
        torch.testing.assert_close(plan(same), once, rtol=0, atol=1e-6)
    said = read_plan(once, mixer.preset.embedding)
    both = measured_records([(dark, 2.0), bright])
    squares = [float(one.distance_db(said)) ** 2 for one in both]
    assert distance_of_all(both, said) == pytest.approx((2 * squares[0] + squares[1]) ** 0.5)
    assert float(gaps_of_all(both, said).square().sum()) == pytest.approx(2 * squares[0] + squares[1], rel=1e-4)


def test_weights_are_read_with_their_files(tmp_path):
    (tmp_path / "take:2").write_bytes(b"")
    for text, path, weight in (
        ("a.wav", "a.wav", 1.0),
        ("b.wav:0.5", "b.wav", 0.5),
        ("c:d.wav", "c:d.wav", 1.0),
        ("c:d.wav:2", "c:d.wav", 2.0),
        (str(tmp_path / "take:2"), str(tmp_path / "take:2"), 1.0),  # a file of that name
    ):
        assert read_weighted(text) == (Path(path), weight)
    for text in ("a.wav:-1", "a.wav:nan", "a.wav:1000"):
        with pytest.raises(UserError, match="weight of a reference must be a number from 0 to 100"):
            read_weighted(text)
    for records, words in (({"a.wav": "much"}, "must be a number"), ([3], "a reference is a file or audio")):
        with pytest.raises(UserError, match=words):
            measured_records(records)
    file = tmp_path / "record.wav"
    soundfile.write(file, noise(1.0, 0.1).T.numpy(), SAMPLE_RATE, subtype="FLOAT")
    assert [one.weight for one in measured_records({file: 2})] == [2.0]
