"""FxNorm, network and level together against the published block-wise pass, at its defective seams too."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from run_names import names, only_name, piece
from test_golden_tcn import network_from

from megami.audio import block_starts
from megami.embeddings import EmbeddingConfig
from megami.presets.networks import with_config
from megami.processor import BlockPass, FilmTCN, FxNorm, FxNormConfig, render_in_blocks, render_tracks
from megami.processor.block_pass import playing_tracks

TOLERANCE = 1e-3
SILENT_BLOCK_DB = -45.0
PUBLISHED = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)


@pytest.fixture(scope="module")
def listed(golden_words):
    """The file's own words, which list its runs."""
    return golden_words("mixdown_blocks")


@pytest.fixture(scope="module")
def case(golden):
    words, tensors = golden("mixdown_blocks")
    _, curves = golden("fxnorm")
    return words["case"], tensors, curves["out.target_curve"]


def cut(words: dict, dry: torch.Tensor) -> list[torch.Tensor]:
    starts = block_starts(dry.shape[-1], words["segment"], words["overlap"])
    return [dry[..., start : start + words["segment"]] for start in starts]


def undo_training_passes(network: FilmTCN, passes: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Bring the running statistics back to what they were before `passes` went through in training mode.

    The fixture's buffers were stored after all its training-mode runs, its evaluation-mode outputs computed between
    them, in the order: three tracks; [training: three tracks]; single track; short path; [training: short path].
    """
    statistics = []
    probe = copy.deepcopy(network).train()
    for dry, z in passes:
        for block in probe.blocks:
            block.norm.momentum = 1.0  # the buffers become the statistics of this very pass
        probe(dry, z)
        statistics.append([(b.norm.running_mean.clone(), b.norm.running_var.clone()) for b in probe.blocks])
    for of_pass in reversed(statistics):
        for block, (mean, variance) in zip(network.blocks, of_pass, strict=True):
            for buffer, seen in ((block.norm.running_mean, mean), (block.norm.running_var, variance)):
                buffer.copy_((buffer - block.norm.momentum * seen) / (1 - block.norm.momentum))


@torch.no_grad()
def published_network(case, own_statistics: bool = False, after_blocks: bool = False) -> FilmTCN:
    """The network as it was at first, or after the training-mode run over the blocks of the three tracks."""
    words, tensors, curve = case
    network = network_from(words["config"], tensors)
    fxnorm = FxNorm(curve, FxNormConfig(shared_division=True))
    dry, z, passes = tensors["in.x"], tensors["in.z"], []
    for block in cut(words, dry):
        playing = playing_tracks(block, SILENT_BLOCK_DB)
        passes += zip(fxnorm(block[playing]).split(1), z[playing].split(1), strict=True)
    kept = len(passes) if after_blocks else 0
    passes += zip(dry.split(1), z.split(1), strict=True)
    tracked = int(network.blocks[0].norm.num_batches_tracked)  # 0 where a fixture stores the buffers it began with
    undo_training_passes(network, passes[kept:tracked])
    return with_config(network, replace(network.config, own_statistics=own_statistics))


def rendered(case, network: FilmTCN, tracks: int, **changes) -> torch.Tensor:
    """What the package makes of the fixture: by default all as published."""
    words, tensors, curve = case
    settings = BlockPass(**{"block": words["segment"], "overlap": words["overlap"], **changes})
    fxnorm = FxNorm(curve, FxNormConfig(shared_division=True))
    dry, z = tensors["in.x"][:tracks], tensors["in.z"][:tracks]
    return render_in_blocks(network, dry, z, fxnorm, embedding_config=PUBLISHED, settings=settings)


def check_windows(case, wet: torch.Tensor, name: str, clear_of: Sequence[int] = ()) -> None:
    """Compare the stored windows; with repaired seams, those that touch a place in `clear_of` are left out."""
    words, tensors, _ = case
    expected = tensors[name]
    window, checked = expected.shape[-1], 0
    for place, start in enumerate(tensors["in.window_starts"].tolist()):
        if all(start >= seam + words["overlap"] or start + window <= seam for seam in clear_of):
            torch.testing.assert_close(wet[..., start : start + window], expected[:, :, place], rtol=0, atol=TOLERANCE)
            checked += 1
    assert checked


def check_sum(wet: torch.Tensor, expected: torch.Tensor, name: str, begin: int = 0) -> None:
    """Compare the sum of all tracks, from the sample `begin` of the piece that the name says."""
    mixed = wet.sum(0)[:, piece(name)]
    torch.testing.assert_close(mixed[:, begin:], expected[:, begin:], rtol=0, atol=TOLERANCE)


@torch.no_grad()
def test_every_run_with_the_published_seams(listed, case):
    """All tracks in blocks, a single one, and a song so short that it goes in as it is; both kinds of statistics."""
    _, tensors, _ = case
    for name in names(listed, "out."):
        mode, words = name.removeprefix("out.").split("_", 1)
        assert mode in ("evalmode", "trainmode"), name
        single, short = words.startswith("single_track"), words.startswith("short_path")
        network = published_network(case, mode == "trainmode", after_blocks=single or short)
        block = {"block": tensors["in.x"].shape[-1]} if short else {}
        wet = rendered(case, network, 1 if single else len(tensors["in.x"]), **block)
        if words.endswith("_windows"):
            check_windows(case, wet, name)
        else:
            assert "_sum_over_tracks_" in name
            check_sum(wet, tensors[name], name)


def test_repaired_seams_differ_only_where_the_published_ones_are_wrong(listed, case):
    words, tensors, _ = case
    samples, overlap = tensors["in.x"].shape[-1], words["overlap"]
    wet = rendered(case, published_network(case), len(tensors["in.x"]), published_seams=False)
    check_windows(case, wet, only_name(listed, "out.evalmode_blockwise_windows"), clear_of=[0])
    name = only_name(listed, "out.evalmode_blockwise_sum_over_tracks")
    check_sum(wet, tensors[name], name, begin=overlap)
    start = slice(overlap // 10)  # where the published fade from silence has hardly begun
    assert wet.sum(0)[:, start].abs().max() > 10 * tensors[name][:, start].abs().max()
    alone = rendered(case, published_network(case, after_blocks=True), 1, published_seams=False)
    wrong = [*words["block_starts"][1:], samples - overlap]
    check_windows(case, alone, only_name(listed, "out.evalmode_single_track"), clear_of=wrong)


@torch.no_grad()
def test_one_pass_is_the_blocks_without_their_statistics(case):
    """With the network's running statistics and no FxNorm, a block differs from one pass only near its edges."""
    words, tensors, _ = case
    network = published_network(case)
    dry, z = tensors["in.x"][:1], tensors["in.z"][:1]
    settings = BlockPass(
        words["segment"], words["overlap"], fxnorm_short=True, published_seams=False, level_per_block=False
    )
    blocks = render_in_blocks(network, dry, z, embedding_config=PUBLISHED, settings=settings)
    whole = render_tracks(network, dry, z, embedding_config=PUBLISHED)
    context, peak = network.config.context, float(whole.abs().max())
    for start in words["block_starts"]:
        inner = slice(start + max(context, words["overlap"]), start + words["segment"] - words["overlap"] - context)
        torch.testing.assert_close(blocks[..., inner], whole[..., inner], rtol=0, atol=1e-4 * peak)
