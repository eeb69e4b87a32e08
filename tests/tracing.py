"""Which modules of the package take part in a call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import megami

PACKAGE = Path(megami.__file__).parent


def modules_that_run(function: Callable[[], object]) -> set[str]:
    """Modules of the package of which a function runs during a call, by their names."""
    ran: set[str] = set()

    def note(frame, event, _):
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(str(PACKAGE)):
            ran.add(".".join(("megami", *Path(file).relative_to(PACKAGE).with_suffix("").parts)))

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return ran
