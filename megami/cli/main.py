"""The command line: megami mix | export | train | evaluate | data | weights.

Exit codes: 0 done; 2 bad usage or bad input, said in one line on stderr; 130 interrupted, 143 terminated, 141 nobody
reads stdout any more (what was written stays). Results go to stdout, progress and complaints to stderr. Networks are
imported by the commands, so that help is quick.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

from megami import __version__
from megami.cli.data import data_app
from megami.cli.evaluate import evaluate
from megami.cli.export import export
from megami.cli.mix import mix
from megami.cli.options import PLAIN
from megami.cli.train import train
from megami.cli.weights import weights_app
from megami.errors import UserError

app = typer.Typer(help="Generative automatic music mixing.", add_completion=False, **PLAIN)
app.command()(mix)
app.command()(export)
app.command()(train)
app.command()(evaluate)
app.add_typer(data_app, name="data")
app.add_typer(weights_app, name="weights")

INTERRUPTED, TERMINATED, PIPE_CLOSED = 130, 143, 141


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """Generative automatic music mixing."""
    if show:
        typer.echo(f"megami {__version__}")
        raise typer.Exit()


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; a user's mistake is one line on stderr and code 2."""
    if args is None:
        args = sys.argv[1:]
        # Like Ctrl-C: unfinished files are removed on the way out.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
    try:
        code = run(args or ["--help"])
    except UserError as error:
        fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except OSError as error:  # a disk, a folder or a file that fails where nobody asked
        fail(f"{error.filename or 'input or output'}: {error.strerror or error}; check the disk and the permissions")
    except Exception as error:
        if not is_usage_error(error):
            raise
        fail(usage_message(error))
    if code == INTERRUPTED:
        typer.echo("megami: interrupted", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def run(args: list[str]) -> object:
    """Run a command and return its exit code: 141 where nobody reads its output any more."""
    try:
        code = typer.main.get_command(app).main(args, prog_name="megami", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a closed pipe can be answered
        return code
    except BrokenPipeError:
        pass
    except SystemExit as ended:  # the option parser's own answer to a closed pipe is an exit code of 1
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
    read_by_nobody(sys.__stdout__)
    return PIPE_CLOSED


def read_by_nobody(stream: Any) -> None:
    """Let what is still to be written vanish: else Python complains about the closed pipe as it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_usage_error(error: Exception) -> bool:
    """True for what the option parser raises; by shape, since typer brings its own click or uses the package."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def usage_message(error: Any) -> str:
    """What is wrong with the options, and where to read about them."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "megami"
    return f"{error.format_message().rstrip('.')} (see {command} --help)"


def fail(message: str) -> NoReturn:
    """Print one line on stderr and exit with code 2; of ranks that torchrun has started, the first one prints it."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"megami: {' '.join(message.split())}", err=True)
    sys.exit(2)
