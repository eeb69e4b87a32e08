"""How well the two encoders and the adaptor do what they are for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.corpus import CorpusConfig, Views, build_views, mix_contents, mix_effects
from megami.corpus.datasets import adapt_content
from megami.device import device_of
from megami.embeddings import FxEncoder
from megami.evaluation.listeners import small_encoders
from megami.evaluation.results import Row, mean_row, statistic_row
from megami.mixing.pretrained import Networks

GALLERY = 100  # chains among which one is to be found


def retrieval_hits(views: Tensor, chain: Tensor | None = None) -> Tensor:
    """Whether the nearest neighbour of each clip, among other clips of all chains, has the same chain: [chains, views].

    views [chains, views, dim]: each view in turn asks, the next view of every chain answers (cosine), so the clips that
    are compared never share content. Chance is 1 / chains. chain [chains] numbers the chains where some are the same.
    """
    unit = F.normalize(views, dim=-1)
    count = unit.shape[1]
    chain = torch.arange(len(unit)) if chain is None else chain
    hits = []
    for view in range(count):
        likeness = unit[:, view] @ unit[:, (view + 1) % count].T
        hits.append((chain[likeness.argmax(dim=1)] == chain).float())
    return torch.stack(hits, dim=1)


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
    device = device_of(encoder)
    pairs = zip(views.mels, views.cepstra, strict=True)
    vectors = torch.stack([encoder.encode(mels.to(device).float(), own.to(device).float()) for mels, own in pairs])
    return vectors.cpu(), encoder.project(vectors.flatten(0, 1)).unflatten(0, vectors.shape[:2]).cpu()


def encoder_rows(
    networks: Networks, cache: Path, corpus: CorpusConfig, chains: int, workers: int | None = None
) -> list[Row]:
    """Retrieval among GALLERY unseen chains, readability of the instrument; the same untrained, and of log-mels."""
    encoder, _ = small_encoders(networks)
    views = Views.load(build_views(cache, corpus, "test", chains, workers))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untrained = FxEncoder(encoder.config).eval().to(device_of(encoder))
    vectors, projections = encode_views(encoder, views)
    untrained_vectors, _ = encode_views(untrained, views)
    mean_mels = views.mels.float().mean(-1).flatten(2)
    systems = {
        "effect_encoder": (projections, vectors),
        "effect_encoder_untrained": (untrained_vectors, untrained_vectors),
        "mean_log_mel": (mean_mels, mean_mels),
    }
    classes = views.instrument.flatten()
    rows = []
    for name, (for_retrieval, for_probe) in systems.items():
        whole = len(for_retrieval) // GALLERY * GALLERY
        groups = zip(for_retrieval[:whole].split(GALLERY), views.chain[:whole].split(GALLERY), strict=True)
        hits = torch.cat([retrieval_hits(*group) for group in groups])
        rows.append(mean_row(name, "retrieval_top1", hits.mean(1).numpy(), hits.numel()))
        probe = linear_probe_accuracy(for_probe.flatten(0, 1), classes)
        rows.append(Row(name, "instrument_readable", probe, *binomial_interval(probe, len(classes)), len(classes)))
    return rows


def binomial_interval(share: float, n: int) -> tuple[float, float]:
    """Interval of a share of n independent items (normal approximation)."""
    half = 1.96 * (share * (1 - share) / n) ** 0.5
    return max(0.0, share - half), min(1.0, share + half)


@torch.no_grad()
def adaptor_rows(networks: Networks, cache: Path, corpus: CorpusConfig) -> list[Row]:
    """Rows of the adaptor on the engineers' mixes of the test songs; of every mix the whole clip is used.

    "adaptor" is what the generator learned from. An adaptor that takes effect embeddings is also asked without them, as
    "adaptor_by_content".
    """
    adaptor, embedding = networks.adaptor, networks.preset.embedding
    fx_encoder, content_encoder = small_encoders(networks)
    pairs = mix_contents(cache, corpus, content_encoder, "test")
    effects = mix_effects(cache, corpus, "test", embedding, fx_encoder)

    def adapt(content: Tensor) -> Tensor:
        return adaptor(content.to(device_of(adaptor))).cpu()

    told, untold = [], []
    for first in range(0, len(pairs), corpus.mixes_per_song):
        own = range(first, first + corpus.mixes_per_song)
        wet, dry = torch.cat([pairs[k][0][0] for k in own]), torch.cat([pairs[k][1] for k in own])
        told.append((wet, dry, adapt_content(adaptor, wet, torch.cat([effects[k] for k in own]))))
        untold.append((wet, dry, adapt(wet)))
    rows = gap_rows(told)
    if adaptor.config.effects_dim:
        rows += [row for row in gap_rows(untold, "adaptor_by_content") if row.system != "adaptor_none"]
    return [*rows, dry_row(adapt, [dry for _, dry, _ in told])]


def dry_row(adaptor: Callable[[Tensor], Tensor], contents: Sequence[Tensor]) -> Row:
    """Cosine of the content of dry tracks to itself once adapted; contents [tracks, dim] per song, of unit norm."""
    kept = np.array([float((adaptor(dry) * dry).sum()) for dry in contents])
    counts = np.array([len(dry) for dry in contents])
    mean = functools.partial(weighted_mean, kept, counts)
    return statistic_row("adaptor", "cosine_of_dry_to_dry", len(counts), mean, int(counts.sum()))


def weighted_mean(sums: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> float:
    """Mean over items of songs that are counted `weights` times: sums and counts of items [songs]."""
    return float(weights @ sums / (weights @ counts))


def gap_rows(contents: Sequence[tuple[Tensor, Tensor, Tensor]], system: str = "adaptor") -> list[Row]:
    """Cosine of content(wet) to content(dry) before and after adaptation, and the share of the gap that is closed.

    contents: (wet, dry, adapted) per song, all [tracks, dim] of unit norm; intervals are over songs.
    """
    counts = np.array([len(dry) for _, dry, _ in contents])
    before, after = (
        functools.partial(weighted_mean, np.array([float((song[part] * song[1]).sum()) for song in contents]), counts)
        for part in (0, 2)
    )

    def closed(weights: np.ndarray) -> float:
        return (after(weights) - before(weights)) / (1 - before(weights))

    n, songs = int(counts.sum()), len(counts)
    return [
        statistic_row("adaptor_none", "cosine_to_dry", songs, before, n),
        statistic_row(system, "cosine_to_dry", songs, after, n),
        statistic_row(system, "gap_closed", songs, closed, n),
    ]
