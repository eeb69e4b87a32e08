"""The whole small recipe at the smallest size: every stage runs, resumes, and gives weights that mix."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from megami.adaptation import EarEncoder
from megami.audio import Multitrack
from megami.corpus import CorpusConfig, MixEmbeddings
from megami.embeddings import decode_dynamics, split_parts
from megami.errors import UserError
from megami.mixing.mixer import Mixer
from megami.mixing.pretrained import from_pretrained
from megami.presets import load_network, preset, read_metadata, read_preset
from megami.training import STAGES, SmallRecipe, Workplace, train_small
from megami.training.lessons import LESSONS, content_noise, load_mixes

CORPUS = CorpusConfig(
    train_songs=3,
    validation_songs=1,
    test_songs=1,
    extra_songs=2,
    seconds=3.0,
    mixes_per_song=2,
    chains=4,
    views=2,
    view_seconds=1.0,
    crops=6,
    crop_samples=16384,
    long_crops=3,
    long_crop_samples=32768,
)


def tiny_recipe() -> SmallRecipe:
    recipe = SmallRecipe(corpus=CORPUS, preset=replace(preset("small"), segment_seconds=9.0))
    networks = tuple(LESSONS)
    return replace(recipe, **{name: replace(getattr(recipe, name), steps=3, save_every=2) for name in networks})


@pytest.fixture(scope="module")
def trained(tmp_path_factory, soundfont):
    place = Workplace(tmp_path_factory.mktemp("run"), workers=1)
    train_small(place, tiny_recipe())
    return place


def test_every_network_is_written_and_mixes(trained):
    assert {path.stem for path in trained.weights.glob("*.safetensors")} == {*STAGES[2:], "musicnn"}
    song = Multitrack(("a", "b"), torch.randn(2, 1, 44100, generator=torch.Generator().manual_seed(0)) * 0.1, 44100)
    (mix,) = Mixer.from_pretrained(trained.weights, device="cpu").mix(song, steps=3)
    assert mix.audio.shape == (2, 44100) and torch.isfinite(mix.audio).all()


def test_a_folder_of_weights_says_what_it_is(trained):
    assert preset("small").segment_seconds != 9.0
    assert read_preset(trained.weights) == tiny_recipe().preset
    assert from_pretrained(trained.weights).preset.segment_seconds == 9.0


def test_a_finished_stage_gives_the_same_weights_again(trained):
    path = trained.weights / "adaptor.safetensors"
    before = path.read_bytes()
    train_small(trained, tiny_recipe(), ("adaptor",))
    assert path.read_bytes() == before


def test_another_seed_gives_other_weights(trained, tmp_path):
    recipe = tiny_recipe()
    other = Workplace(tmp_path, workers=1)
    other.cache.parent.mkdir(exist_ok=True)
    (tmp_path / "cache").symlink_to(trained.cache)
    other_seed = replace(recipe.with_seed(1), corpus=recipe.corpus)  # which that cache is for
    train_small(other, other_seed, ("fx_encoder",))
    name = "fx_encoder.safetensors"
    assert (other.weights / name).read_bytes() != (trained.weights / name).read_bytes()


def test_generators_learn_from_the_extra_songs_too(trained):
    files = {path.stem for path in (trained.cache / "mixes").iterdir()}
    assert {name for name in files if name.startswith("extra")} == {
        f"extra_000{song}_0{mix}" for song in range(2) for mix in range(2)
    }
    mixes = load_mixes(trained, tiny_recipe())
    assert len(mixes.effects) == len(mixes.contents) == (3 + 2) * 2 * 2
    alone = load_mixes(trained, replace(tiny_recipe(), corpus=replace(CORPUS, extra_songs=0)))
    assert all(torch.equal(*pair) for pair in zip(alone.effects, mixes.effects[:12], strict=True))
    assert not torch.equal(alone.doubt, mixes.doubt)  # of songs that are new to the adaptor


def test_every_mix_is_also_learned_mirrored(trained):
    mixes = load_mixes(trained, tiny_recipe())
    for one, other in zip(mixes.effects[:6], mixes.effects[6:12], strict=True):
        as_is, turned = decode(one), decode(other)
        torch.testing.assert_close(turned[:, 7], -as_is[:, 7], atol=1e-4, rtol=0)
        torch.testing.assert_close(turned[:, [1, 0]], as_is[:, [0, 1]], atol=2e-3, rtol=0)
    assert max(float(mix[:, 7].abs().max()) for mix in map(decode, mixes.effects)) > 0.1  # else nothing is shown


def test_the_oracle_learns_from_dry_content_and_only_when_it_is_named(trained):
    adapted, dry = (load_mixes(trained, tiny_recipe(), true_dry=value) for value in (False, True))
    assert all(torch.equal(*pair) for pair in zip(adapted.effects, dry.effects, strict=True))
    assert torch.equal(adapted.doubt, dry.doubt)
    each = tiny_recipe().corpus.mixes_per_song
    assert len(adapted.songs) == len(adapted.effects) and adapted.songs[:each] == (0,) * each
    for song in set(adapted.songs):  # all mixes of a song, mirrored or not, have its dry tracks
        first, *others = (mix[0] for mix, number in zip(dry.contents, dry.songs, strict=True) if number == song)
        assert len(others) == 2 * each - 1 and all(torch.equal(first, other) for other in others)
    for mix in dry.contents:  # the same for the whole song and its halves, and for every engineer
        assert torch.equal(mix[0], mix[1]) and torch.equal(mix[0], mix[2])
    assert torch.equal(dry.contents[0], dry.contents[1]) and not torch.equal(dry.contents[0], adapted.contents[0])
    assert not (trained.weights / "generator_true_dry.safetensors").exists()
    train_small(trained, tiny_recipe(), ("generator_true_dry",))
    oracle = load_network(trained.weights, "generator_true_dry")
    assert sum(p.numel() for p in oracle.parameters()) == sum(
        p.numel() for p in load_network(trained.weights, "generator").parameters()
    )


def test_content_noise_is_the_presets_or_else_the_adaptors_doubt():
    mixes = MixEmbeddings([], [], torch.eye(4))
    small = tiny_recipe()
    assert small.preset.content_noise is None and content_noise(small, mixes) is mixes.doubt
    assert content_noise(replace(small, preset=replace(small.preset, content_noise=0.02)), mixes) == 0.02


def decode(z: torch.Tensor) -> torch.Tensor:
    return decode_dynamics(split_parts(tiny_recipe().preset.embedding, z).dynamics)


def test_every_network_can_be_kept_at_its_best_for_validation_songs(trained, tmp_path):
    """All but the slow ones; there is nothing of the validation songs but the songs before anybody asks for it."""
    place = Workplace(tmp_path, workers=1)
    place.cache.symlink_to(trained.cache)
    folders = ("dry", "mixes", "views_of_1_songs")
    assert not any(path for folder in folders for path in (place.cache / folder).glob("validation_*"))
    recipe = tiny_recipe().with_validation()
    assert all(loop.validate_every == 1 for loop in recipe.loops.values())
    loops = {name: replace(loop, steps=1, validate_batches=1) for name, loop in recipe.loops.items()}
    names = ("fx_encoder", "content_encoder", "adaptor", "generator_regression", "generator_per_track", "processor_tcn")
    train_small(place, replace(recipe, **loops), names)
    assert all(any((place.cache / folder).glob("validation_*")) for folder in folders)
    for name in (name for name in names if name != "content_encoder"):  # by ear, it is fitted and not trained
        (row,) = (json.loads(line) for line in (place.folder / name / "log.jsonl").read_text().splitlines())
        metrics = read_metadata(place.weights / f"{name}.safetensors")["metrics"]
        assert metrics["step"] == row["step"] == 1
        assert metrics["validation_loss"] == pytest.approx(row["validation_loss"], abs=1e-6)
        assert (place.folder / name / "best.pt").exists()


def test_the_content_encoder_is_fitted_to_what_is_heard_of_dry_tracks(trained):
    """By ear nothing is trained: MusiCNN is the published one, and the projection is that of the training tracks."""
    encoder = load_network(trained.weights, "content_encoder")
    assert isinstance(encoder, EarEncoder)
    published = load_network(trained.weights, "musicnn").state_dict()
    assert all(torch.allclose(value, published[key]) for key, value in encoder.musicnn.state_dict().items())
    heard = [np.load(path)["heard"] for path in sorted((trained.cache / "dry").glob("train_*.npz"))]
    assert torch.allclose(encoder.centre, torch.from_numpy(np.concatenate(heard)).mean(dim=0), atol=1e-5)


def test_the_bank_holds_training_stems_and_what_the_encoder_says_of_them(trained):
    encoder, bank = (load_network(trained.weights, name) for name in ("content_encoder", "stem_bank"))
    files = [np.load(path) for path in sorted((trained.cache / "heard").glob("train_*.npz"))]
    stems = sum(len(file["role"]) for file in files)
    assert bank.config.stems == stems  # few songs: all of them
    first = torch.from_numpy(files[0]["heard"][:1])
    assert torch.allclose(bank.values[0], encoder.encode(first[:, :250])[0], atol=2e-3)
    assert bank.shares(first)[0].argmax() == 0


def test_unknown_stage_is_a_clear_error(tmp_path):
    with pytest.raises(UserError, match="unknown stage"):
        train_small(Workplace(tmp_path), tiny_recipe(), ("dessert",))
