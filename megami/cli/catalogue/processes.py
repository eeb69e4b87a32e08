"""Mixing songs in several processes at once, one for each device or share of the cores.

A process that dies, as for want of memory, takes its song with it and no other: another takes its place. When the one
that started them ends, however that be, they end too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from megami.cli.catalogue.song_mixer import Ended, Song, SongMixer, in_one_line
from megami.cli.mix_job import MixJob
from megami.errors import UserError

TERMINATED = 143
PATIENCE_S = 20.0
"""How long an interrupted process may take to clear what it was writing."""


@dataclass(frozen=True)
class Setting:
    """What the processes have in common, and the device of each."""

    options: MixJob
    weights_sha256: str
    devices: tuple[str, ...]
    threads: int | None


class Worker:
    """A process that mixes the songs it is sent."""

    def __init__(self, setting: Setting, device: str) -> None:
        context = multiprocessing.get_context("spawn")  # fork after torch has started threads can hang
        self.device = device
        self.song: Song | None = None
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, setting.options, device, setting.weights_sha256, setting.threads)
        self.process: BaseProcess = context.Process(target=work, args=arguments, daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes, but is ours to answer
        try:
            self.process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()

    def send(self, song: Song) -> None:
        """Let it mix a song."""
        self.song = song
        with suppress(OSError):  # it has died, which is found out when its answer is awaited
            self.pipe.send(song)

    def answer(self) -> Ended | None:
        """What it says: what became of its song, or None once its networks are loaded. Raises UserError if not."""
        song, self.song = self.song, None
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(PATIENCE_S)
            code = self.process.exitcode or 0
            how = f"was killed (signal {-code})" if code < 0 else f"ended (code {code})"
            if song is None:
                raise UserError(f"a process that was to mix {how} before it could: is there enough memory?") from None
            return Ended(song.name, problem=f"the process that mixed it {how}: is there enough memory?")
        if isinstance(said, str):
            raise UserError(said)
        return said

    def stop(self) -> None:
        """End it; it removes what it has half written."""
        self.pipe.close()
        if self.process.is_alive():
            self.process.terminate()
        self.process.join(PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def mix_in_processes(songs: Sequence[Song], setting: Setting) -> Iterator[Ended]:
    """Mix songs on all devices of the setting, and give what became of each, in the order in which they end.

    Raises UserError where the networks cannot be loaded.
    """
    waiting = list(reversed(songs))
    workers: list[Worker] = []
    try:
        workers += [Worker(setting, device) for device in setting.devices[: len(songs)]]
        while workers:
            for pipe in wait([worker.pipe for worker in workers]):
                worker = next(worker for worker in workers if worker.pipe is pipe)
                try:
                    ended = worker.answer()
                except UserError:
                    workers.remove(worker)
                    worker.stop()
                    if not workers:
                        raise
                    continue  # with fewer
                if worker.process.is_alive() and waiting:
                    worker.send(waiting.pop())
                else:
                    workers.remove(worker)
                    worker.stop()
                    if waiting:
                        workers.append(Worker(setting, worker.device))
                if ended is not None:
                    yield ended
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.stop()


def work(pipe: Connection, *arguments: Any) -> None:
    """What a process does: load the networks, then mix every song that it is sent."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        mixer = SongMixer(*arguments)
    except UserError as error:
        pipe.send(in_one_line(error))
        return
    with suppress(EOFError, OSError):  # nobody sends any more
        pipe.send(None)
        while True:
            pipe.send(mixer.mix(pipe.recv()))


def end_with_parent() -> None:
    """Wait until the process that started this one is gone, and go too: the next run may mix the same song."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(TERMINATED)
