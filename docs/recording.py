"""A recording of `make demo`: docs/gallery/demo.cast, and demo.svg, which moves without a script.

By hand, in a fresh clone with its environment (`make env`), so that everything is still to be done:

    python docs/recording.py              # runs the demo; ten minutes on 2 cores
    python docs/recording.py --log FILE   # of what a demo printed into a file
    python docs/recording.py --draw       # the picture alone, from the recording that is there

`asciinema play docs/gallery/demo.cast` plays it in a terminal. The recording holds what the run
printed and when, but for paths and names of the machine; of a file by the times that Snakemake
wrote into it, to the second, and without colours. `idle_time_limit` in its header is how long a
wait is shown; the picture counts the real time beside it.
"""

import argparse
import codecs
import json
import os
import pty
import re
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from recording_picture import COLUMNS, ROWS, SECONDS, Event, draw

ROOT = Path(__file__).parents[1]
CAST = ROOT / "docs" / "gallery" / "demo.cast"
COMMAND = "make demo"
HOLD = 15.0  # seconds of the picture's end, where the table stands
AS = "~/asft"  # what the checkout is called
STAMP = re.compile(r"\[(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4})\]")
CORES = re.compile(r"^Provided cores: (\d+)", re.MULTILINE)
MACHINE = re.compile(r"\s*(Host|User|Platform): ")  # lines of Snakemake's that say where it ran


def main() -> None:
    """Record the demo, unless only the picture is asked for; draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draw", action="store_true", help="only the picture")
    parser.add_argument("--log", type=Path, help="what `make demo` printed, in place of a run")
    parser.add_argument("--command", default=COMMAND, help="another command, to try the script")
    parser.add_argument("--cast", type=Path, default=CAST, help="another file")
    told = parser.parse_args()
    if told.log:
        _write(told.cast, COMMAND, *_of_log(told.log.read_text(encoding="utf-8")))
    elif not told.draw:
        began, busy = datetime.now(), os.getloadavg()[0] > 0.5
        _write(told.cast, told.command, began, _record(told.command), busy)
    header, events = _read(told.cast)
    told.cast.with_suffix(".svg").write_text(draw(header, events), encoding="utf-8")


def _record(command: str) -> list[Event]:
    """What a command prints in a terminal of its own."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    start = time.monotonic()
    running = subprocess.Popen(
        ["/bin/sh", "-c", command],
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    events = [Event(time.monotonic() - start, text) for text in _lines(ours)]
    if running.wait():
        sys.exit(f"{command}: ended with {running.returncode}:\n{''.join(e.text for e in events)}")
    return events


def _lines(terminal: int) -> Iterator[str]:
    """Whole lines as they come, without what names the machine."""
    decoder, rest = codecs.getincrementaldecoder("utf-8")("replace"), ""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the last process that held the other end is gone
            read = b""
        text = rest + decoder.decode(read)
        cut = text.rfind("\n") + 1 if read else len(text)
        rest, text = text[cut:], _without_machine(text[:cut])
        if text:
            yield text
        if not read:
            return


def _of_log(text: str) -> tuple[datetime, list[Event]]:
    """When a demo began, and what it printed into a file, by Snakemake's times in it."""
    folder = re.search(r"^ *Base directory: (.*)$", text, re.MULTILINE)
    start = re.search(r"^ *Date: (.*)$", text, re.MULTILINE)
    took = re.search(r"^Elapsed time: (\d+):(\d+):(\d+)", text, re.MULTILINE)
    if not (folder and start and took):
        sys.exit("no log of a demo that came to its end: it has no folder, no date or no time")
    began, at, events = datetime.fromisoformat(start[1]), 0.0, []
    for line in _without_machine(text, Path(folder[1])).splitlines():
        if stamp := STAMP.fullmatch(line):
            at = (datetime.strptime(stamp[1], "%a %b %d %H:%M:%S %Y") - began).total_seconds()
        elif line.startswith("Elapsed time: "):
            at = float(int(took[1]) * 3600 + int(took[2]) * 60 + int(took[3]))
        if events and events[-1].at == at:
            events[-1] = Event(at, f"{events[-1].text}{line}\r\n")
        else:
            events.append(Event(at, f"{line}\r\n"))
    return began, events


def _without_machine(text: str, folder: Path = ROOT) -> str:
    environment = (folder / ".venv").resolve()
    for path, name in ((environment, f"{AS}/.venv"), (folder, AS), (Path.home(), "~")):
        text = text.replace(f"{path}", name)
    return "".join(line for line in text.splitlines(keepends=True) if not MACHINE.match(line))


def _write(
    cast: Path, command: str, began: datetime, events: list[Event], busy: bool = False
) -> None:
    """The recording as asciicast v2: a header and a row an event."""
    wait = _longest_wait(events)
    minutes, seconds = divmod(round(events[-1].at), 60)
    given = next((found for e in events if (found := CORES.search(e.text))), None)
    cores = f"{given[1] if given else os.cpu_count()} cores"
    beside = " with other work beside it" if busy else ""
    header = {
        **{"version": 2, "width": COLUMNS, "height": ROWS, "timestamp": int(began.timestamp())},
        **{"idle_time_limit": round(wait, 2), "command": command},
        "title": f"{minutes} min {seconds} s on {cores}{beside}, in {SECONDS:.0f} s: "
        "waits are cut short",
        "env": {"SHELL": "/bin/sh", "TERM": "xterm-256color"},
    }
    rows = [header, *([round(event.at, 3), "o", event.text] for event in events)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    cast.write_text(lines, encoding="utf-8")


def _longest_wait(events: list[Event]) -> float:
    """The wait at which longer ones are cut, for the whole to last as long as it should."""
    gaps = [b.at - a.at for a, b in zip([Event(0.0, ""), *events], events, strict=False)]
    low, high = 0.0, max(gaps)
    for _ in range(50):
        middle = (low + high) / 2
        shorter = sum(min(gap, middle) for gap in gaps) < SECONDS - HOLD
        low, high = (middle, high) if shorter else (low, middle)
    return high


def _read(cast: Path) -> tuple[dict[str, Any], list[Event]]:
    header, *rows = map(json.loads, cast.read_text(encoding="utf-8").splitlines())
    return header, [Event(at, text) for at, kind, text in rows if kind == "o"]


if __name__ == "__main__":
    main()
