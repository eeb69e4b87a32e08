"""FxNorm, network and level together against the published block-wise pass, clear of its defective seams."""

from __future__ import annotations

import copy

import pytest
import torch
from test_tcn import network_from

from megami.audio import block_starts, framed_level_db, overlap_add
from megami.embeddings import EmbeddingConfig, apply_level, level_db
from megami.processor import FilmTCN, FxNorm, FxNormConfig

TOLERANCE = 1e-3
SILENT_BLOCK_DB = -45.0
PUBLISHED = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
WINDOW = 1024


@pytest.fixture(scope="module")
def case(golden):
    words, tensors = golden("mixdown_blocks")
    _, curves = golden("fxnorm")
    return words["case"], tensors, curves["out.target_curve"]


def playing_tracks(dry: torch.Tensor) -> list[int]:
    return [index for index, level in enumerate(framed_level_db(dry)[:, 0].tolist()) if level > SILENT_BLOCK_DB]


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
def published_network(case, training: bool = False, after_blocks: bool = False) -> FilmTCN:
    """The network as it was at first, or after the training-mode run over the blocks of the three tracks."""
    words, tensors, curve = case
    network = network_from(words["config"], tensors)
    fxnorm = FxNorm(curve, FxNormConfig(shared_division=True))
    dry, z, passes = tensors["in.x"], tensors["in.z"], []
    for block in cut(words, dry):
        playing = playing_tracks(block)
        passes += zip(fxnorm(block[playing]).split(1), z[playing].split(1), strict=True)
    kept = len(passes) if after_blocks else 0
    passes += zip(dry.split(1), z.split(1), strict=True)
    tracked = int(network.blocks[0].norm.num_batches_tracked)  # 0 where a fixture stores the buffers it began with
    undo_training_passes(network, passes[kept:tracked])
    return network.train(training)


def published_block(network: FilmTCN, fxnorm: FxNorm, dry: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """One block as published: silent tracks skipped, the others normalised together, rendered, each block levelled."""
    wet = dry.new_zeros(len(dry), 2, dry.shape[-1])
    playing = playing_tracks(dry)
    for track, index in zip(fxnorm(dry[playing]).split(1), playing, strict=True):
        rendered = network(track, z[index : index + 1])
        wet[index] = apply_level(rendered, level_db(PUBLISHED, z[index : index + 1]))[0]
    return wet


@torch.no_grad()
def blockwise(case, dry: torch.Tensor, z: torch.Tensor, network: FilmTCN) -> torch.Tensor:
    words, _, curve = case
    fxnorm = FxNorm(curve, FxNormConfig(shared_division=True))
    starts = block_starts(dry.shape[-1], words["segment"], words["overlap"])
    blocks = [published_block(network, fxnorm, block, z) for block in cut(words, dry)]
    return overlap_add(blocks, starts, dry.shape[-1], words["overlap"])


def inside(words: dict, start: int, samples: int, single_track: bool) -> bool:
    """Whether a window lies clear of the places where the published seams go wrong.

    Several tracks: the song's start is faded in. One track: every later seam is doubled and the end is faded out.
    """
    overlap, seams = words["overlap"], words["block_starts"][1:] if single_track else words["block_starts"][:1]
    ends_early = single_track and start + WINDOW > samples - overlap
    return not ends_early and all(start >= seam + overlap or start + WINDOW <= seam for seam in seams)


def check_windows(case, wet: torch.Tensor, name: str, single_track: bool = False) -> None:
    words, tensors, _ = case
    checked = 0
    for place, start in enumerate(tensors["in.window_starts"].tolist()):
        if inside(words, start, wet.shape[-1], single_track):
            actual, expected = wet[..., start : start + WINDOW], tensors[name][:, :, place]
            torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE)
            checked += 1
    assert checked


def test_three_tracks(case):
    words, tensors, _ = case
    wet = blockwise(case, tensors["in.x"], tensors["in.z"], published_network(case))
    check_windows(case, wet, "out.evalmode_blockwise_windows")
    expected = tensors["out.evalmode_blockwise_sum_over_tracks_first_48000_samples"]
    mixed, overlap = wet.sum(0)[:, : expected.shape[-1]], words["overlap"]
    torch.testing.assert_close(mixed[:, overlap:], expected[:, overlap:], rtol=0, atol=TOLERANCE)


def test_three_tracks_in_training_mode(case):
    _, tensors, _ = case
    wet = blockwise(case, tensors["in.x"], tensors["in.z"], published_network(case, training=True))
    check_windows(case, wet, "out.trainmode_blockwise_windows")


def test_single_track(case):
    _, tensors, _ = case
    network = published_network(case, after_blocks=True)
    wet = blockwise(case, tensors["in.x"][:1], tensors["in.z"][:1], network)
    check_windows(case, wet, "out.evalmode_single_track_blockwise_windows", single_track=True)


@pytest.mark.parametrize("training", [False, True])
@torch.no_grad()
def test_short_path(case, training):
    _, tensors, _ = case
    network = published_network(case, training, after_blocks=True)
    rendered = torch.cat([network(x[None], z[None]) for x, z in zip(tensors["in.x"], tensors["in.z"], strict=True)])
    wet = apply_level(rendered, level_db(PUBLISHED, tensors["in.z"]))
    name = f"out.{'trainmode' if training else 'evalmode'}_short_path_windows"
    for place, start in enumerate(tensors["in.window_starts"].tolist()):
        actual, expected = wet[..., start : start + WINDOW], tensors[name][:, :, place]
        torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE)
