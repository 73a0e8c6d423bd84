"""A plan of an experiment: its jobs, what they take, and what judges are asked."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from asft.config import Config
from asft.planning.dry_run import Job
from asft.planning.facts import Facts
from asft.planning.job_costs import Cost, cost_of
from asft.planning.judge_costs import JudgeLine, Judges
from asft.planning.lines import Line, lines_of
from asft.planning.measured import read_measured, read_records


def plan_jobs(
    jobs: Sequence[Job],
    missing: Sequence[Job],
    configs: Sequence[Config],
    records: Path = Path(".snakemake/metadata"),
) -> tuple[list[Line], list[JudgeLine]]:
    """Return what jobs take that have still to run, rule by rule, and what judges are asked.

    Args:
        jobs: all jobs of the DAG
        missing: those that have still to run
        configs: of the experiment, or of each base model's
        records: where Snakemake keeps what jobs took that ran here before

    Raises:
        UserError: a file of the experiment is unusable.
    """
    with TemporaryDirectory() as scratch:
        facts = Facts(jobs, configs, Path(scratch))
        asked, before = Judges(facts), Judges(facts)

        def estimate(job: Job, judges: Judges) -> Cost:
            return judges.cost_of(job) if job.step == "judge" else cost_of(job, facts)

        found = read_records(records, [config.results for config in configs])
        cores = {job.step: job.threads for job in jobs}
        measured = read_measured(found, cores, lambda job: estimate(job, before))
        lines = lines_of(jobs, missing, lambda job: estimate(job, asked), measured)
        return lines, list(asked.lines.values())
