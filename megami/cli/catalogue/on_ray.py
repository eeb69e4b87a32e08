"""Handing songs to a Ray cluster: an actor on each device holds the networks and mixes the songs that it is given.

Stems, weights and the folder of mixes must lie under the same paths on every machine, as on a shared disk.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from typing import Any

from megami.cli.catalogue.processes import Setting
from megami.cli.catalogue.song_mixer import Ended, Song, SongMixer, in_one_line
from megami.errors import UserError

ATTEMPTS = 3
"""Ray gives its own helpers a quarter of a minute to start, which is too short the first time on a busy machine."""
LOCAL = "local"
"""The address that starts a cluster on this machine, for this run."""


def mix_on_ray(songs: Sequence[Song], setting: Setting, address: str, jobs: int) -> Iterator[Ended]:
    """Mix songs on the cluster at `address`, and give what became of each, in the order in which they end.

    With `jobs` 0 there are as many actors as GPUs, on a cluster without any as many as machines. Raises UserError where
    Ray is not installed, no cluster answers, or the networks cannot be loaded.
    """
    ray = imported_ray()
    ending = signal.getsignal(signal.SIGTERM)
    connect(ray, address, jobs)
    try:
        signal.signal(signal.SIGTERM, ending)  # which Ray makes its own, and ends without tidying up
        gpus = int(ray.cluster_resources().get("GPU", 0))
        on_gpu = gpus > 0 and setting.devices[0] != "cpu"
        machines = sum(node["Alive"] for node in ray.nodes())
        count = min(jobs or (gpus if on_gpu else machines), len(songs))
        actor = ray.remote(num_cpus=1, num_gpus=1 if on_gpu else 0, max_restarts=0)(SongMixer)
        arguments = (setting.options, "cuda" if on_gpu else "cpu", setting.weights_sha256, setting.threads)
        yield from hand_out(ray, songs, count, lambda: actor.remote(*arguments))
    finally:
        ray.shutdown()


def hand_out(ray: Any, songs: Sequence[Song], count: int, start: Any) -> Iterator[Ended]:
    """Give each of `count` actors a song, and the next when it is done; another takes the place of one that died."""
    waiting = list(reversed(songs))
    working: dict[Any, tuple[Any, Song]] = {}

    def give(actor: Any) -> None:
        song = waiting.pop()
        working[actor.mix.remote(song)] = actor, song

    for _ in range(count):
        give(start())
    while working:
        (done,), _ = ray.wait(list(working), num_returns=1)
        actor, song = working.pop(done)
        try:
            ended = ray.get(done)
        except ray.exceptions.ActorDiedError as error:
            if isinstance(cause := getattr(error, "cause", None) or error.__cause__, UserError):
                raise UserError(str(cause)) from None
            if "UserError" in str(error):  # the networks could not be loaded
                raise UserError(in_one_line(str(error).rpartition("UserError:")[2])) from None
            ended = Ended(song.name, problem="the machine or process that mixed it is gone: is there enough memory?")
            actor = start() if waiting else actor
        if waiting:
            give(actor)
        yield ended


def imported_ray() -> Any:
    """The package, or one line that says how to have it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_worker_niceness", "0")  # of a cluster that is started here: this is what is to be done
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise UserError('--ray needs the package ray: pip install "megami[ray]"') from None
    return ray


def connect(ray: Any, address: str, jobs: int) -> None:
    """Join the cluster at an address, or start one on this machine. Raises UserError where none answers."""
    quiet = {"logging_level": "CRITICAL", "log_to_driver": False}
    for attempts_left in reversed(range(ATTEMPTS if address == LOCAL else 1)):
        try:
            if address == LOCAL:
                ray.init(address=LOCAL, num_cpus=jobs or None, include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
            return
        except Exception as error:  # Ray raises whatever comes, also plain exceptions
            ray.shutdown()
            if not attempts_left:
                first = (str(error).splitlines() or [""])[0]
                raise UserError(f"no Ray cluster answers at {address!r} ({in_one_line(first)})") from None
