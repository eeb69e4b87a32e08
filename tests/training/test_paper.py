"""The published recipes: their rules, their losses, and weights that mix; at tiny size, on features of no recording."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_features import MadeItems, made_data, made_song, tiny_recipe
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook

from megami.audio import SAMPLE_RATE, Multitrack, framed_level_db
from megami.errors import UserError
from megami.mixing.mixer import Mixer
from megami.presets import load_network, read_metadata, read_preset, verify
from megami.processor import FilmTCN, FxNorm, StructuredProcessor, processor_loss_paper
from megami.training import PaperData, PaperPlace, PaperRecipe, events, paper, train_paper
from megami.training.checkpoints import load_checkpoint
from megami.training.feature_items import DrawItems, StepBatches
from megami.training.loop import ema_rate_at, learning_rate_at
from megami.training.paper import choose_stages
from megami.training.paper_workplace import borrowed
from megami.training.recipes import published
from megami.training.sizes import SIZES, sized_preset

TINY = tiny_recipe(steps=4, batch=4, validate_every=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder in which all stages have run."""
    folder = tmp_path_factory.mktemp("paper")
    assert train_paper(PaperPlace(folder), TINY, made_data()) == folder / "weights"
    return folder


def rows(folder: Path, name: str) -> list[dict]:
    found = [json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


def state(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / name / "checkpoint.pt")["task"]


def test_what_was_trained_mixes_a_song(trained):
    song = Multitrack(("voice", "bass"), torch.from_numpy(made_song()), SAMPLE_RATE)
    mixer = Mixer.from_pretrained(trained / "weights", "cpu")
    (mix,) = mixer.mix(song, num_mixes=1, seed=0)
    assert mix.audio.shape == (2, song.audio.shape[-1]) and bool(mix.audio.isfinite().all()) and bool(mix.audio.any())
    assert isinstance(mixer.networks.processor, FilmTCN) and mixer.preset.adapt_dry
    assert len(verify(trained / "weights")) == 6  # the networks, FxNorm, and the two that listen
    assert mixer.networks.fxnorm is not None and mix.embeddings.norm(dim=-1).numpy() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["adaptor", "processor", "generator"])
def test_each_network_is_validated_and_kept_at_its_best(trained, name):
    losses = {row["step"]: row["validation_loss"] for row in rows(trained, name)}
    assert list(losses) == [2, 4]
    best = min(losses, key=losses.__getitem__)
    words = read_metadata(trained / "weights" / f"{'processor_tcn' if name == 'processor' else name}.safetensors")
    assert words["metrics"]["step"] == best and words["recipe"]["size"] == "tiny"


def test_judges_are_no_part_of_what_is_stored(trained):
    assert {key.partition(".")[0] for key in state(trained, "processor")} == {"processor"}
    assert {key.partition(".")[0] for key in state(trained, "generator")} == {"denoiser"}


def test_a_run_that_is_killed_goes_on_with_the_same_losses(trained, tmp_path):
    """Killed without warning (SIGKILL) after the third of four steps, the last checkpoint is of the second."""
    if sys.platform == "win32" or torch.cuda.is_available():
        pytest.skip("a process that has computed on a GPU cannot be forked, nor can any on Windows")
    often = replace(TINY, generator=replace(TINY.generator, save_every=2))
    child = os.fork()
    if child == 0:
        steps = []

        def die(*_) -> None:
            steps.append(1)
            if len(steps) == 4 + 3:  # the adaptor's, then the generator's
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            register_optimizer_step_post_hook(die)
            train_paper(PaperPlace(tmp_path), often, made_data(), ("adaptor", "generator"))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert load_checkpoint(tmp_path / "generator" / "checkpoint.pt")["step"] == 2
    train_paper(PaperPlace(tmp_path), often, made_data(), ("adaptor", "generator"))
    assert rows(tmp_path, "generator") == rows(trained, "generator")
    assert all(
        torch.equal(value, state(tmp_path, "generator")[key]) for key, value in state(trained, "generator").items()
    )


@pytest.mark.parametrize("name", ["adaptor", "generator"])
def test_accumulated_gradients_are_those_of_the_whole_batch(trained, tmp_path, name):
    """Also for mixes of one to five tracks, of which each part of a batch has another share."""
    parts = replace(TINY, accumulate=4)
    train_paper(PaperPlace(tmp_path, start=trained / "weights"), parts, made_data(), (name,))
    whole, summed = state(trained, name), state(tmp_path, name)
    assert max(float((whole[key] - summed[key]).abs().max()) for key in whole) < 1e-6
    for one, other in zip(rows(trained, name), rows(tmp_path, name), strict=True):
        assert one == pytest.approx(other, abs=2e-6)


