"""Long work beside a page that goes on answering: one job at a time, with progress, and an end when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from megami.errors import UserError, as_one_line
from megami.progress import Progress

Job = Callable[[Progress], str]
"""Does something, calls its progress often, and says in a line what was done."""


class Cancelled(Exception):
    """Raised out of a job's progress when somebody has asked it to end."""


class Work:
    """Runs jobs in a thread of their own, one at a time.

    `said(line, failed)` hears how each ended, in one line, also where it failed in a way that nobody foresaw; `moved
    (stage, share)` how far it is, from 0 to 1. Both are called from that thread.
    """

    def __init__(self, said: Callable[[str, bool], None], moved: Callable[[str, float], None]) -> None:
        self._said, self._moved = said, moved
        self._thread: threading.Thread | None = None
        self.busy = False  # whether a job is under way
        self._stop = threading.Event()

    def start(self, job: Job) -> bool:
        """Begin a job; False, and nothing done, where one is under way."""
        if self.busy:
            return False
        self.busy = True
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(job,), name="mixing desk", daemon=True)
        self._thread.start()
        return True

    def cancel(self) -> None:
        """Ask the job to end; it does at its next step."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until nothing is under way, at most so long; whether that is so."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def progress(self, stage: str, done: int, total: int) -> None:
        """What a job reports to. Raises Cancelled when it should end."""
        if self._stop.is_set():
            raise Cancelled
        self._moved(stage, done / total if total else 0.0)

    def _run(self, job: Job) -> None:
        try:
            line, failed = job(self.progress), False
        except Cancelled:
            line, failed = "cancelled: everything is as it was before, but for takes that were finished", False
        except UserError as error:
            line, failed = str(error), True
        except OSError as error:
            line, failed = f"{error.filename or 'a file'}: {error.strerror or error}; check the disk, the path", True
        except MemoryError:
            line, failed = "not enough memory: load a shorter song, or fewer tracks", True
        except Exception as error:  # a reader should see a line, and go on, whatever it was
            line, failed = f"this should not happen, please report it: {type(error).__name__}: {error}", True
        self.busy = False
        self._said(as_one_line(line), failed)
