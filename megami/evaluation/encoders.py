"""How well the two encoders and the adaptor do what they are for."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.corpus import Views
from megami.embeddings import FxEncoder
from megami.evaluation.report import Row


def retrieval_top1(views: Tensor) -> float:
    """Share of clips whose nearest neighbour among other clips of all chains has the same chain.

    views [chains, views, dim]: each view in turn asks, the next view of every chain answers (cosine), so the clips that
    are compared never share content. Chance is 1 / chains.
    """
    unit = F.normalize(views, dim=-1)
    chains, count, _ = unit.shape
    truth = torch.arange(chains)
    hits = []
    for view in range(count):
        likeness = unit[:, view] @ unit[:, (view + 1) % count].T
        hits.append((likeness.argmax(dim=1) == truth).float().mean())
    return float(torch.stack(hits).mean())


def linear_probe_accuracy(vectors: Tensor, classes: Tensor, folds: int = 5, ridge: float = 1.0) -> float:
    """Cross-validated accuracy of a ridge classifier that reads `classes` [items] from `vectors` [items, dim].

    How much a linear look can tell; for effect embeddings lower is better, since they should not know what is played.
    """
    x = vectors.double()
    x = (x - x.mean(0)) / x.std(0).clamp_min(1e-9)
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    labels, target = torch.unique(classes, return_inverse=True)
    one_hot = F.one_hot(target, len(labels)).double()
    fold = torch.from_numpy(np.random.default_rng(0).permutation(len(x)) % folds)
    hits = 0
    for held_out in range(folds):
        train, test = fold != held_out, fold == held_out
        gram = x[train].T @ x[train] + ridge * x.shape[1] * torch.eye(x.shape[1], dtype=x.dtype)
        weights = torch.linalg.solve(gram, x[train].T @ one_hot[train])
        hits += int((((x[test] @ weights).argmax(1)) == target[test]).sum())
    return hits / len(x)


@torch.no_grad()
def encode_views(encoder: FxEncoder, views: Views) -> tuple[Tensor, Tensor]:
    """Backbone vectors and projections of cached views: both [chains, views, ...]."""
    vectors = torch.stack([encoder.encode(mels.float()) for mels in views.mels])
    return vectors, encoder.project(vectors.flatten(0, 1)).unflatten(0, vectors.shape[:2])


def effect_encoder_rows(encoder: FxEncoder, untrained: FxEncoder, views: Views, gallery: int = 100) -> list[Row]:
    """Retrieval among `gallery` chains and readability of the instrument, beside an untrained encoder and log-mels."""
    trained_vectors, trained_projections = encode_views(encoder, views)
    untrained_vectors, _ = encode_views(untrained, views)
    mean_mels = views.mels.float().mean(-1).flatten(2)
    classes = views.instrument.flatten()
    majority = float(torch.bincount(classes).max() / len(classes))
    systems = {
        "effect encoder": (trained_projections, trained_vectors),
        "untrained encoder": (untrained_vectors, untrained_vectors),
        "mean log-mel": (mean_mels, mean_mels),
    }
    rows = []
    for name, (for_retrieval, for_probe) in systems.items():
        groups = for_retrieval[: len(for_retrieval) // gallery * gallery].split(gallery)
        top1 = float(np.mean([retrieval_top1(group) for group in groups]))
        probe = linear_probe_accuracy(for_probe.flatten(0, 1), classes)
        rows.append(Row("effect encoder", name, "retrieval top-1", top1, len(classes)))
        rows.append(Row("effect encoder", name, "instrument readable", probe, len(classes)))
    rows.append(Row("effect encoder", "chance", "retrieval top-1", 1 / gallery, len(classes)))
    rows.append(Row("effect encoder", "chance", "instrument readable", majority, len(classes)))
    return rows


@torch.no_grad()
def adaptor_rows(adaptor: torch.nn.Module, pairs: list[tuple[Tensor, Tensor]]) -> list[Row]:
    """Cosine of content(wet) to content(dry) before and after adaptation, and the share of the gap that is closed.

    pairs: ([variants, tracks, dim], [tracks, dim]) per mix; the first variant, the whole clip, is used.
    """
    wet = torch.cat([variants[0] for variants, _ in pairs])
    dry = torch.cat([dry for _, dry in pairs])
    before = float((wet * dry).sum(-1).mean())
    after = float((adaptor(wet) * dry).sum(-1).mean())
    kept = float((adaptor(dry) * dry).sum(-1).mean())
    closed = (after - before) / (1 - before)
    table, n = "adaptor", len(wet)
    return [
        Row(table, "content(wet)", "cosine to content(dry)", before, n),
        Row(table, "adaptor(content(wet))", "cosine to content(dry)", after, n),
        Row(table, "adaptor(content(dry))", "cosine to content(dry)", kept, n),
        Row(table, "adaptor(content(wet))", "share of gap closed", closed, n),
    ]
