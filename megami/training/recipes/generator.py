"""Recipe of the generator: denoise the effect embeddings of a song's tracks, given their adapted content."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from megami.adaptation import add_content_noise, content_tokens
from megami.corpus import MixEmbeddings
from megami.embeddings import EmbeddingConfig, to_tokens
from megami.generator import Denoiser, drop_condition, sample_sigma, training_loss
from megami.training.loop import LoopConfig

LOOP = LoopConfig(
    steps=25_000, learning_rate=1e-3, weight_decay=0.05, warmup_steps=500, ema_rate=0.9995, save_every=1000
)

FOCUS = 0.5  # share of noise levels that are drawn where there is most to learn


class DrawMixes:
    """Draw mixes of as many tracks as each other, so that nothing is padded; content comes from any mix of the song.

    What the adaptor leaves in the content of wet tracks says who mixed them, and all tracks of a mix say the same. A
    generator that can read it learns to follow one engineer, and of dry tracks it follows one, too (the chapter "Domain
    adaptation" shows it). So each track is told as it sounds in some mix of its song, whoever made that.
    """

    def __init__(self, mixes: MixEmbeddings, size: int = 32) -> None:
        self.mixes, self.size = mixes, size
        self.tracks = np.array([len(effects) for effects in mixes.effects])
        songs = np.array(mixes.songs or range(len(mixes.effects)))
        self.alike = [np.flatnonzero(songs == song) for song in songs]  # all mixes of the song of each

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        tracks = rng.choice(self.tracks)  # every mix is drawn as often as every other
        chosen = rng.choice(np.flatnonzero(self.tracks == tracks), size=self.size)
        return {
            "effects": torch.stack([self.mixes.effects[i] for i in chosen]),
            "contents": torch.stack([self._content(i, int(tracks), rng) for i in chosen]),
            "mask": torch.ones(self.size, int(tracks), dtype=torch.bool),
        }

    def _content(self, mix: int, tracks: int, rng: np.random.Generator) -> Tensor:
        """Content [tracks, dim] for a mix: each track as in any mix of that song, over all of it or either half."""
        others = rng.choice(self.alike[mix], size=tracks)
        variants = rng.integers(len(self.mixes.contents[mix]), size=tracks)
        return torch.stack([self.mixes.contents[i][variants[k], k] for k, i in enumerate(others)])


class GeneratorTask(nn.Module):
    """EDM loss on the set of effect embeddings; content gets noise, and whole songs lose their condition at times.

    Of mixes with fewer tracks than others of their batch, the mask says which are there. The loss is the mean over all
    tracks of the whole batch, also for a part of it. `stratified` and `focus`: see `sample_sigma`.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        embedding: EmbeddingConfig,
        content_noise: float | Tensor,
        condition_dropout: float = 0.1,
        stratified: bool = True,
        focus: float = FOCUS,
    ) -> None:
        super().__init__()
        self.denoiser, self.embedding = denoiser, embedding
        self.content_noise, self.condition_dropout = content_noise, condition_dropout
        self.stratified, self.focus = stratified, focus

    def randomise(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the noise of content and embeddings, its levels, and the songs that lose their condition."""
        clean = to_tokens(self.embedding, batch["effects"])  # [songs, tracks, channels, tokens]
        content = add_content_noise(batch["contents"], self.content_noise, generator)
        cond = drop_condition(content_tokens(content), self.condition_dropout, generator)
        sigma = sample_sigma(len(clean), self.denoiser.config, generator, self.stratified, self.focus)
        noise = torch.randn(clean.shape, generator=generator).to(clean)  # drawn on the CPU: the same on every device
        mask = batch["mask"]
        present = mask.float().mean().expand(len(mask))  # of the whole batch, for ranks and parts that see less of it
        drawn = {"clean": clean, "cond": cond, "mask": mask, "sigma": sigma.to(clean), "noise": noise}
        return {**drawn, "present": present.to(clean)}

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        drawn = batch if generator is None else self.randomise(batch, generator)
        parts = (drawn[name] for name in ("clean", "cond", "mask", "sigma", "noise"))
        # `training_loss` divides by the share of tracks that are there in its own part.
        share = drawn["mask"].float().mean() / drawn["present"][0]
        return {"loss": training_loss(self.denoiser, *parts) * share}
