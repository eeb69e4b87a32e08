"""Signals that ask a training run to stop, held back to where it can: between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

HELD = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While this is entered, Ctrl-C and SIGTERM wait for `deliver`, so that they never stop a step halfway.

    A second signal does not wait: it stops a step that hangs. Signals that are ignored stay ignored; outside the main
    thread, where there are none, this does nothing.
    """

    def __init__(self) -> None:
        self.pending: int | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in HELD:
                handler = signal.getsignal(number)
                if handler not in (signal.SIG_IGN, None):
                    self._former[number] = handler
                    signal.signal(number, self._hold)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        if kind is None:
            self.deliver()

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self.pending is not None:
            self._answer(number)
        self.pending = number

    def deliver(self) -> None:
        """Answer the signal that waits, if one does, as it would have been answered without this."""
        number, self.pending = self.pending, None
        if number is not None:
            self._answer(number)

    def _answer(self, number: int) -> None:
        handler = self._former[number]
        if callable(handler):
            handler(number, None)
        else:  # the system's own answer would end the process before anything is saved
            raise SystemExit(128 + number)
