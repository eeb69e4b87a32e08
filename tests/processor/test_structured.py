"""The structured processor: identity, blocks, gradients, silence, short input, independence."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from megami.embeddings import (
    EmbeddingConfig,
    dynamics_features,
    encode_dynamics,
    encode_spectrum,
    join_parts,
    mid_bands_db,
    side_bands_db,
)
from megami.processor import StructuredConfig, StructuredProcessor, mid_side_error_db, small_spectral_loss
from megami.processor.conditioning import loud_level

CONFIG = StructuredConfig()
WITH_ECHOES = StructuredConfig.with_echoes(CONFIG.embedding)


def notes(samples: int = 65536, batch: int = 1, seed: int = 0) -> torch.Tensor:
    """Decaying tones over a little noise: [batch, 1, samples]."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(samples) / 44100
    hz = 80 * 2 ** (4 * torch.rand(batch, 6, 1, generator=generator))
    start = torch.rand(batch, 6, 1, generator=generator) * samples / 44100
    since = (time - start).clamp(min=0)
    tones = torch.sin(2 * torch.pi * hz * since) + 0.3 * torch.sin(6 * torch.pi * hz * since)
    tones = (tones * torch.exp(-4 * since) * (since > 0)).sum(1, keepdim=True)
    return 0.1 * tones + 0.003 * torch.randn(batch, 1, samples, generator=generator)


def embedding_of(wet: torch.Tensor) -> torch.Tensor:
    fx = torch.randn(len(wet), 128, generator=torch.Generator().manual_seed(1))
    spectrum = encode_spectrum(mid_bands_db(wet), side_bands_db(wet))
    return join_parts(CONFIG.embedding, fx, encode_dynamics(dynamics_features(wet)), spectrum)


@pytest.fixture(scope="module")
def processor():
    torch.manual_seed(0)
    return StructuredProcessor(CONFIG).eval()


def stirred(seed: int = 0, config: StructuredConfig = CONFIG) -> StructuredProcessor:
    """A processor whose zero-initialised layers do something; with echoes, it makes one, and a room."""
    torch.manual_seed(seed)
    processor = StructuredProcessor(config).eval()
    with torch.no_grad():
        for parameter in processor.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        if config.echoes:
            processor.space.body[-1].bias[[0, 4]] = 3  # a room and an echo
            processor.space.body[-1].bias[40] = 9  # at a time that is sure
    return processor


both_editions = pytest.mark.parametrize("config", [CONFIG, WITH_ECHOES], ids=["first", "with_echoes"])


@torch.no_grad()
def test_identity_embedding_is_nearly_identity_before_training(processor):
    dry = notes()
    same = dry.expand(-1, 2, -1)
    wet = processor(dry, embedding_of(same))
    mid_error, _ = mid_side_error_db(wet, same)
    assert mid_error.mean() < 0.5 and mid_error.max() < 2.5
    difference = (wet - wet.mean(1, keepdim=True)).square().mean() / wet.square().mean()
    assert 10 * torch.log10(difference) < -35  # dB of side


@torch.no_grad()
@both_editions
@pytest.mark.parametrize("left, right", [(1.0, 1.0), (0.2, 0.2), (1.4, 0.3), (0.05, 1.0)])
def test_gain_and_pan_alone_leave_the_track_as_it_is(left, right, config):
    """Whatever the knobs are set to: level and balance are set afterwards, and nothing else is asked for."""
    dry = notes(batch=2)
    wet = stirred(config=config)(dry, embedding_of(torch.cat([left * dry, right * dry], dim=1)))
    assert (wet - dry).abs().max() < 1e-4 * dry.abs().max()


@torch.no_grad()
def test_more_is_done_the_surer_it_is_that_something_was():
    dry = notes()
    squared = dry * dry.abs().sqrt()  # upward expansion, which level and balance do not explain
    shares = (0.0, 0.02, 0.05, 0.2, 1.0)
    targets = [(dry / dry.square().mean().sqrt()).lerp(squared / squared.square().mean().sqrt(), s) for s in shares]
    conditioning = StructuredProcessor(CONFIG).conditioning
    track = conditioning.measure(dry)
    change = [float(conditioning(track, embedding_of(target.expand(-1, 2, -1))).change) for target in targets]
    assert change[0] == 0 and change[-1] == 1
    assert change == sorted(change) and 0 < change[2] < 1


@torch.no_grad()
def test_target_colour_is_followed_before_training(processor):
    dry = notes()
    spectrum = torch.fft.rfft(dry)
    tilt = (torch.fft.rfftfreq(dry.shape[-1], 1 / 44100).clamp(min=30) / 1000) ** 0.6
    target = torch.fft.irfft(spectrum * tilt, dry.shape[-1]).expand(-1, 2, -1)
    wet = processor(dry, embedding_of(target))
    before, _ = mid_side_error_db(dry.expand(-1, 2, -1), target)
    after, _ = mid_side_error_db(wet, target)
    assert after.mean() < 0.35 * before.mean()


