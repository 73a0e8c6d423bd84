"""What an experiment would take, said before anything is computed.

Reads  the config, what is there of <results>, and what Snakemake recorded of earlier jobs
By hand: asft plan results/table3.csv --configfile mine.yaml
"""

import os
import subprocess
from argparse import ArgumentParser
from contextlib import chdir
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from asft.cli.project import snakemake_command
from asft.config import Config, experiments, load, read_config
from asft.errors import UserError

Arguments = Annotated[
    list[str] | None, Argument(help="what snakemake takes: targets, --configfile")
]
Csv = Annotated[Path | None, Option(help="a file for the plan's numbers, as CSV")]
# What would end a dry run before its jobs are listed, or leave out what is read of them.
_QUIET = {"-q", "--quiet", "-n", "--dry-run", "--dryrun"}


def plan(arguments: Arguments = None, csv: Csv = None) -> None:
    """Print what a run with these arguments would take: jobs, hours, memory, disk, judges' tokens.

    Nothing is computed, fetched or asked.

    Raises:
        UserError: the config has a fault, or Snakemake cannot plan these targets.
    """
    given = [argument for argument in arguments or [] if argument not in _QUIET]
    known = _parser().parse_known_args(given)[0]
    if not (known.cores or known.jobs or known.profile):
        given = ["--cores", "all", *given]  # first: --configfile takes all that follows
    with chdir(known.directory or "."):
        configs = _configs(known)
    jobs, missing = _dry_runs(given)
    from asft.planning import plan_jobs, plan_text, write_plan

    with chdir(known.directory or "."):
        lines, judges = plan_jobs(jobs, missing, configs)
    cores = f"{known.cores or known.jobs}"
    print(plan_text(lines, judges, int(cores) if cores.isdigit() else os.cpu_count() or 1), end="")
    if csv:
        write_plan(lines, judges, csv)


def _parser() -> ArgumentParser:
    """What of Snakemake's arguments says which config is meant."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for names in (("-d", "--directory"), ("--profile",)):
        parser.add_argument(*names)
    for names in (("-c", "--cores"), ("-j", "--jobs")):
        parser.add_argument(*names, nargs="?", const="all")
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    parser.add_argument("-C", "--config", nargs="*", default=[])
    return parser


def _configs(known: Any) -> list[Config]:
    """The experiment's config, and before it that of each base model where there are several."""
    raw = read_config(known.configfile, known.config)
    return [*(load(own) for own in experiments(raw).values()), load(raw)]


def _dry_runs(given: list[str]) -> tuple[list[Any], list[Any]]:
    """All jobs of the DAG, and those that have still to run; both are asked at the same time."""
    from asft.planning import read_jobs

    base = ["--dry-run", "--printshellcmds", "--nocolor"]
    started = [
        subprocess.Popen(
            snakemake_command([*base, *more, *given]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for more in (["--forceall"], [])
    ]
    said = [process.communicate()[0] for process in started]
    for process, text in zip(started, said, strict=True):
        if process.returncode:
            raise UserError(f"snakemake cannot plan this:\n{_fault(text)}")
    everything, left = (read_jobs(text) for text in said)
    return everything, left


def _fault(text: str) -> str:
    """What Snakemake says last: the fault, without what it printed of the DAG before."""
    return "\n".join(text.strip().splitlines()[-8:])
