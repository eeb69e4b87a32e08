"""The generator's network: a transformer over all tokens of all tracks of a song at once.

Source: MEGAMI, generator (a diffusion transformer over effect embeddings); attention from Vaswani et al. 2017, gated
feed-forward from Shazeer 2020, grouped key/value heads from Ainslie et al. 2023.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from megami.errors import UserError
from megami.generator.phase_rotation import rotate_tokens

TRACK_IDS = ("one-hot", "none")
EXTRA_TRACKS = ("zeros", "wrap")


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the network; the defaults are the published ones."""

    io_channels: int = 64  # numbers in one token of an effect embedding
    tokens: int = 33  # tokens of one embedding: 33 * 64 = 2112
    cond_dim: int = 64  # numbers in one token of a content embedding
    cond_tokens: int = 8  # tokens of one content embedding: 8 * 64 = 512
    width: int = 512
    depth: int = 16
    heads: int = 16
    ff_mult: float = 4.0  # inner width of the feed-forward layers, in widths
    time_features: int = 256  # cosines and sines that tell the noise level
    position_dim: int = 64  # numbers appended to a token to say which one it is: token id, then track id
    cond_position_dim: int = 64  # the same for content tokens
    # "one-hot": a track's number is appended, so the order of tracks matters and numbers run out (published form).
    # "none": tracks have no number; attention is told only which tokens belong together, so any order and number of
    # tracks will do, and permuting the tracks permutes the answer.
    track_ids: str = "one-hot"
    max_tracks: int = 14  # how many numbers there are; only for "one-hot"
    # Tracks beyond the last number: "zeros" gives them none (what the published code does), "wrap" starts again at 0.
    extra_tracks: str = "zeros"
    # With "none", half of the heads begin by looking at their own track: exp(4) = 55 times as much as at another one.
    same_track_bias: float = 4.0
    zero_init: bool = True  # residual branches begin at zero, so training begins from a plain linear map
    # A track's own content is added to its tokens, beside the attention to everybody's; published: attention only.
    own_content: bool = False
    zero_output: bool = False  # the whole answer begins at zero, for a network that adds to another one's
    # Sizes of the Fourier codes that end both effect and content embeddings: the network sees the former relative to
    # the latter (`phase_rotation.py`). Empty: it sees z as it is, as published.
    codes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.track_ids not in TRACK_IDS or self.extra_tracks not in EXTRA_TRACKS:
            raise UserError(f"track_ids must be one of {TRACK_IDS} and extra_tracks one of {EXTRA_TRACKS}")
        if self.width % self.heads or self.cond_width % self.head_dim or self.heads % self.cond_heads:
            raise UserError(
                f"transformer: {self.heads} heads must divide width {self.width} into parts that also divide the "
                f"{self.cond_width} numbers of a content token, into as many parts as divide the heads"
            )
        if self.token_ids(self.position_dim) < self.tokens or self.token_ids(self.cond_position_dim) < self.cond_tokens:
            raise UserError("position_dim or cond_position_dim is too small for the number of tokens")
        room = min(self.io_channels * self.tokens, self.cond_dim * self.cond_tokens)
        if sum(self.codes) > room or any(size < 2 or size % 2 for size in self.codes):
            raise UserError(f"codes must be even sizes that fit in both embeddings ({room} numbers), not {self.codes}")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    @property
    def cond_width(self) -> int:
        """Width of a content token with its id appended; keys and values of the cross-attention keep this width."""
        return self.cond_dim + self.cond_position_dim

    @property
    def cond_heads(self) -> int:
        """Number of key/value heads in the cross-attention; several query heads share one."""
        return max(1, self.cond_width // self.head_dim)

    def token_ids(self, position_dim: int) -> int:
        """How many token ids fit in an id of this width."""
        return position_dim - (self.max_tracks if self.track_ids == "one-hot" else 0)


@dataclass(frozen=True)
class Layout:
    """Which token may look at which; S = 1 + tracks * tokens (the time token first), C = tracks * content tokens."""

    queries: Tensor  # [b, S, 1] bool: token of a present track, or the time token
    keys: Tensor  # [b, 1, 1, S] bool: tokens that may be looked at in self-attention
    cond_keys: Tensor  # [b, 1, 1, C] bool: content tokens that may be looked at
    same_track: Tensor  # [S, S] bool: both tokens belong to one track (never true for the time token)
    cond_same_track: Tensor  # [S, C] bool: the content token belongs to the token's track


def make_layout(mask: Tensor, tokens: int, cond_tokens: int) -> Layout:
    """Work out who sees whom from the present tracks, mask [b, tracks] bool."""
    present = F.pad(mask.repeat_interleave(tokens, dim=1), (1, 0), value=True)  # [b, S]; the time token is always there
    # Where every track is absent, attention over nothing would be NaN: look at all instead, the denoiser discards it.
    cond_present = (mask | ~mask.any(dim=1, keepdim=True)).repeat_interleave(cond_tokens, dim=1)  # [b, C]
    track = torch.arange(mask.shape[1], device=mask.device)
    query_track = F.pad(track.repeat_interleave(tokens), (1, 0), value=-1)  # [S]; the time token has no track
    key_track = query_track.masked_fill(query_track < 0, -2)  # so that it is not its own track either
    return Layout(
        queries=present[:, :, None],
        keys=present[:, None, None, :],
        cond_keys=cond_present[:, None, None, :],
        same_track=query_track[:, None] == key_track[None, :],
        cond_same_track=query_track[:, None] == track.repeat_interleave(cond_tokens)[None, :],
    )


class LayerNorm(nn.Module):
    """Layer normalisation with a learned scale; the shift is stored but never trained, as in the published network."""

    beta: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.register_buffer("beta", torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        return F.layer_norm(x, x.shape[-1:], self.gamma, self.beta, eps=1e-5)


class TrackBias(nn.Module):
    """What one attention layer adds to its logits for tokens of the same track: all it knows of tracks without ids."""

    def __init__(self, config: TransformerConfig, time_token: bool) -> None:
        super().__init__()
        first_half = torch.arange(config.heads) < (config.heads + 1) // 2
        self.same_track = nn.Parameter(first_half * config.same_track_bias)
        self.time = nn.Parameter(torch.zeros(config.heads)) if time_token else None

    def forward(self, same_track: Tensor, keys: Tensor) -> Tensor:
        """Give the bias [b, heads, queries, keys] from truths same_track [queries, keys] and keys [b, 1, 1, keys]."""
        bias = self.same_track[:, None, None] * same_track  # [heads, queries, keys]
        if self.time is not None:  # the time token is the first key
            first = F.one_hot(torch.zeros((), dtype=torch.long, device=keys.device), keys.shape[-1])
            bias = bias + self.time[:, None, None] * first
        return torch.where(keys, bias, -torch.inf)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[b, length, heads * head_dim] -> [b, heads, length, head_dim]."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


class Looking(NamedTuple):
    """What one attention layer compares: queries, keys and values [b, heads, length, head_dim], and who may look.

    allowed: truths or biases that broadcast to [b, heads, queries, keys].
    """

    q: Tensor
    k: Tensor
    v: Tensor
    allowed: Tensor


def attend(looking: Looking) -> Tensor:
    """Softmax attention: every query gets the mean of the values that it looks at, [b, length, heads * head_dim]."""
    q, k, v, allowed = looking
    allowed = allowed if allowed.dtype == torch.bool else allowed.to(q.dtype)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    return out.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Lets every token look at every other token of the song: this is where tracks hear each other."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.output = nn.Linear(config.width, config.width, bias=False)
        self.track_bias = TrackBias(config, time_token=True) if config.track_ids == "none" else None

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """x [b, S, width] -> [b, S, width], zero for tokens of absent tracks."""
        return self.output(attend(self.looking(x, layout))) * layout.queries

    def looking(self, x: Tensor, layout: Layout) -> Looking:
        """Queries, keys and values of x [b, S, width]."""
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        allowed = layout.keys if self.track_bias is None else self.track_bias(layout.same_track, layout.keys)
        return Looking(q, k, v, allowed)


class CrossAttention(nn.Module):
    """Lets every token look at the content of the tracks; groups of query heads share a key/value head."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads, self.cond_heads = config.heads, config.cond_heads
        self.query = nn.Linear(config.width, config.width, bias=False)
        self.key_value = nn.Linear(config.cond_width, 2 * config.cond_width, bias=False)
        self.output = nn.Linear(config.width, config.width, bias=False)
        self.track_bias = TrackBias(config, time_token=False) if config.track_ids == "none" else None

    def forward(self, x: Tensor, cond: Tensor, layout: Layout) -> Tensor:
        """x [b, S, width], cond [b, C, cond_width] -> [b, S, width]; absent tracks are not zeroed, as published."""
        return self.output(attend(self.looking(x, cond, layout)))

    def looking(self, x: Tensor, cond: Tensor, layout: Layout) -> Looking:
        """Queries of x [b, S, width], keys and values of cond [b, C, cond_width]."""
        q = split_heads(self.query(x), self.heads)
        share = self.heads // self.cond_heads
        k, v = (
            split_heads(part, self.cond_heads).repeat_interleave(share, dim=1)  # [b, heads, C, head_dim]
            for part in self.key_value(cond).chunk(2, dim=-1)
        )
        keys, same = layout.cond_keys, layout.cond_same_track
        allowed = keys if self.track_bias is None else self.track_bias(same, keys)
        return Looking(q, k, v, allowed)


class FeedForward(nn.Module):
    """Two layers on each token alone, the inner one gated by its other half through SiLU (SwiGLU)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        inner = int(config.ff_mult * config.width)
        self.expand = nn.Linear(config.width, 2 * inner)
        self.contract = nn.Linear(inner, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """x [b, S, width] -> [b, S, width]."""
        value, gate = self.expand(x).chunk(2, dim=-1)
        return self.contract(value * F.silu(gate))


class Block(nn.Module):
    """One layer of the transformer: look at the other tokens, look at the content, think; each normalised first."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.self_norm = LayerNorm(config.width)
        self.self_attention = SelfAttention(config)
        self.cross_norm = LayerNorm(config.width)
        self.cross_attention = CrossAttention(config)
        self.feedforward_norm = LayerNorm(config.width)
        self.feedforward = FeedForward(config)

    def forward(self, x: Tensor, cond: Tensor, layout: Layout) -> Tensor:
        """x [b, S, width], cond [b, C, cond_width] -> [b, S, width]."""
        x = x + self.self_attention(self.self_norm(x), layout)
        x = x + self.cross_attention(self.cross_norm(x), cond, layout)
        return x + self.feedforward(self.feedforward_norm(x))


class TimeEmbedding(nn.Module):
    """Turns the noise level into one token: random cosines and sines, then two layers."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(features // 2, 1))
        self.hidden = nn.Linear(features, width)
        self.output = nn.Linear(width, width)

    def forward(self, cnoise: Tensor) -> Tensor:
        """cnoise [b, 1] -> [b, width]."""
        angles = 2 * math.pi * cnoise @ self.frequencies.T  # [b, features / 2]
        features = torch.cat([angles.cos(), angles.sin()], dim=-1)
        return self.output(F.silu(self.hidden(features)))


class MultitrackTransformer(nn.Module):
    """The raw network F of the denoiser: all tracks' tokens are one sequence, so each track's effects depend on all.

    Source: MEGAMI, generator.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.input_mix = nn.Conv1d(config.io_channels, config.io_channels, 1, bias=False)
        self.project_in = nn.Linear(config.io_channels + config.position_dim, config.width, bias=False)
        self.time_embedding = TimeEmbedding(config.time_features, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.project_out = nn.Linear(config.width, config.io_channels, bias=False)
        self.output_mix = nn.Conv1d(config.io_channels, config.io_channels, 1, bias=False)
        own_size = config.cond_dim * config.cond_tokens
        self.own_content = nn.Linear(own_size, config.width, bias=False) if config.own_content else None
        if config.zero_init:
            self._zero_residual_outputs()
        if config.zero_output:
            nn.init.zeros_(self.project_out.weight)

    def _zero_residual_outputs(self) -> None:
        """Make every residual branch add nothing at first."""
        outputs: list[nn.Module] = [self.input_mix, self.output_mix]
        for block in self.blocks:
            assert isinstance(block, Block)
            outputs += [block.self_attention.output, block.cross_attention.output, block.feedforward.contract]
        for parameter in (p for module in outputs for p in module.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, cnoise: Tensor, cond: Tensor, mask: Tensor | None = None) -> Tensor:
        """x [b, tracks, channels, T] noisy embeddings -> the same shape.

        cnoise [b, 1]: ln(sigma) / 4; cond [b, tracks, M, cond_dim]: content tokens; mask [b, tracks] bool, true where
        there is a track (none: all). T and M may be anything that token ids suffice for; UserError beyond.
        """
        b, n, _, tokens = x.shape
        source = cond
        x = rotate_tokens(x, source, self.config.codes, back=True) if self.config.codes else x
        mask = torch.ones(b, n, dtype=torch.bool, device=x.device) if mask is None else mask.bool()
        layout = make_layout(mask, tokens, cond.shape[2])
        x = residual_mix(self.input_mix, x.flatten(0, 1))  # [b*n, channels, T]
        x = x.unflatten(0, (b, n)).transpose(2, 3)  # [b, n, T, channels]
        x = self.append_ids(x, self.config.position_dim).flatten(1, 2)  # [b, n*T, channels + position_dim]
        x = self.project_in(x)  # [b, n*T, width]
        if self.own_content is not None:  # content has norm 1: its numbers are brought to about 1
            own = self.own_content(cond.flatten(2) * (cond.shape[2] * cond.shape[3]) ** 0.5)
            x = x + own.repeat_interleave(tokens, dim=1)
        cond = self.append_ids(cond, self.config.cond_position_dim).flatten(1, 2)  # [b, n*M, cond_width]
        time = self.time_embedding(cnoise)[:, None]  # [b, 1, width]
        x = torch.cat([time, x], dim=1)  # [b, 1 + n*T, width]
        for block in self.blocks:
            x = block(x, cond, layout)
        x = self.project_out(x[:, 1:])  # [b, n*T, channels]
        x = x.unflatten(1, (n, tokens)).flatten(0, 1).transpose(1, 2)  # [b*n, channels, T]
        x = residual_mix(self.output_mix, x).unflatten(0, (b, n))
        return rotate_tokens(x, source, self.config.codes) if self.config.codes else x

    def append_ids(self, x: Tensor, position_dim: int) -> Tensor:
        """Append to each token of x [b, tracks, T, channels] which token (and, with "one-hot", which track) it is."""
        _, n, tokens, _ = x.shape
        room = self.config.token_ids(position_dim)
        if tokens > room:
            raise UserError(f"{tokens} tokens per track, but this network has ids for {room} only")
        token_codes = torch.eye(tokens, room, dtype=x.dtype, device=x.device)
        token_id = token_codes.expand(*x.shape[:2], -1, -1)
        if self.config.track_ids == "none":
            return torch.cat([x, token_id], dim=-1)
        track_codes = self.track_codes(n).to(x)[None, :, None, :]
        track_id = track_codes.expand(x.shape[0], -1, tokens, -1)
        return torch.cat([x, token_id, track_id], dim=-1)

    def track_codes(self, tracks: int) -> Tensor:
        """Give the one-hot number of each track: [tracks, max_tracks]."""
        numbers = self.config.max_tracks
        codes = torch.eye(tracks, numbers)  # rows beyond the last number are zeros
        if self.config.extra_tracks == "wrap":
            codes = torch.eye(numbers)[torch.arange(tracks) % numbers]
        return codes


def residual_mix(mix: nn.Conv1d, x: Tensor) -> Tensor:
    """Add a learned mixture of the channels to x [items, channels, T]."""
    return x + mix(x)
