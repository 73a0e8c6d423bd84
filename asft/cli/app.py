"""`asft`: each step of the DAG as a command, as the rules print it."""

import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Annotated, ClassVar, NoReturn

import typer
from pydantic import ValidationError

from asft.cli.commands import add_commands
from asft.cli.failures import one_line
from asft.errors import UserError
from asft.machine import keep_freed_memory
from asft.processes import remember_command, watch_parent
from asft.progress import FILE

# Before any library reads them: nothing is sent anywhere, and forked workers do not deadlock.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads that wait spin for some microseconds, then sleep (GNU's library; others sleep at once).
# Without, decoding, hundreds of small products a token, takes half as long again, and a training
# step of short pairs a fifth. Spinning for longer made decoding and training up to five times
# slower beside one other busy process.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# Torch keeps a compiled kernel of half a megabyte for each shape of a product, and every row of a
# run has its own: 1,024 unless told otherwise. A row needs some twenty, and six a length of pair.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")


def app(arguments: list[str]) -> None:
    """Run a command of `asft`; end in SystemExit, or in what the command raised."""
    found = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
    )
    found.callback()(_options)
    add_commands(found, _words(arguments))
    found(arguments)


def _options(
    log: Annotated[Path | None, typer.Option(help="write all output to this file")] = None,
    debug: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """ASFT experiments, step by step."""
    # Values are read in main(), which must know them when a step fails; declared here for --help.


def _words(arguments: list[str]) -> list[str]:
    """What follows the options before the command."""
    words = list(arguments)
    while words and words[0].startswith("-"):
        del words[: 2 if words[0] == "--log" else 1]
    return words


class Stopped(SystemExit):
    """A signal as a SystemExit, so that event loops let it pass and temporary files are removed."""

    # What a library's import makes of it may not lead back to it.
    received: ClassVar["Stopped | None"] = None

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


def main() -> NoReturn:
    """Run a command; any failure is one line on stderr and an exit status other than 0."""
    # A DAG is many short processes. Looking for garbage among the objects that imports make, and
    # taking the libraries down again at the end, was a third of the start and stop of each.
    gc.set_threshold(100_000)
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:  # as of a shell's background jobs
            signal.signal(number, _stop)
    watch_parent()
    code: object = 0
    try:
        run(sys.argv[1:])
    except SystemExit as done:
        code = done.code
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the log's disk may be full
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _stop(number: int, frame: object) -> NoReturn:
    Stopped.received = Stopped(number)
    raise Stopped.received


def run(arguments: list[str]) -> NoReturn:
    """Run a command in this process; end in SystemExit.

    `main` adds what a whole process needs.
    """
    log = arguments[arguments.index("--log") + 1] if "--log" in arguments[:-1] else None
    readers = [os.dup(2)]  # file descriptors that an error's line is written to
    Stopped.received = None  # of a command before this one in the same process
    try:
        if log:
            _redirect(log)
            readers.append(2)
        keep_freed_memory()
        remember_command(arguments)
        app(arguments)
        raise SystemExit(0)
    except BaseException as error:
        if stopped := _stopped(error):
            _tell(f"stopped by {stopped.name}; rerun to go on", readers)
            raise stopped from None
        if isinstance(error, SystemExit):
            raise
        # What a UserError says is enough; of anything else the log keeps the traceback.
        foreseen = isinstance(error, UserError | ValidationError)
        if "--debug" in arguments or (2 in readers and not foreseen):
            with suppress(OSError):
                traceback.print_exc()
        _tell(one_line(error, arguments), readers)
        raise SystemExit(1) from None


def _stopped(error: BaseException | None) -> Stopped | None:
    """The signal behind an error: Python 3.11's and libraries' imports make others of it."""
    while error is not None and not isinstance(error, Stopped):
        error = error.__cause__ or error.__context__
    return error or Stopped.received


def _redirect(log: str) -> None:
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ[FILE] = f"{log}.progress"


def _tell(message: str, readers: list[int]) -> None:
    for reader in readers:
        with suppress(OSError):
            os.write(reader, f"error: {message}\n".encode(errors="backslashreplace"))
