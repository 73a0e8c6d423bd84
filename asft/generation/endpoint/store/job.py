"""A job that writes to a store: its name in the folder, and how others see that it is alive.

A job is one opening of a store by one process. It touches a file `{name}.alive` as long as it runs.
On its own machine the process table says whether it runs; from others its heartbeat does: times of
two files that the same file server has set are compared, so no machine's clock matters.
"""

import hashlib
import os
import secrets
import socket
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

BEAT_S = 10.0
# A network file system may show a time that is a minute old.
STALE_S = 120.0
# Only after so long without a heartbeat may others tidy up behind a job on another machine.
ENDED_S = 86_400.0


@cache
def _process_table() -> str:
    """A name of the table that process numbers are of: this boot, and container; "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        container = str(Path("/proc/self/ns/pid").readlink())
        return hashlib.sha256((boot + container).encode()).hexdigest()[:12]
    except OSError:  # not Linux: heartbeats alone
        return ""


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; "" if it is unknown or has ended."""
    try:
        # The name, in brackets, may hold anything.
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def _runs(pid: int, started: str) -> bool:
    """Tell whether a process of this machine still runs; its number may be another's by now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's, whose times may be hidden
        return _started(pid) in (started, "")
    return _started(pid) == started


class Job:
    """This job in the folder of a store; it begins when it first writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pid = os.getpid()
        self.name = f"{_process_table()}-{pid}-{_started(pid)}-{secrets.token_hex(4)}"
        self.begun = False
        self._heart = folder / f"{self.name}.alive"
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="store heartbeat", daemon=True)

    def begin(self) -> None:
        """Show that this job is alive, from now on."""
        with self._lock:
            if not self.begun:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._heart.write_text(f"{socket.gethostname()}, process {os.getpid()}\n")
                self._thread.start()
                self.begun = True
                self._bury()

    def end(self) -> None:
        """Show that it has ended; to be called when nothing of it is open."""
        if self.begun:
            self._over.set()
            self._thread.join()
            self._heart.unlink(missing_ok=True)

    def age(self, path: Path) -> float:
        """Return how many seconds before this job's last heartbeat a file was touched.

        Raises:
            FileNotFoundError: there is no such file.
        """
        if not self._heart.exists():  # somebody has tidied up
            self._heart.touch()
        return self._heart.stat().st_mtime - path.stat().st_mtime

    def is_alive(self, other: str, patience: float = STALE_S) -> bool:
        """Tell whether another job still runs.

        Args:
            patience: seconds without a heartbeat after which one on another machine does not.
        """
        try:
            table, pid, started, _ = other.split("-")
            age = self.age(self.folder / f"{other}.alive")
        except (FileNotFoundError, ValueError):  # it has ended, or is no job
            return False
        if not table or table != _process_table():
            return age < patience
        return _runs(int(pid), started)

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            with suppress(OSError):
                self._heart.touch()

    def _bury(self) -> None:
        """Say of jobs that were killed that they have ended."""
        for heart in self.folder.glob("*.alive"):
            if not self.is_alive(heart.stem, ENDED_S):
                heart.unlink(missing_ok=True)
