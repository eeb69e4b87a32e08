"""Stereo tracks: what is decided from their mono fold is done to both channels, and their image stays."""

from __future__ import annotations

import pytest
import torch
from test_fxnorm import coloured
from test_render import processors  # noqa: F401
from test_structured import CONFIG, WITH_ECHOES, embedding_of, notes, stirred

from megami.audio import framed_level_db, level_db
from megami.processor import FxNorm, average_curve, render_tracks

EMBEDDING = CONFIG.embedding
SAMPLES = 50_000


def two_sided(right: float = 0.5) -> torch.Tensor:
    """A stereo track [1, 2, n] with other notes on each side; those on the right are so much quieter."""
    left_notes, right_notes = notes(SAMPLES, seed=3), notes(SAMPLES, seed=4)
    ratio = framed_level_db(left_notes) - framed_level_db(right_notes)
    return torch.cat([left_notes, right * right_notes * 10 ** (ratio / 20)[..., None]], dim=1)


def balance_db(audio: torch.Tensor) -> float:
    """How much louder left is than right."""
    levels = level_db(audio[0, :, None])
    return float(levels[0] - levels[1])


def rendered(processor, stereo: torch.Tensor, z: torch.Tensor, **more) -> torch.Tensor:
    return render_tracks(processor, stereo.mean(1, keepdim=True), z, embedding_config=EMBEDDING, stereo=stereo, **more)


def elsewhere(audio: torch.Tensor) -> torch.Tensor:
    """An embedding of a track that was panned and coloured."""
    return embedding_of(torch.cat([audio, 0.6 * audio.roll(3, -1)], dim=1))


@pytest.mark.parametrize("config", [CONFIG, WITH_ECHOES], ids=["first", "with_echoes"])
def test_each_channel_becomes_what_it_would_become_in_the_place_of_the_fold(config):
    """Nothing of one channel gets into the other, and the fold in the place of both becomes what it always becomes."""
    processor, image = stirred(config=config), two_sided()
    fold, z = image.mean(1, keepdim=True), elsewhere(notes(SAMPLES, seed=9))
    wet, same = processor.render_image(fold, fold.expand(-1, 2, -1), z)
    torch.testing.assert_close(same, wet, rtol=0, atol=1e-6)
    torch.testing.assert_close(wet, processor.render(fold, z), rtol=0, atol=1e-6)
    only_left = torch.cat([image[:, :1], 0 * image[:, 1:]], dim=1)
    _, one_side = processor.render_image(fold, only_left, z)
    _, both = processor.render_image(fold, image, z)
    torch.testing.assert_close(one_side[:, 0], both[:, 0], rtol=0, atol=1e-6)
    assert one_side[:, 1].abs().max() < 1e-6 < both[:, 1].abs().max()


def test_the_convolutional_processor_renders_each_side_by_itself(processors):  # noqa: F811
    tcn, image, z = processors["tcn"], two_sided(), elsewhere(notes(SAMPLES, seed=9))
    wet, both = tcn.render_image(image.mean(1, keepdim=True), image, z)
    torch.testing.assert_close(both[:, 0], tcn.render(image[:, :1], z)[:, 0])
    torch.testing.assert_close(both[:, 1], tcn.render(image[:, 1:], z)[:, 1])
    torch.testing.assert_close(wet, tcn.render(image.mean(1, keepdim=True), z))


def test_a_stereo_track_is_normalised_by_what_its_fold_needs():
    fxnorm = FxNorm(average_curve([coloured(-0.5)]))
    left, right = coloured(-0.3, 1), coloured(-0.3, 2)
    fold = (left + right) / 2
    image = fxnorm(fold, torch.cat([left, right], dim=1))
    torch.testing.assert_close(image.mean(1, keepdim=True), fxnorm(fold), rtol=0, atol=1e-5)
    torch.testing.assert_close(fxnorm(fold, fold.expand(-1, 2, -1))[:, 1:], fxnorm(fold), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["structured", "tcn"])
def test_equal_channels_are_a_mono_track(processors, kind):  # noqa: F811
    dry, z = notes(SAMPLES), elsewhere(notes(SAMPLES, seed=9))
    mono = render_tracks(processors[kind], dry, z, embedding_config=EMBEDDING)
    assert torch.equal(rendered(processors[kind], dry.expand(-1, 2, -1), z), mono)


@pytest.mark.parametrize("right", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("described", ["fold", "track"])
def test_a_plan_that_asks_for_no_change_keeps_left_and_right_as_they_are(processors, right, described):  # noqa: F811
    """Whether it describes the fold that the plan is made from, or the stereo track itself."""
    image = two_sided(right)
    plan = embedding_of(image if described == "track" else image.mean(1, keepdim=True).expand(-1, 2, -1))
    wet = rendered(processors["structured"], image, plan)
    assert abs(balance_db(wet) - balance_db(image)) < 1.0
    for channel in (0, 1):
        same, other = (
            torch.corrcoef(torch.stack([wet[0, channel], image[0, k]]))[0, 1] for k in (channel, 1 - channel)
        )
        assert same > 0.95 and abs(other) < 0.3


@pytest.mark.parametrize("kind", ["structured", "tcn"])
def test_a_stereo_track_is_as_loud_as_its_fold_would_be_and_is_balanced_as_on_a_console(processors, kind):  # noqa: F811
    image = two_sided(1.0)
    left_louder = embedding_of(torch.cat([image.mean(1, keepdim=True), 0.5 * image.mean(1, keepdim=True)], dim=1))
    wet = rendered(processors[kind], image, left_louder)
    mono = render_tracks(processors[kind], image.mean(1, keepdim=True), left_louder, embedding_config=EMBEDDING)
    loudness = [float(10 * torch.log10((10 ** (framed_level_db(audio) / 10)).sum())) for audio in (wet, mono)]
    assert loudness[0] == pytest.approx(loudness[1], abs=1.5)
    if kind == "structured":
        assert balance_db(wet) - balance_db(image) == pytest.approx(balance_db(mono), abs=1.0)


def test_a_channel_that_only_sounds_when_not_summed_is_not_silent(processors):  # noqa: F811
    """Silence is judged per channel."""
    left = notes(SAMPLES)
    left *= 10 ** ((-57.0 - framed_level_db(left)) / 20)[..., None]
    image = torch.cat([left, 0 * left], dim=1)
    assert framed_level_db(image.mean(1, keepdim=True)) < -60.0
    assert rendered(processors["structured"], image, elsewhere(notes(SAMPLES, seed=9))).any()