def test_a_processor_that_recomputes_learns_the_same(trained, tmp_path):
    train_paper(
        PaperPlace(tmp_path, start=trained / "weights"), replace(TINY, recompute=True), made_data(), ("processor",)
    )
    plain, again = state(trained, "processor"), state(tmp_path, "processor")
    assert max(float((plain[key] - again[key]).abs().max()) for key in plain) < 1e-6
    for one, other in zip(rows(trained, "processor"), rows(tmp_path, "processor"), strict=True):
        assert one == pytest.approx(other, abs=2e-6)


@pytest.mark.parametrize(
    ("stage", "options", "ways"),
    [
        ("processor", {"batch": 4}, "--accumulate 2 (smaller parts), --recompute (less is kept for gradients), --prec"),
        ("processor", {"batch": 4, "recompute": True, "precision": "bf16"}, "--accumulate 2 (smaller parts)"),
        ("generator", {"batch": 2, "accumulate": 2, "precision": "bf16"}, "more GPUs, or a smaller --batch"),
    ],
)
def test_a_step_too_large_for_the_gpu_is_one_line_of_what_to_do(tmp_path, monkeypatch, stage, options, ways):
    def run(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setitem(paper.RUNNERS, stage, run)
    with pytest.raises(UserError, match=re.escape(f"go on with {ways}")):
        train_paper(PaperPlace(tmp_path), replace(TINY, **options), made_data(), (stage,))


def test_bf16_learns_nearly_the_same(trained, tmp_path):
    """Not quite: products have three digits. What is learnt, and what batches hold, has all of them."""
    half = replace(TINY, precision="bf16")
    place = PaperPlace(tmp_path, start=trained / "weights")
    train_paper(place, half, made_data(), ("adaptor", "generator"))
    for name in ("adaptor", "generator"):
        for one, other in zip(rows(trained, name), rows(tmp_path, name), strict=True):
            assert other["loss"] == pytest.approx(one["loss"], rel=0.03) and other["loss"] != one["loss"]
        assert all(value.dtype != torch.bfloat16 for value in state(tmp_path, name).values())
    data = made_data(validation=False)
    for precision in ("fp32", "bf16"):
        place = PaperPlace(tmp_path / precision, start=trained / "weights")
        train_paper(place, replace(TINY, precision=precision, steps=1, batch=1), data, ("processor",))
    (whole,), (half_loss,) = (rows(tmp_path / precision, "processor") for precision in ("fp32", "bf16"))
    assert half_loss["loss"] == pytest.approx(whole["loss"], rel=0.03)


@torch.no_grad()
def test_the_processors_loss_is_the_published_one_on_normalised_sound(trained):
    crops = [MadeItems("crops", 2)[index] for index in range(2)]
    batch = {key: torch.stack([crop[key] for crop in crops]) for key in crops[0]}
    names = ("fx_encoder", "content_encoder", "fxnorm")
    encoder, content_encoder, fxnorm = (load_network(trained / "weights", name) for name in names)
    processor = FilmTCN(sized_preset("tiny").tcn).eval()
    task = published.PublishedProcessorTask(processor, fxnorm, encoder, content_encoder).eval()
    target = batch["wet"] * 10 ** ((-16 - framed_level_db(batch["wet"])) / 20)[..., None]
    dry = fxnorm(batch["dry"])
    assert framed_level_db(dry).numpy() == pytest.approx(-16, abs=0.01)
    wanted = encoder.project(encoder(target))

    def expected(content):
        predicted = processor(dry, batch["z"], content)
        return float(processor_loss_paper(predicted, target, encoder.project(encoder(predicted)), wanted))

    assert float(task(batch)["loss"]) == pytest.approx(expected(content_encoder.learned(dry)), rel=1e-4)
    cached = published.PublishedProcessorTask(processor, fxnorm, encoder).eval()
    assert float(cached(batch)["loss"]) == pytest.approx(expected(batch["content"]), rel=1e-4)


def test_fxnorm_brings_every_track_to_the_average_spectrum_of_the_data(trained):
    fxnorm: FxNorm = load_network(trained / "weights", "fxnorm")
    flat = F.avg_pool1d(fxnorm.target_curve[None, 40:-40], 64)[0]  # of white noise, which the data are
    assert float(flat.max() / flat.min()) < 1.3


def test_the_published_settings():
    loop = PaperRecipe().loop("generator", 100)
    assert (loop.learning_rate, loop.betas, loop.weight_decay, loop.clip_norm) == (1e-4, (0.9, 0.999), 0.01, 1.0)
    assert {learning_rate_at(step, loop) for step in (0, 1, 50_000, loop.steps)} == {1e-4}
    assert PaperRecipe().batch == 8 and loop.validate_every == 5000 and loop.validate_batches == 16
    assert [PaperRecipe().loop("adaptor", items).validate_batches for items in (3, 20, 900)] == [1, 3, 16]
    # "s = it * batch / ramp-up while that is below the ramp-up": 10 000 items, whatever the batch.
    for batch in (8, 32):
        own = PaperRecipe(batch=batch).loop("generator")
        rates = [ema_rate_at(items // batch, own.ema_rate, own.ema_ramp_steps) for items in (0, 3200, 9600, 16_000)]
        assert rates == pytest.approx([0, 0.32, 0.96, 0.9999])
    task = published.published_generator_task(None, sized_preset("paper").embedding, 0.011)
    assert (task.condition_dropout, task.content_noise, task.stratified, task.focus) == (0.2, 0.011, False, 0.0)


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_the_published_form(size):
    chosen = sized_preset(size)
    assert chosen.processor_kind == "tcn" and chosen.fxnorm and chosen.adapt_dry and not chosen.linear_denoiser
    assert chosen.transformer.track_ids == "one-hot" and chosen.transformer.max_tracks == 14
    assert chosen.segment_seconds == 525312 / 44100
    noise = chosen.content_noise * chosen.adaptor.dim**0.5
    assert noise == pytest.approx(0.011 * 512**0.5) and chosen.edm.sigma_max / chosen.edm.sigma_data == pytest.approx(
        200
    )


def test_event_files_have_the_curves(trained, tmp_path):
    pytest.importorskip("tensorboardX")
    (file,) = (trained / "adaptor" / "events").glob("events.out.tfevents.*")
    content = file.read_bytes()
    assert b"train/loss" in content and b"validation/loss" in content


def test_without_a_writer_the_log_is_all_there_is(monkeypatch, tmp_path):
    monkeypatch.setattr(events, "WRITERS", {"no_such_package": "no_such_package"})
    train_paper(PaperPlace(tmp_path), TINY, made_data(), ("adaptor",))
    assert events.events_package() is None and not (tmp_path / "adaptor" / "events").exists()
    assert [row["step"] for row in rows(tmp_path, "adaptor")] == [2, 4]


def test_stages_are_those_that_there_are_features_for():
    data = made_data()
    assert choose_stages(data, (), "paper") == ("adaptor", "processor", "generator")
    assert choose_stages(data) == ("fxnorm", "adaptor", "processor", "generator")
    assert choose_stages(PaperData({"mixes": data.train["mixes"]})) == ("generator",)
    assert choose_stages(data, ("generator", "adaptor")) == ("adaptor", "generator")


@pytest.mark.parametrize(
    ("kinds", "stages", "message"),
    [
        ("pairs", ("fx_encoder",), r"the effect encoder \(FxEncoder\+\+\) is published and stays frozen"),
        ("crops", ("fxnorm",), "at size paper FxNorm keeps the published average spectrum"),
        ("pairs", ("drummer",), "unknown stage 'drummer': choose from adaptor, processor, generator"),
        ("pairs", ("processor",), "processor learns from features of kind 'crops'; --data has pairs"),
        ("", (), "no features to learn from: give --data a folder"),
    ],
)
def test_stages_that_cannot_run_are_one_clear_line(tmp_path, kinds, stages, message):
    data = made_data()
    with pytest.raises(UserError, match=message):
        train_paper(
            PaperPlace(tmp_path), PaperRecipe(), PaperData({kind: data.train[kind] for kind in kinds.split()}), stages
        )
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_run_is_refused_and_left_alone(trained):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    for other, message in (({"size": "small"}, "size tiny, not small"), ({"batch": 2}, "batch 4, not 2")):
        with pytest.raises(UserError, match=f"is of a run with {message}: choose another --out"):
            train_paper(PaperPlace(trained), replace(TINY, **other), made_data())
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_weights_that_no_run_has_made_are_not_overwritten(trained, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "adaptor.safetensors").write_bytes(b"somebody's")
    with pytest.raises(UserError, match=r"adaptor.safetensors is there, but no run.json"):
        train_paper(PaperPlace(tmp_path), TINY, made_data(), ("adaptor",))
    assert (tmp_path / "weights" / "adaptor.safetensors").read_bytes() == b"somebody's"


def test_wet_songs_alone_make_a_generator_that_mixes(tmp_path):
    """With the small preset's adaptor and processor, which are named."""
    place = PaperPlace(tmp_path)
    train_paper(place, replace(TINY, steps=1), PaperData({"mixes": made_data().train["mixes"]}))
    adaptor, processor = borrowed(place)
    assert "adaptor is that of the small preset" in adaptor and "by the small preset's processor" in processor
    mixer = Mixer.from_pretrained(place.weights, "cpu")
    assert mixer.preset.processor_kind == "structured" and not mixer.preset.fxnorm
    assert isinstance(mixer.networks.processor, StructuredProcessor)
    # Once there is a processor, it is the one.
    train_paper(place, replace(TINY, steps=1), made_data(validation=False), ("fxnorm", "processor"))
    assert len(borrowed(place)) == 1 and read_preset(place.weights).processor_kind == "tcn"


def test_the_published_size_names_the_files_that_it_lacks(tmp_path):
    recipe = PaperRecipe(steps=1)
    data = PaperData({kind: (MadeItems(kind, 2, "paper"),) for kind in ("crops", "mixes")})
    with pytest.raises(UserError, match=r"CLAP_DA_public.pt \(domain adaptor\) has not been downloaded"):
        train_paper(PaperPlace(tmp_path / "generator"), recipe, data, ("generator",))
    with pytest.raises(UserError, match=r"fxenc_plusplus_default.pt .* is missing there"):
        train_paper(PaperPlace(tmp_path / "processor", weights_dir=tmp_path), recipe, data)
    with pytest.raises(UserError, match=r"FxGenerator_public.pt .* has not been downloaded"):
        Mixer.from_pretrained(tmp_path / "processor" / "weights", "cpu")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": "huge"}, "unknown size 'huge': choose from tiny, small, paper"),
        ({"precision": "fp8"}, "unknown precision 'fp8': choose from fp32, bf16"),
        ({"accumulate": 0}, "--batch and --accumulate must be 1 or more"),
        ({"steps": -1}, "--steps and --validate-every 0 or more"),
    ],
)
def test_options_that_mean_nothing_are_one_clear_line(wrong, message):
    with pytest.raises(UserError, match=message):
        PaperRecipe(**wrong)


def test_an_epoch_has_every_item_of_all_collections_once_and_any_step_can_be_gone_to():
    collections = (MadeItems("pairs", 2), MadeItems("pairs", 6))
    every = {
        tuple(item["dry_content"].tolist()) for items in collections for item in (items[i] for i in range(len(items)))
    }
    batches = StepBatches(collections, 4, ("dry_content",), seed=3)
    steps = [batches(None)["dry_content"] for _ in range(4)]
    for epoch in (steps[:2], steps[2:]):
        drawn = [tuple(row.tolist()) for row in torch.cat(epoch)]
        assert len(drawn) == 8 and set(drawn) == every
    batches.seek(1)
    assert torch.equal(batches(None)["dry_content"], steps[1])


def test_sets_of_tracks_come_in_random_order_with_their_content_and_a_mask():
    mixes = (MadeItems("mixes", 10),)
    adaptor = SimpleNamespace(adapt_wet=lambda content, effects: content)
    batches = DrawItems(mixes, 10, ("z", "content", "mask"))
    plain = batches(np.random.default_rng(5))
    mixed = published.DrawSets(batches, adaptor)(np.random.default_rng(5))
    assert torch.equal(plain["mask"], mixed["mask"]) and not plain["mask"].all()
    order = (plain["z"][:, :, None] == mixed["effects"][:, None]).all(-1)  # [mixes, tracks before, tracks after]
    there = plain["mask"][:, :, None] & plain["mask"][:, None]
    assert bool(((order & there).sum(1) == mixed["mask"]).all())
    assert torch.equal(
        (order & there).float().transpose(1, 2) @ plain["content"], mixed["contents"] * plain["mask"][..., None]
    )
    assert not torch.equal(plain["z"], mixed["effects"])