@torch.no_grad()
def test_the_last_equaliser_mends_what_the_others_did_to_the_colour():
    """With wrong knobs everywhere, the mid has the wanted colour all the same, and left over right stays as it was."""
    dry, target = notes(batch=2), notes(batch=2, seed=5).expand(-1, 2, -1)
    z = embedding_of(target)
    trimmed = stirred()
    untrimmed = StructuredProcessor(replace(CONFIG, trim_limit_db=0.0)).eval()
    untrimmed.load_state_dict(trimmed.state_dict())
    wet, before = trimmed(dry, z), untrimmed(dry, z)
    heard = mid_bands_db(target) > -40

    def error_db(audio):
        return (mid_bands_db(audio) - mid_bands_db(target)).abs()[heard].mean()

    assert error_db(before) > 2 and error_db(wet) < 0.6 * error_db(before)
    ratios = [torch.fft.rfft(audio[:, 0]) / torch.fft.rfft(audio[:, 1]) for audio in (before, wet)]
    loud = torch.fft.rfft(before[:, 1]).abs() > 1e-2 * torch.fft.rfft(before[:, 1]).abs().amax(-1, keepdim=True)
    assert torch.allclose(ratios[0].abs()[loud], ratios[1].abs()[loud], rtol=0.1)


def test_parameters_are_few(processor):
    assert 80_000 < sum(parameter.numel() for parameter in processor.parameters()) < 300_000


@both_editions
@pytest.mark.parametrize("block", [20000, 44100, 2**18])
def test_blocks_give_the_whole_pass(block, config):
    processor, dry = stirred(config=config), notes(400_001)
    z = embedding_of(notes(60000, seed=5).expand(-1, 2, -1))
    with torch.no_grad():
        whole = processor(dry, z)
    assert (processor.render(dry, z, block=block) - whole).abs().max() < 1e-5 * whole.abs().max()


@torch.no_grad()
@both_editions
def test_what_is_known_of_a_track_changes_nothing(config):
    processor, dry, z = stirred(config=config), notes(50_000), embedding_of(notes(50_000, seed=5).expand(-1, 2, -1))
    image = torch.cat([dry, 0.7 * dry.roll(9, -1)], dim=1)
    known = processor.measure(dry, image)
    fresh, again = processor.render_image(dry, image, z), processor.render_image(dry, image, z, measured=known)
    assert all(torch.equal(one, other) for one, other in zip(fresh, again, strict=True))
    assert torch.equal(processor.render(dry, z), processor.render(dry, z, measured=processor.measure(dry)))


def test_every_parameter_learns():
    processor, dry = stirred(), notes(32768, batch=2)
    # Wide: the parts that widen a track only open, and only learn, where there is something to widen.
    target = torch.cat([notes(32768, batch=2, seed=3), notes(32768, batch=2, seed=4)], dim=1)
    small_spectral_loss(processor(dry, embedding_of(target)), target).backward()
    for name, parameter in processor.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


@torch.no_grad()
@both_editions
def test_items_do_not_influence_each_other(config):
    processor, dry = stirred(config=config), notes(30000, batch=3)
    z = embedding_of(notes(30000, batch=3, seed=2).expand(-1, 2, -1))
    together = processor(dry, z)
    alone = torch.cat([processor(dry[i : i + 1], z[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@torch.no_grad()
@both_editions
def test_louder_input_gives_the_same_sound_louder(config):
    processor, dry = stirred(config=config), notes(30000)
    z = embedding_of(notes(30000, seed=2).expand(-1, 2, -1))
    torch.testing.assert_close(processor(0.1 * dry, z), 0.1 * processor(dry, z), rtol=0, atol=1e-4)


@torch.no_grad()
@both_editions
def test_output_has_no_dc(config):
    dry = notes(88200) + 0.05
    wet = stirred(config=config)(dry, embedding_of(notes(60000, seed=2).expand(-1, 2, -1)))
    assert wet[..., 44100:].mean().abs() < 1e-3


@both_editions
@pytest.mark.parametrize("samples", [1, 63, 64, 1000, 17640])
def test_any_length(samples, config):
    processor, z = stirred(config=config), embedding_of(notes(60000).expand(-1, 2, -1))
    with torch.no_grad():
        wet = processor(notes(samples), z)
    assert wet.shape == (1, 2, samples) and wet.isfinite().all()


@both_editions
def test_silence_stays_silence_and_gradients_stay_finite(config):
    processor, dry = stirred(config=config), torch.zeros(1, 1, 30000)
    wet = processor(dry, embedding_of(torch.zeros(1, 2, 30000)))
    assert not wet.any()
    small_spectral_loss(wet, notes(30000).expand(-1, 2, -1)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in processor.parameters())


@torch.no_grad()
@both_editions
def test_any_embedding_gives_finite_audio(config):
    processor, dry = stirred(config=config), notes(30000, batch=4)
    z = torch.randn(4, 256, generator=torch.Generator().manual_seed(3))
    assert processor(dry, z).isfinite().all()
    assert processor(dry, torch.zeros(4, 256)).isfinite().all()


def test_loud_level_ignores_silence():
    tone = 0.1 * torch.sin(torch.arange(20480) * 0.1)[None, None]
    padded = torch.cat([torch.zeros(1, 1, 10240), tone, torch.zeros(1, 1, 40960)], dim=-1)
    torch.testing.assert_close(loud_level(padded), loud_level(tone), rtol=1e-3, atol=0)


def test_an_embedding_without_spectrum_is_refused():
    with pytest.raises(ValueError, match="spectrum"):
        StructuredProcessor(StructuredConfig(embedding=EmbeddingConfig(2048, 64, 0)))
