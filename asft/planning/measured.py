"""What jobs took that ran here before, as Snakemake and training have recorded it."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from asft.planning.dry_run import Job, command_parts
from asft.planning.job_costs import Cost

# Folders of an experiment's results whose jobs take time: docs/architecture.md, paths.
PARTS = frozenset({"benchmarks", "cost", "data", "judges", "models", "runs", "search"})


class Record(NamedTuple):
    """A job that ended well: its wall time in seconds, and its peak memory in bytes if measured."""

    job: Job
    seconds: float
    memory: float | None


class Measured(NamedTuple):
    """What jobs of one step took, beside what is estimated of them."""

    jobs: int
    times: float | None  # by how much they took longer than estimated; None: nothing to compare
    seconds: float  # of a job, their mean
    memory: float | None  # by how much they took more memory than estimated


def read_records(folder: Path, results: Iterable[str]) -> list[Record]:
    """Read the jobs that Snakemake has recorded.

    Args:
        folder: `.snakemake/metadata` of the working folder
        results: folders of results; what other experiments took is left out
    """
    tops = [Path(each) for each in results]
    found: dict[str, Record] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        record = _record(path)
        if record and any(_is_of(top, Path(record.job.output)) for top in tops):
            found[record.job.output] = record
    return list(found.values())


def _is_of(top: Path, output: Path) -> bool:
    """Whether an output is of these results, not of an experiment whose folder lies in them."""
    if not output.is_relative_to(top):
        return False
    parts = output.relative_to(top).parts
    return len(parts) < 2 or parts[0] in PARTS


def _record(path: Path) -> Record | None:
    """A job as Snakemake records it for each of its outputs; None for what is another thing."""
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        start, end = float(said["starttime"]), float(said["endtime"])
        step, flags = command_parts(said["shellcmd"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    out = flags.get("out", "")
    if not step or not out or not end > start:
        return None
    job = Job(f"{said.get('rule', step)}", out, step=step, flags=flags)
    return Record(job, end - start, _peak(Path(out) / "cost.json") if step == "train" else None)


def _peak(cost: Path) -> float | None:
    try:
        return float(json.loads(cost.read_bytes())["peak_memory_bytes"])
    except (OSError, ValueError, KeyError):
        return None


def read_measured(
    records: Iterable[Record], cores: dict[str, int], estimate: Callable[[Job], Cost]
) -> dict[str, Measured]:
    """Compare what jobs took with what is estimated of them, step by step.

    Args:
        cores: of a job of each step, since records hold none
        estimate: what a job takes by arithmetic alone
    """
    by_step: dict[str, list[tuple[Record, Cost]]] = {}
    for record in records:
        job = record.job._replace(threads=cores.get(record.job.step, 1))
        by_step.setdefault(job.step, []).append((record, estimate(job)))
    return {step: _compared(pairs) for step, pairs in by_step.items()}


def _compared(pairs: list[tuple[Record, Cost]]) -> Measured:
    timed = [(record.seconds, cost.seconds) for record, cost in pairs if cost.seconds]
    weighed = [(r.memory, c.memory) for r, c in pairs if r.memory and c.memory]
    return Measured(
        jobs=len(pairs),
        times=_ratio(timed),
        seconds=fmean(record.seconds for record, _ in pairs),
        memory=_ratio(weighed),
    )


def _ratio(pairs: list[tuple[float, float]]) -> float | None:
    return sum(a for a, _ in pairs) / sum(b for _, b in pairs) if pairs else None
