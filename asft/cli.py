"""`asft`: each step of the DAG as a command, as the rules print it."""

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from asft import commands, figure_commands, judge_commands, table_commands
from asft.allocator import keep_freed_memory
from asft.errors import UserError

# Before any library reads them: nothing is sent anywhere, and forked workers do not deadlock.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that wait must sleep, not spin: spinning gains nothing on a quiet machine, and beside one
# other busy process it made training up to five times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)


@app.callback()
def options(
    log: Annotated[Path | None, typer.Option(help="write all output to this file")] = None,
    debug: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """ASFT experiments, step by step."""
    # Values are read in main(), which must know them when a step fails; declared here for --help.


app.add_typer(commands.app)
app.add_typer(judge_commands.app)
app.add_typer(table_commands.app)
app.add_typer(figure_commands.app)


def main() -> NoReturn:
    """Run a command; an error the user can mend is one line on stderr and exit status 1."""
    # A DAG is many short processes. Looking for garbage among the objects that imports make, and
    # taking the libraries down again at the end, was a third of the start and stop of each.
    gc.set_threshold(100_000)
    try:
        _run(sys.argv[1:])
    except SystemExit as done:
        code = done.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _run(arguments: list[str]) -> None:
    log = arguments[arguments.index("--log") + 1] if "--log" in arguments[:-1] else None
    terminal = os.dup(2)
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(file, 1)
        os.dup2(file, 2)
    keep_freed_memory()
    try:
        app()
    except (UserError, ValidationError) as error:
        if "--debug" in arguments:
            traceback.print_exc()
        message = f"error: {_one_line(error)}\n"
        os.write(terminal, message.encode())
        if log:
            os.write(2, message.encode())
        raise SystemExit(1) from None


def _one_line(error: UserError | ValidationError) -> str:
    if isinstance(error, UserError):
        return str(error)
    fault = error.errors()[0]  # of a command's JSON: files are validated where they are read
    return f"--settings, key {'.'.join(map(str, fault['loc']))!r}: {fault['msg']}"
