"""Several processes that share one job: started here, on one machine, one GPU each.

Within a process accelerate finds the others by the variables that torch's and accelerate's own
launchers set as well, so `accelerate launch -m asft train …` or `torchrun` on several machines
works too; then nothing is started here. Imports no torch.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import IO

from asft.errors import UserError
from asft.machine import visible_gpus

GRACE_S = 30  # for the others to end by themselves when one has failed
POLL_S = 0.1


def job_threads() -> int:
    """Return how many threads this job may use: what Snakemake gave it, or all of the machine."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def place() -> tuple[int, int]:
    """Return this process's number among those that a launcher started, and how many they are."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def is_worker() -> bool:
    """Return whether a launcher, ours or another, has started this process as one of several."""
    return place()[1] > 1


def split_of(shares: Sequence[Mapping[str, int]]) -> str:
    """Describe for the log how work was split: what each process has of each kind."""
    parts = (", ".join(f"{count:,} {what}" for what, count in share.items()) for share in shares)
    return "; ".join(f"process {number}: {part}" for number, part in enumerate(parts))


_command: list[str] = []  # what this process runs, without `--log FILE`


def remember_command(arguments: Sequence[str]) -> None:
    """Note the arguments of `asft` that this process runs, for workers to run the same."""
    _command[:] = arguments
    if "--log" in _command:
        at = _command.index("--log")
        del _command[at : at + 2]


def ran_in_workers(count: int, accelerate: str | None = None) -> bool:
    """Run this process's own command in `count` processes; whether there was need to.

    There is none for one process, nor in one that a launcher has started.

    Raises:
        UserError: as `launch`.
    """
    if count == 1 or is_worker():
        return False
    launch(count, _command, accelerate)
    return True


def launch(count: int, arguments: Sequence[object], accelerate: str | None = None) -> None:
    """Run `asft ARGUMENTS` in `count` processes, until all have ended.

    Args:
        accelerate: config of `accelerate launch`, which then starts them.

    Raises:
        UserError: one of them failed, for the reason it said; or there are GPUs, but too few.
    """
    gpus = visible_gpus()
    if 0 < len(gpus) < count:
        raise UserError(f"{count} processes, but only {len(gpus)} GPUs: lower `processes`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threads = max(1, job_threads() // count)
    shared: dict[str, str | int] = {
        **{"OMP_NUM_THREADS": threads, "ASFT_WATCH_PARENT": 1},
        **({} if gpus else {"ACCELERATE_USE_CPU": "true"}),
    }
    module = ["-m", "asft", *map(str, arguments)]
    if accelerate:
        launcher = ["-m", "accelerate.commands.launch", "--config_file", accelerate]
        launcher += ["--num_processes", str(count), "--main_process_port", str(port)]
        # What it starts inherits the variables, and its input, by which each notices our end.
        workers = [_Worker(0, [*launcher, *module], shared)]
    else:
        shared |= {"WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        workers = [
            _Worker(rank, module, shared | {"RANK": rank, "LOCAL_RANK": rank})
            for rank in range(count)
        ]
    with _passing_signals(workers):
        failed = _wait(workers)
    if failed:
        raise UserError(failed.reason())


class _Worker:
    """One process; its words are passed on if it is the first, its last error is kept."""

    def __init__(self, rank: int, command: list[str], variables: dict[str, str | int]) -> None:
        self.rank, self.error = rank, ""
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | {key: str(value) for key, value in variables.items()},
            stdin=subprocess.PIPE,  # closes with this process, however it ends: see `watch_parent`
            stdout=None if rank == 0 else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches them once, through this process
        )
        assert self.process.stderr
        self._reader = threading.Thread(target=self._read, args=[self.process.stderr], daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode(errors="replace")
            if text.startswith("error: "):
                self.error = text.removeprefix("error: ").strip()
            elif self.rank == 0:
                sys.stderr.write(text)
                sys.stderr.flush()

    def end(self) -> None:
        """End it at once, and what it has started, which may be in other process groups."""
        assert self.process.stdin
        self.process.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def reason(self) -> str:
        """Return why the process failed, in one line."""
        self._reader.join(timeout=5)
        code = self.process.returncode
        if self.error:
            return self.error
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return f"process {self.rank} {how}; rerun to go on"


def _wait(workers: list[_Worker]) -> _Worker | None:
    """The one that failed first, if any, once all have ended."""
    while all(worker.process.poll() in (None, 0) for worker in workers):
        if all(worker.process.returncode == 0 for worker in workers):
            return None
        time.sleep(POLL_S)
    time.sleep(1)  # the others have lost a partner: a killed one is the cause, they the effect
    failed = [worker for worker in workers if worker.process.poll()]
    cause = min(failed, key=lambda worker: worker.process.returncode)
    end = time.monotonic() + GRACE_S
    while time.monotonic() < end and any(w.process.poll() is None for w in workers):
        time.sleep(POLL_S)
    return cause


@contextmanager
def _passing_signals(workers: list[_Worker]) -> Iterator[None]:
    """SIGTERM and SIGINT go to the workers, which save before they end."""

    def forward(number: int, frame: FrameType | None) -> None:
        for worker in workers:
            with suppress(ProcessLookupError):
                worker.process.send_signal(number)

    before = {n: signal.signal(n, forward) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for worker in workers:
            worker.end()


def watch_parent() -> None:
    """End this process when the one that started it is gone, even by kill -9.

    Does nothing in a process that `launch` did not start.
    """
    if os.environ.get("ASFT_WATCH_PARENT"):
        threading.Thread(target=_end_with_stdin, daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)
