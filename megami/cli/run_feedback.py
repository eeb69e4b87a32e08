"""What a run says while it works: progress, what is odd about a song, and that there was not enough memory."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from megami.cli.mix_page import readable
from megami.errors import SongWarning, UserError
from megami.progress import Progress

PARTS = {"listening": "track", "deciding": "step"}  # what the parts of a stage are
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed", "unable to find a valid cudnn algorithm")


@contextmanager
def named_oddities(say: Callable[[str], None] | None = None) -> Iterator[list[str]]:
    """Say what is odd about a song, one line each, on stderr if not told where, and give the lines."""
    say = say or say_beside_bar
    lines: list[str] = []

    def name(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if issubclass(category, SongWarning):
            line = readable(str(message))
            if line not in lines:
                lines.append(line)
                say(line)
        else:
            usual(message, category, *rest, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", SongWarning)
        usual, warnings.showwarning = warnings.showwarning, name
        yield lines


def say_beside_bar(words: str) -> None:
    """Print a line on stderr without disturbing the progress bar."""
    tqdm.write(f"megami: {words}", file=sys.stderr)


@contextmanager
def progress_bar(num_mixes: int, command: str = "megami mix", further: int = 0) -> Iterator[Progress]:
    """Show a bar on stderr if that is a terminal: reading, listening, deciding, every mix, `further`, finishing."""
    looks = "{desc}: {bar:20} {n_fmt}/{total_fmt} {elapsed}{postfix}"
    with tqdm(total=4 + num_mixes + further, desc=command, bar_format=looks, leave=False, disable=None) as bar:
        stage_now = "reading"
        bar.set_postfix_str(stage_now)

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal stage_now
            if stage != stage_now:
                bar.update()
                stage_now = stage
            part = PARTS.get(stage, "part")
            bar.set_postfix_str(f"{stage}, {part} {done + 1} of {total}" if total > 1 else stage)

        yield progress
        bar.update()
        bar.set_postfix_str("done")


@contextmanager
def memory_in_words() -> Iterator[None]:
    """Turn running out of memory into one line for the user."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise
        raise UserError("not enough memory: mix a shorter song or fewer tracks, or use --device cpu") from None
