"""The pipeline: dry tracks in, mixes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from megami.adaptation import content_tokens
from megami.audio import (
    SAMPLE_RATE,
    Multitrack,
    fold_to_mono,
    loudest_segment,
)
from megami.device import one_thread, resolve_device, resolve_precision
from megami.embeddings import embeddings_from_tokens
from megami.errors import UserError, warn_of_song
from megami.generator import Callback, Evidence, SamplingOptions, mix_generator, sample_mixes
from megami.mixing.compat import Compat, compat_named, with_compat
from megami.mixing.direction import Direction, Keep, unmet
from megami.mixing.hearing import Heard, Listener, checked_roles, doubtful_names
from megami.mixing.mix import Mix
from megami.mixing.options import check_loudness, check_options, check_sampling
from megami.mixing.pretrained import Networks, from_pretrained, with_precision
from megami.mixing.ready_song import ReadySong, as_networks_take_it
from megami.mixing.reference import Records, measured_records
from megami.mixing.rendering import Rendering
from megami.mixing.wet_stems import hear_wet_stems
from megami.mixing.wishes import Wishes
from megami.processor import BlockPass, ContentOf, Known, render_in_blocks, render_tracks
from megami.progress import Progress, silent

PROCESSOR_DRAWS = 1_000_001  # where its random numbers begin, far from those of any mix


class Mixer:
    """Mixes songs with a set of trained networks; every call is deterministic given its seed.

    The networks are moved to the device. `compat` says what is done where the paper leaves it open; see
    `megami.mixing.compat`. `precision`, "fp32" or "bf16", is that in which the convolutional processor multiplies;
    "auto" is fp32. Raises UserError for bf16 with networks that have no such processor.
    """

    def __init__(
        self,
        networks: Networks,
        device: str | torch.device = "auto",
        compat: Compat | None = None,
        precision: str = "auto",
    ) -> None:
        self.compat = compat or Compat()
        self.device = resolve_device(device)
        self.networks = with_precision(with_compat(networks.to(self.device), self.compat), precision, self.device)
        self.preset = networks.preset
        self._listener = Listener(self.networks, self.compat, self.device)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path = "small",
        device: str | torch.device = "auto",
        processor: str | None = None,
        weights_dir: str | Path | None = None,
        compat: str | Compat = "ours",
        precision: str = "auto",
    ) -> Mixer:
        """Load the networks of a preset ("small", "paper"), or of a folder of weights.

        `processor` chooses between the processors that the weights hold ("structured", "tcn"); the preset's own
        otherwise. `weights_dir`: a folder that has the preset's files already ("paper": the published ones). `compat`
        "published" does as the released inference does; a `Compat` mixes the two. `precision`: auto, fp32 or bf16.
        Raises UserError for an unknown name, missing or damaged files.
        """
        compat = compat if isinstance(compat, Compat) else compat_named(compat)
        resolve_precision(precision)  # so that nothing is loaded for a name that is wrong
        return cls(from_pretrained(name, processor=processor, weights_dir=weights_dir), device, compat, precision)

    @property
    def precision(self) -> str:
        """In which the convolutional processor multiplies: "fp32" or "bf16"; the other networks know fp32 only."""
        return "bf16" if getattr(self.networks.processor, "dtype", None) == torch.bfloat16 else "fp32"

    def content(
        self,
        song: Multitrack,
        seed: int = 0,
        progress: Progress | None = None,
        roles: Mapping[str, str] | None = None,
    ) -> Tensor:
        """Say what each track plays: unit-norm, domain-adapted content embeddings [tracks, content_dim]; see `hear`."""
        return self.hear(song, seed, roles, progress).content

    def hear(
        self,
        song: Multitrack,
        seed: int = 0,
        roles: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Heard:
        """Say what each track plays, as content embeddings [tracks, content_dim], and what it was taken for.

        Levels, spectra and dynamics are measured over the same loudest segment of the song for all tracks, as in
        training; a track that rests there is measured over its own loudest segment. With a stem bank (`small`), what a
        track is, is heard wherever it plays. `roles` says what some tracks are, by name: {"vox": "vocal"}. The seed
        counts only where `compat` asks for noise or random cuts. Raises UserError for unknown tracks and roles.
        """
        with self.steady():
            return self._listener.hear(song.names, fold_to_mono(self.prepared(song).audio), seed, roles, progress)

    def prepared(self, song: Multitrack) -> Multitrack:
        """The song as the networks take it, see `as_networks_take_it`: stereo if a track has an image that is kept."""
        return as_networks_take_it(song, self.compat.stems == "stereo")

    @torch.no_grad()
    def generate(
        self,
        content: Tensor,
        num_mixes: int = 1,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int = 0,
        callback: Callback | None = None,
        temperature: float | None = None,
        sampling: SamplingOptions | None = None,
        together: bool = False,
        evidence: Evidence | None = None,
    ) -> Tensor:
        """Draw effect embeddings for content [tracks, content_dim]: [num_mixes, tracks, dim], each of unit norm.

        Mix k depends on the seed and on k only, bit for bit, unless mixes are drawn `together`: then the network sees
        all at once, which is quicker for many and rounds otherwise. Permuting the tracks permutes the answer (with
        `paper` because track numbers are drawn, unless `compat` says otherwise). The options are those of `sampling`,
        else of the preset, but for `steps`, `guidance` and `temperature` where these are given. `callback(step, sigma,
        x, denoised)` sees every sampling step; many mixes of many tracks are drawn in lots, and it sees the steps of
        each. `evidence` is what is known of the plans beside the content (see `Direction`). Raises UserError for
        impossible options.
        """
        check_options(num_mixes, seed)
        options = self._sampling(sampling, steps, guidance, temperature)
        with self.steady():
            tokens = sample_mixes(
                self.networks.generator,
                content_tokens(content.to(self.device)),
                num_mixes,
                options,
                seed,
                track_order=self._track_order(),
                callback=callback,
                one_by_one=not together,
                evidence=evidence,
            )
            lots = (tokens,) if together else tokens.split(1)
            return torch.cat([embeddings_from_tokens(self.preset.embedding, lot) for lot in lots]).cpu()

    def steady(self) -> AbstractContextManager[None]:
        """Where results do not depend on the number of threads: with one, on the CPU, for networks small enough.

        Transforms and matrix products round otherwise when threads share them. The paper's networks keep all threads,
        for they would take several times as long.
        """
        return one_thread() if self._is_steady else nullcontext()

    @property
    def _is_steady(self) -> bool:
        return self.device.type == "cpu" and self.preset.processor_kind == "structured"

    def _sampling(
        self,
        sampling: SamplingOptions | None,
        steps: int | None,
        guidance: float | None,
        temperature: float | None,
    ) -> SamplingOptions:
        """The options to sample with: those given one by one, else of `sampling`, else of the preset."""
        options = sampling or self.preset.sampling
        check_sampling(
            options.steps if steps is None else steps,
            options.guidance if guidance is None else guidance,
            options.temperature if temperature is None else temperature,
        )
        return options.but(steps=steps, guidance=guidance, temperature=temperature)

    def _track_order(self) -> str:
        if self.preset.transformer.track_ids == "none":
            return "content"
        return "drawn" if self.compat.track_numbers == "drawn" else "given"

    @torch.no_grad()
    def process(
        self,
        song: Multitrack,
        embeddings: Tensor,
        seed: int = 0,
        progress: Progress | None = None,
        known: Sequence[Known] | None = None,
    ) -> Tensor:
        """Render embeddings [tracks, dim] onto the dry tracks: [tracks, 2, samples] at 44.1 kHz, as loud as they say.

        What is done to a stereo track is decided from its mono fold and done to both channels, so it keeps its image.
        The seed counts only where `compat` asks for random cuts. `progress` is called as each track, or each block
        of the song, is begun. `known`: one for each track, where the same song is processed several times.
        """
        prepared = self.prepared(song)
        dry = fold_to_mono(prepared.audio)
        if embeddings.shape != (len(dry), self.preset.embedding.dim):
            raise UserError(
                f"{len(dry)} tracks need embeddings of shape {(len(dry), self.preset.embedding.dim)}, "
                f"not {tuple(embeddings.shape)}"
            )
        blocks, skip = self.compat.block_pass, not self.compat.fxnorm_short and dry.shape[-1] <= BlockPass.block
        stereo = prepared.audio if prepared.audio.shape[1] == 2 else None
        workers = torch.get_num_threads() if self._is_steady else 1
        side_by_side = partial(render_tracks, stereo=stereo, workers=workers, known=known)
        render = side_by_side if blocks is None else partial(render_in_blocks, settings=blocks)
        with self.steady():
            return render(
                self.networks.processor,
                dry,
                embeddings.to(self.device),
                None if skip and blocks is None else self.networks.fxnorm,
                self._processor_content(mix_generator(seed, PROCESSOR_DRAWS)),
                embedding_config=self.preset.embedding,
                progress=progress,
            )

    def _processor_content(self, generator: torch.Generator) -> ContentOf | None:
        """How processors that are conditioned on content (the paper's form) learn it: from what they are given.

        Not adapted, since it is dry, and at its own level; over the loudest segment. Only what the network says: the
        processor hears the source's spectrum and dynamics itself.
        """
        if self.preset.processor_kind != "tcn":
            return None

        def listen(source: Tensor) -> Tensor:
            length = min(source.shape[-1], round(self.preset.segment_seconds * SAMPLE_RATE))
            start = loudest_segment(source[0, 0], length)
            return self._listener.listen_for_processor(source[..., start : start + length], generator)

        return listen

    def mix(
        self,
        song: Multitrack,
        num_mixes: int = 1,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int = 0,
        loudness_lufs: float = -16.0,
        temperature: float | None = None,
        sampling: SamplingOptions | None = None,
        progress: Progress | None = None,
        roles: Mapping[str, str] | None = None,
        mono_stems: bool = False,
        keep: Keep | None = None,
        wishes: Wishes | None = None,
        reference: Records | None = None,
        reference_stems: str | Path | Multitrack | None = None,
    ) -> list[Mix]:
        """Mix a song several times, each mix another draw from the model's distribution.

        `keep` names tracks that stay as they are in another mix, {"vocal": mix}; the others are drawn to fit them.
        `wishes` says what tracks should be like, {"vocal": {"level_db": +2}}. `reference` is a record, a file or audio
        [2, samples] at 44.1 kHz, whose tone and width the mixes should have; or several, each alone or with a weight,
        [("a.wav", 2.0), "b.wav"] or {"a.wav": 2.0}. `reference_stems` are wet stems of another song, a folder or a
        multitrack: tracks that play what one of them plays are treated much like it (see `Direction`). Tracks below
        -60 dB stay silent and are not shown to the generator. Options of sampling as in `generate`; progress, roles and
        mono_stems as in `iterate_mixes`. Raises UserError if all tracks are silent or an option is impossible. Mixes
        have the song's sample rate. All mixes and their wet tracks are held at once; for long songs see
        `iterate_mixes`.
        """
        options = self._sampling(sampling, steps, guidance, temperature)
        direction = Direction(
            {} if keep is None else keep,
            wishes or {},
            references=measured_records(reference),
            stems=None if reference_stems is None else hear_wet_stems(self, reference_stems),
        )
        return list(
            self.iterate_mixes(song, num_mixes, options, seed, loudness_lufs, progress, roles, mono_stems, direction)
        )

    def iterate_mixes(
        self,
        song: Multitrack,
        num_mixes: int = 1,
        sampling: SamplingOptions | None = None,
        seed: int = 0,
        loudness_lufs: float = -16.0,
        progress: Progress | None = None,
        roles: Mapping[str, str] | None = None,
        mono_stems: bool = False,
        direction: Direction | None = None,
    ) -> Iterator[Mix]:
        """Do as `mix`, but render each mix when it is asked for, so that only one need be in memory.

        `progress(stage, done, total)` is called as each part of a stage is begun: "listening" (tracks), "deciding"
        (steps), then "mix 1", "mix 2", ... (tracks, or blocks of the song). `roles` says what some tracks are, by name
        ({"vox": "vocal"}): they are then heard as that. Stereo tracks keep their image, unless `mono_stems` asks for
        their average. Warns (SongWarning) of a track whose name says one thing and whose sound another, of one that is
        far beyond full scale or has a constant offset, that is too quiet to take part or noise that is turned up, of
        channels that cancel, of a wish that is not met, and of a mix that stays quieter than it should be. `direction`
        says what is wanted of the mixes.
        """
        check_options(num_mixes, seed)
        check_loudness(loudness_lufs)
        options = self._sampling(sampling, None, None, None)
        report, direction = progress or silent, direction or Direction()
        with self.steady():
            ready = ReadySong.of(song, self.prepared, mono_stems)
        names = ready.heard.names
        told = checked_roles(roles or {}, ready.song.names, self.preset.stem_bank)
        directed = direction.among(ready.song.names, names, self.preset.embedding, self.networks.processor)
        hearing = self.hear(ready.heard, seed, {name: role for name, role in told.items() if name in names}, report)
        warn_of_song(doubtful_names(names, hearing.taken_for))
        directed = directed.hearing(hearing.plays)
        warn_of_song(directed.unmatched())
        report("deciding", 0, options.steps)

        def generate(own: int, evidence: Evidence | None) -> Tensor:
            def within(step: int, *_: object) -> None:
                report("deciding", step, options.steps)

            return self.generate(
                hearing.content, num_mixes, seed=own, sampling=options, callback=within, evidence=evidence
            )

        with self.steady():
            drawn = directed.draw_by_seed(generate, seed)

        known = tuple(Known() for _ in names)
        rendering = Rendering(self, ready, loudness_lufs, hearing.taken_for, seed, directed.followed, known)
        plans = rendering.in_part(drawn.plans, direction.amounts)

        def rendered() -> Iterator[Mix]:
            for number, (plan, outcomes) in enumerate(zip(plans, drawn.outcomes, strict=True), 1):
                warn_of_song(unmet(f"mix {number}", outcomes))

                def within(_: str, done: int, total: int, stage: str = f"mix {number}") -> None:
                    report(stage, done, total)

                yield rendering.mix(plan, f"mix {number}", outcomes, within)

        return rendered()
