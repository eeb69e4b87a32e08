"""The pipeline: dry tracks in, mixes out (MEGAMI §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from megami.adaptation import content_tokens
from megami.audio import SAMPLE_RATE, Multitrack, framed_level_db, loudest_segment, master, resample, write_audio
from megami.device import resolve_device
from megami.embeddings import from_tokens, renormalise
from megami.errors import UserError
from megami.generator import sample_mixes
from megami.processor import render_tracks
from megami.weights import Networks, from_pretrained

SILENT_DB = -60.0
"""A track whose loudest 400 ms lie below this level (dB) takes no part in the mix."""

MAX_STEPS, MAX_MIXES, MAX_GUIDANCE = 1000, 100, 20.0


@dataclass(frozen=True)
class Mix:
    """One mix of a song.

    audio [2, samples] is brought to the target loudness and limited; tracks [tracks, 2, samples] are the wet tracks
    whose sum it is but for the limiter; embeddings [tracks, dim] say what was done to each (zeros for silent tracks).
    """

    audio: Tensor
    tracks: Tensor
    embeddings: Tensor
    names: tuple[str, ...]
    sample_rate: int = SAMPLE_RATE

    def save(self, path: str | Path) -> Path:
        """Write the mix as 24-bit WAV or FLAC, by the suffix; raises UserError if the place cannot be written."""
        return write_audio(path, self.audio, self.sample_rate)

    def save_tracks(self, folder: str | Path, suffix: str = ".wav") -> list[Path]:
        """Write every wet track, NAME.wav or NAME.flac, at its level in the mix (turned down together if one clips)."""
        peak = float(self.tracks.abs().max()) if self.tracks.numel() else 0.0
        headroom = min(1.0, 0.999 / max(peak, 1e-9))
        folder = Path(folder)
        return [
            write_audio(folder / f"{name}{suffix}", track * headroom, self.sample_rate)
            for name, track in zip(self.names, self.tracks)
        ]


class Mixer:
    """Mixes songs with a set of trained networks; every call is deterministic given its seed."""

    def __init__(self, networks: Networks, device: str | torch.device = "auto") -> None:
        self.device = resolve_device(device)
        self.networks = networks.to(self.device)
        self.preset = networks.preset

    @classmethod
    def from_pretrained(cls, name: str | Path = "small", device: str | torch.device = "auto", processor: str | None = None) -> Mixer:
        """Load the networks of a preset ("small"), or of a folder of weights.

        `processor` chooses between the processors that the weights hold ("structured", "tcn"); the preset's own
        otherwise. Raises UserError for an unknown name, missing or damaged files.
        """
        return cls(from_pretrained(name, processor=processor), device)

    def content(self, song: Multitrack) -> Tensor:
        """Say what each track plays: unit-norm, domain-adapted content embeddings [tracks, content_dim].

        All tracks are heard over the same loudest segment of the song, as in training; a track that rests there is
        heard over its own loudest segment.
        """
        dry = self._dry(song)
        length = min(dry.shape[-1], round(self.preset.segment_seconds * SAMPLE_RATE))
        common = loudest_segment(dry.sum(dim=0)[0], length)
        embeddings = []
        for track in dry:
            segment = track[:, common : common + length]
            if float(framed_level_db(segment, SAMPLE_RATE).max()) < SILENT_DB:
                own = loudest_segment(track[0], length)
                segment = track[:, own : own + length]
            embeddings.append(self._embed_content(segment))
        return torch.stack(embeddings)

    @torch.no_grad()
    def _embed_content(self, segment: Tensor) -> Tensor:
        networks = self.networks
        return networks.adaptor(networks.content_encoder(segment[None].to(self.device)))[0].cpu()

    @torch.no_grad()
    def generate(
        self,
        content: Tensor,
        num_mixes: int = 1,
        steps: int | None = None,
        guidance: float = 1.0,
        seed: int = 0,
        callback: Callable[[int, float, Tensor, Tensor], None] | None = None,
    ) -> Tensor:
        """Draw effect embeddings for content [tracks, content_dim]: [num_mixes, tracks, dim], each of unit norm.

        Mix k depends on the seed and on k only. With weights that are equivariant (`small`) permuting the tracks
        permutes the answer. `callback(step, sigma, x, denoised)` sees every sampling step. Raises UserError for
        impossible options.
        """
        steps = self.preset.default_steps if steps is None else steps
        check_options(num_mixes, steps, guidance, seed)
        tokens = sample_mixes(
            self.networks.generator, content_tokens(content.to(self.device)), num_mixes, steps + 1, seed,
            churn=self.preset.churn, guidance=guidance,
            shuffle_ids=self.preset.transformer.track_ids != "none", callback=callback,
        )
        return renormalise(self.preset.embedding, from_tokens(self.preset.embedding, tokens)).cpu()

    @torch.no_grad()
    def process(self, song: Multitrack, embeddings: Tensor) -> Tensor:
        """Render embeddings [tracks, dim] onto the dry tracks: wet [tracks, 2, samples], each at its generated level."""
        dry = self._dry(song)
        if embeddings.shape != (len(dry), self.preset.embedding.dim):
            raise UserError(
                f"{len(dry)} tracks need embeddings of shape {(len(dry), self.preset.embedding.dim)}, "
                f"not {tuple(embeddings.shape)}"
            )
        networks = self.networks
        return render_tracks(
            networks.processor, dry, embeddings.to(self.device), self._dry_content(dry), networks.fxnorm,
            embedding_config=self.preset.embedding,
        )

    def _dry_content(self, dry: Tensor) -> Tensor | None:
        """Content of the dry tracks, not adapted, for processors that are conditioned on it (the paper's form)."""
        if self.preset.processor_kind != "tcn":
            return None
        length = min(dry.shape[-1], round(self.preset.segment_seconds * SAMPLE_RATE))
        starts = [loudest_segment(track[0], length) for track in dry]
        segments = [track[None, :, start : start + length] for track, start in zip(dry, starts)]
        return torch.cat([self.networks.content_encoder(segment.to(self.device)) for segment in segments])

    def mix(
        self,
        song: Multitrack,
        num_mixes: int = 1,
        steps: int | None = None,
        guidance: float = 1.0,
        seed: int = 0,
        loudness_lufs: float = -16.0,
        callback: Callable[[str, int, int], None] | None = None,
    ) -> list[Mix]:
        """Mix a song several times, each mix another draw from the model's distribution.

        Tracks below -60 dB stay silent and are not shown to the generator. `callback(stage, done, total)` reports
        progress. Raises UserError if all tracks are silent or an option is impossible.
        """
        check_options(num_mixes, self.preset.default_steps if steps is None else steps, guidance, seed)
        report = callback or (lambda stage, done, total: None)
        playing = self._playing(song)
        heard = song.select(playing)
        report("listening", 0, 1)
        content = self.content(heard)
        report("deciding", 0, 1)
        embeddings = self.generate(content, num_mixes, steps, guidance, seed)
        mixes = []
        for number, drawn in enumerate(embeddings):
            report("rendering", number, num_mixes)
            mixes.append(self._finish(song, playing, drawn, self.process(heard, drawn), loudness_lufs))
        report("rendering", num_mixes, num_mixes)
        return mixes

    def _finish(self, song: Multitrack, playing: list[int], drawn: Tensor, wet: Tensor, loudness_lufs: float) -> Mix:
        tracks = wet.new_zeros(song.num_tracks, *wet.shape[1:])
        tracks[playing] = wet
        embeddings = drawn.new_zeros(song.num_tracks, drawn.shape[-1])
        embeddings[playing] = drawn
        total = tracks.sum(dim=0)
        audio = master(total, SAMPLE_RATE, loudness_lufs)
        return Mix(audio, tracks * _gain_between(total, audio), embeddings, song.names)

    def _playing(self, song: Multitrack) -> list[int]:
        levels = framed_level_db(self._dry(song), SAMPLE_RATE)[:, 0]
        playing = [index for index, level in enumerate(levels.tolist()) if level >= SILENT_DB]
        if not playing:
            raise UserError("all tracks are silent (below -60 dB): nothing to mix")
        return playing

    def _dry(self, song: Multitrack) -> Tensor:
        mono = song.mono()
        return mono if song.sample_rate == SAMPLE_RATE else resample(mono, song.sample_rate, SAMPLE_RATE)


def check_options(num_mixes: int, steps: int, guidance: float, seed: int) -> None:
    """Raise UserError for options that mean nothing."""
    if not 1 <= num_mixes <= MAX_MIXES:
        raise UserError(f"the number of mixes must be from 1 to {MAX_MIXES}, not {num_mixes}")
    if not 1 <= steps <= MAX_STEPS:
        raise UserError(f"the number of steps must be from 1 to {MAX_STEPS}, not {steps}")
    if not 0 <= guidance <= MAX_GUIDANCE:
        raise UserError(f"guidance must be from 0 to {MAX_GUIDANCE:g}, not {guidance}")
    if not 0 <= seed < 2**32:
        raise UserError(f"the seed must be from 0 to {2**32 - 1}, not {seed}")


def _gain_between(before: Tensor, after: Tensor) -> float:
    """The static gain that mastering applied, read where the limiter was idle: the median ratio of loud samples."""
    loud = before.abs() > 0.1 * before.abs().max().clamp_min(1e-9)
    return float((after[loud] / before[loud]).median()) if bool(loud.any()) else 1.0
