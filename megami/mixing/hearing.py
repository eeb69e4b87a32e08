"""What the tracks of a song are: content embeddings, and in words."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from megami.adaptation import (
    ClapEncoder,
    EarEncoder,
    StemBank,
    add_content_noise,
    describe_source,
    hear_stem,
    join_content,
)
from megami.audio import SAMPLE_RATE, SILENT_DB, framed_level_db, loudest_segment, normalise_level
from megami.audio.track_names import role_of_name
from megami.embeddings.spectrum import MID_BANDS
from megami.errors import UserError
from megami.generator import mix_generator
from megami.mixing.compat import Compat
from megami.mixing.pretrained import Networks
from megami.progress import Progress, silent
from megami.studio import INSTRUMENTS, ROLES

CONTENT_DRAWS = 1_000_000  # where the random numbers of content begin, far from those of any mix
FAMILIES = {"percussion": "drums", "lead": "melody", "chords": "melody", "pad": "melody"}
"""Roles that are taken for each other without harm, under one name; the others stand for themselves."""


@dataclass(frozen=True)
class TakenFor:
    """What a track was taken for: the likeliest role and instrument of the studio, the share of the role (0 to 1).

    told: whether somebody said so.
    """

    role: str
    instrument: str
    share: float
    told: bool = False

    def __str__(self) -> str:
        return f"{self.role} ({self.instrument})" if self.instrument != self.role else self.role


@dataclass(frozen=True, eq=False)
class Heard:
    """The tracks of a song as the generator knows them.

    content [tracks, content_dim] of unit norm; taken_for has an entry per track, or none where the networks have no
    stem bank. plays [tracks, n] is what is compared where tracks of two songs are to be alike in what they play: the
    shares of the studio's roles and instruments by the bank, and content where there is no bank.
    """

    content: Tensor
    plays: Tensor
    taken_for: tuple[TakenFor, ...] = ()


class Listener:
    """Hears the tracks of a song with a set of networks: `Mixer.hear`."""

    def __init__(self, networks: Networks, compat: Compat, device: torch.device) -> None:
        self.networks, self.compat, self.device = networks, compat, device
        self.preset = networks.preset

    @torch.no_grad()
    def hear(
        self,
        names: Sequence[str],
        dry: Tensor,
        seed: int = 0,
        roles: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> Heard:
        """Hear dry tracks [tracks, 1, n] at the system's rate; `roles` says what some of them are, by name."""
        told = checked_roles(roles or {}, names, self.preset.stem_bank)
        report, generator = progress or silent, mix_generator(seed, CONTENT_DRAWS)
        length = min(dry.shape[-1], round(self.preset.segment_seconds * SAMPLE_RATE))
        common = loudest_segment(sum_by_name(names, dry)[0], length)
        contents, parts, taken_for = [], [], []
        for number, (name, track) in enumerate(zip(names, dry, strict=True)):
            report("listening", number, len(dry))
            segment = self._segment(track, common, length)
            if self.preset.stem_bank:
                content, plays, taken = self._by_bank(track, segment, told.get(name))
                parts.append(plays)
                taken_for.append(taken)
            else:
                content = self._embed(segment, generator)
            contents.append(self._finish(content, generator))
        content = torch.cat(contents)
        return Heard(content, torch.cat(parts) if parts else content, tuple(taken_for))

    def _segment(self, track: Tensor, common: int, length: int) -> Tensor:
        """What is measured of a track [1, n]: the song's loudest segment, or its own where it rests there."""
        segment = track[:, common : common + length]
        alone = self.compat.content_segment == "own"
        if alone or float(framed_level_db(segment, SAMPLE_RATE).max()) < SILENT_DB:
            own = loudest_segment(track[0], length)
            segment = track[:, own : own + length]
        return segment

    def _by_bank(self, track: Tensor, segment: Tensor, role: str | None) -> tuple[Tensor, Tensor, TakenFor]:
        """The track by ear, and the segment as it is measured: [1, content_dim]; and what the bank takes it for, twice.

        The bank describes it where the content encoder knows the studio's sounds only, and where a hint was given.
        """
        bank, musicnn, content = self.networks.stem_bank, self.networks.musicnn, self.preset.content
        assert bank is not None and musicnn is not None and content is not None  # the preset says so
        source = describe_source(segment[None].to(self.device))
        ear = hear_stem(musicnn, track[0].to(self.device))[None]
        shares = bank.shares(torch.cat([ear, source[:, :MID_BANDS]], dim=-1), self._allowed(role))
        plays = parts_of(bank, shares).cpu()
        by_role, by_instrument = plays[0].split([len(ROLES), len(INSTRUMENTS)])
        best = int(by_role.argmax())
        taken = TakenFor(ROLES[best], INSTRUMENTS[int(by_instrument.argmax())], float(by_role[best]), role is not None)
        encoder = self.networks.content_encoder
        if isinstance(encoder, EarEncoder) and role is None:  # it knows real sounds by itself, and needs no likeness
            return join_content(content, encoder.encode(ear), source), plays, taken
        return join_content(content, bank.describe(shares), source), plays, taken

    def _allowed(self, role: str | None) -> Tensor | None:
        """Which stems of the bank are what a hint says, a role or an instrument; None without a hint."""
        bank = self.networks.stem_bank
        assert bank is not None
        if role is None:
            return None
        if role in ROLES:
            return bank.role == ROLES.index(role)
        return bank.instrument == INSTRUMENTS.index(role)

    def _embed(self, segment: Tensor, generator: torch.Generator) -> Tensor:
        """What the content encoder alone says of a segment [1, n]: [1, content_dim]."""
        level_db = self.preset.content_level_db
        audio = segment if level_db is None else normalise_level(segment, level_db)
        return self.listen(audio[None].to(self.device), generator)

    def _finish(self, content: Tensor, generator: torch.Generator) -> Tensor:
        """Adapt and blur content, where the preset and `compat` say so: [1, content_dim] on the CPU."""
        content = self.networks.adaptor(content) if self.preset.adapt_dry else content
        noise = self.compat.content_noise
        return (add_content_noise(content, noise, generator) if noise else content).cpu()

    def listen(self, audio: Tensor, generator: torch.Generator) -> Tensor:
        """The content encoder's answer to audio [b, 1, n] as it is: [b, content_dim], not adapted."""
        encoder = self.networks.content_encoder
        if self.compat.content_window == "random" and isinstance(encoder, ClapEncoder):
            return encoder(audio, generator)
        return encoder(audio)

    def listen_for_processor(self, audio: Tensor, generator: torch.Generator) -> Tensor:
        """What a processor that is conditioned on content is told of audio [b, 1, n]: what the network alone says."""
        encoder = self.networks.content_encoder
        return self.listen(audio, generator) if isinstance(encoder, ClapEncoder) else encoder.learned(audio)


