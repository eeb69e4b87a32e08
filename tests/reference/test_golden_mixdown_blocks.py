"""FxNorm, network and level together against the published block-wise pass, at its defective seams too."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from test_golden_tcn import network_from

from megami.audio import block_starts
from megami.embeddings import EmbeddingConfig
from megami.presets.networks import with_config
from megami.processor import BlockPass, FilmTCN, FxNorm, FxNormConfig, render_in_blocks, render_tracks
from megami.processor.block_pass import playing_tracks

TOLERANCE = 1e-3
SILENT_BLOCK_DB = -45.0
PUBLISHED = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
WINDOW = 1024


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


def check_windows(case, wet: torch.Tensor, name: str, clear_of: list[int] = ()) -> None:
    """Compare the stored windows; with repaired seams, those that touch a place in `clear_of` are left out."""
    words, tensors, _ = case
    checked = 0
    for place, start in enumerate(tensors["in.window_starts"].tolist()):
        if all(start >= seam + words["overlap"] or start + WINDOW <= seam for seam in clear_of):
            actual, expected = wet[..., start : start + WINDOW], tensors[name][:, :, place]
            torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE)
            checked += 1
    assert checked


def test_three_tracks_with_the_published_seams(case):
    _, tensors, _ = case
    wet = rendered(case, published_network(case), 3)
    check_windows(case, wet, "out.evalmode_blockwise_windows")
    expected = tensors["out.evalmode_blockwise_sum_over_tracks_first_48000_samples"]
    torch.testing.assert_close(wet.sum(0)[:, : expected.shape[-1]], expected, rtol=0, atol=TOLERANCE)


def test_three_tracks_by_their_own_statistics(case):
    wet = rendered(case, published_network(case, own_statistics=True), 3)
    check_windows(case, wet, "out.trainmode_blockwise_windows")


def test_a_single_track_with_the_published_seams(case):
    wet = rendered(case, published_network(case, after_blocks=True), 1)
    check_windows(case, wet, "out.evalmode_single_track_blockwise_windows")


@pytest.mark.parametrize("own", [False, True])
def test_short_songs_go_in_as_they_are(case, own):
    _, tensors, _ = case
    wet = rendered(case, published_network(case, own, after_blocks=True), 3, block=tensors["in.x"].shape[-1])
    check_windows(case, wet, f"out.{'trainmode' if own else 'evalmode'}_short_path_windows")


def test_repaired_seams_differ_only_where_the_published_ones_are_wrong(case):
    words, tensors, _ = case
    samples, overlap = tensors["in.x"].shape[-1], words["overlap"]
    wet = rendered(case, published_network(case), 3, published_seams=False)
    check_windows(case, wet, "out.evalmode_blockwise_windows", clear_of=[0])
    expected = tensors["out.evalmode_blockwise_sum_over_tracks_first_48000_samples"]
    mixed = wet.sum(0)[:, : expected.shape[-1]]
    torch.testing.assert_close(mixed[:, overlap:], expected[:, overlap:], rtol=0, atol=TOLERANCE)
    assert mixed[:, :100].abs().max() > 10 * expected[:, :100].abs().max()  # the published start is faded in
    alone = rendered(case, published_network(case, after_blocks=True), 1, published_seams=False)
    wrong = [*words["block_starts"][1:], samples - overlap]
    check_windows(case, alone, "out.evalmode_single_track_blockwise_windows", clear_of=wrong)


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
