"""The lines of a plan: what jobs of each rule take in all, and how sure that is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from asft.planning.dry_run import Job
from asft.planning.job_costs import Cost, computes
from asft.planning.measured import Measured

Sure = Literal["measured here", "counted", "estimated from rows and parameters", "unknown", ""]


class Line(NamedTuple):
    """What the jobs of one rule take that have still to run; None is unknown."""

    rule: str
    computes: bool  # with a model
    missing: int
    there: int
    hours: float | None  # of cores, of jobs with a GPU of GPUs
    gpu: bool
    minutes: float | None  # of one job after another
    memory: float | None  # MB, of the largest job
    disk: float  # MB that stay
    sure: Sure  # how the time is known


def lines_of(
    jobs: Sequence[Job],
    missing: Iterable[Job],
    estimate: Callable[[Job], Cost],
    measured: Mapping[str, Measured],
) -> list[Line]:
    """Return a line for each rule, in the order of the DAG's jobs.

    Args:
        jobs: all jobs
        missing: those of them that have still to run
        estimate: what a job takes by arithmetic alone
        measured: of a step's jobs that ran here before
    """
    left = {(job.rule, job.output) for job in missing}
    by_rule: dict[str, list[Job]] = {}
    for job in jobs:
        by_rule.setdefault(job.rule, []).append(job)
    found = []
    for rule, own in by_rule.items():
        to_run = [job for job in own if (job.rule, job.output) in left]
        costs = [_corrected(estimate(job), measured.get(job.step)) for job in to_run]
        known = measured.get(own[0].step) if to_run else None
        found.append(_line(rule, len(own) - len(to_run), to_run, costs, known))
    return found


def _corrected(cost: Cost, known: Measured | None) -> Cost:
    """What is estimated, as much larger or smaller as the step's earlier jobs were."""
    if known is None:
        return cost
    seconds = known.seconds
    if cost.seconds is not None and known.times is not None:
        seconds = cost.seconds * known.times
    memory = cost.memory * (known.memory or 1.0) if cost.memory else cost.memory
    return cost._replace(seconds=seconds, memory=memory)


def _line(
    rule: str, there: int, jobs: list[Job], costs: list[Cost], known: Measured | None
) -> Line:
    seconds = [cost.seconds for cost in costs if cost.seconds is not None]
    whole = len(seconds) == len(costs)
    units = [job.gpus or job.threads for job in jobs]
    used = sum(s * n for s, n in zip(seconds, units, strict=True)) if whole else None
    memory = [cost.memory for cost in costs if cost.memory is not None]
    return Line(
        rule=rule,
        computes=computes(jobs[0].step) if jobs else False,
        missing=len(jobs),
        there=there,
        hours=None if used is None else used / 3600,
        gpu=any(job.gpus for job in jobs),
        minutes=sum(seconds) / 60 if whole else None,
        memory=max(memory) / 1e6 if memory else None,
        disk=sum(cost.disk for cost in costs) / 1e6,
        sure=_sure(whole, costs, known),
    )


def _sure(whole: bool, costs: list[Cost], known: Measured | None) -> Sure:
    if not costs:
        return ""
    if not whole:
        return "unknown"
    if known is not None:
        return "measured here"
    if all(cost.counted for cost in costs):
        return "counted"
    return "estimated from rows and parameters"