def sum_by_name(names: Sequence[str], tracks: Tensor) -> Tensor:
    """Sum tracks [tracks, ...] in the order of their names: bit for bit the same in whatever order they are given."""
    first, *rest = sorted(range(len(names)), key=lambda index: names[index])
    total = tracks[first].clone()
    for index in rest:
        total += tracks[index]
    return total


def checked_roles(roles: Mapping[str, str], names: Sequence[str], hearing_bank: bool) -> dict[str, str]:
    """Roles by track name, however its letters are written (NFC, NFD).

    Raises UserError for unknown tracks or roles, and networks that cannot be told any.
    """
    if roles and not hearing_bank:
        raise UserError("these networks cannot be told what a track is: use small")
    roles = {known_track(name, names): role for name, role in roles.items()}
    for role in roles.values():
        if role not in (*ROLES, *INSTRUMENTS):
            raise UserError(f"unknown role {role!r}: use one of {', '.join(dict.fromkeys((*ROLES, *INSTRUMENTS)))}")
    return dict(roles)


def known_track(name: str, names: Sequence[str]) -> str:
    """The name as the song's track has it. Raises UserError where there is no such track."""
    found = spelled(name, names)
    if found not in names:
        raise UserError(f"no track is called {name!r}: the tracks are {', '.join(names)}")
    return found


def spelled(name: str, names: Sequence[str]) -> str:
    """The name as one of `names` has its letters written (NFC, NFD), where there is one."""
    return name if name in names else unicodedata.normalize("NFC", name)


def parts_of(bank: StemBank, shares: Tensor) -> Tensor:
    """How much of shares [..., stems] of a bank falls to each role and to each instrument of the studio: [..., n]."""
    return torch.cat([bank.role_shares(shares, len(ROLES)), bank.instrument_shares(shares, len(INSTRUMENTS))], dim=-1)


def doubtful_names(names: Sequence[str], taken_for: Sequence[TakenFor]) -> list[str]:
    """One line for each track whose name says one thing and whose sound another; what was told is not doubted."""
    lines = []
    for name, taken in zip(names, taken_for, strict=False):  # no entries without a stem bank
        by_name = role_of_name(name)
        if by_name is None or taken.told or FAMILIES.get(by_name, by_name) == FAMILIES.get(taken.role, taken.role):
            continue
        lines.append(
            f"{name} is called {by_name} but sounds like {taken}: if the name is right, mix with --role "
            f'{shlex.quote(f"{name}={by_name}")} or --roles-from-names (in Python: roles={{"{name}": "{by_name}"}})'
        )
    return lines
