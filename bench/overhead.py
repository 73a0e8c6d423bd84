"""Share of a run's wall time in which no job trained, generated, judged or scored.

Reads Snakemake's log of a run, to the second. By hand, after `make demo`:
python bench/overhead.py .snakemake/log/….snakemake.log
"""

import re
import sys
from datetime import datetime
from pathlib import Path

WORK = {"reference", "train", "generate", "judge", "score", "score_verdicts", "measure_cost"}
STARTED = re.compile(r"^(?:local)?rule (\w+):$")
STAMP = re.compile(r"^\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]$")


def overhead(log: str) -> tuple[float, float, dict[str, float]]:
    """Wall seconds, those without work, and the sum of each rule's jobs."""
    now = began = datetime.fromisoformat(re.search(r"Date: (\S+ \S+)", log)[1])  # type: ignore[index]
    running: dict[str, tuple[str, datetime]] = {}
    rule, idle, sums = "", 0.0, dict[str, float]()
    for line in map(str.strip, log.splitlines()):
        if stamp := STAMP.match(line):
            then, now = now, datetime.strptime(stamp[1], "%a %b %d %H:%M:%S %Y")
            if not any(name in WORK for name, _ in running.values()):
                idle += (now - then).total_seconds()
        elif started := STARTED.match(line):
            rule = started[1]
        elif line.startswith("jobid: "):
            running[line.removeprefix("jobid: ")] = (rule, now)
        elif finished := re.match(r"Finished jobid: (\d+)", line):
            name, since = running.pop(finished[1])
            sums[name] = sums.get(name, 0.0) + (now - since).total_seconds()
    return (now - began).total_seconds(), idle, sums


def main() -> None:
    """Print them."""
    seconds, idle, sums = overhead(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name, spent in sorted(sums.items(), key=lambda item: -item[1]):
        print(f"{spent:7.0f} s  {name}")
    print(f"{seconds:7.0f} s wall, {idle:.0f} s without work: {idle / seconds:.1%}")


if __name__ == "__main__":
    main()
