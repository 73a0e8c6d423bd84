"""Jobs as a dry run of Snakemake lists them, with what each command is told."""

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

_HEAD = re.compile(r"(?:local)?(?:rule|checkpoint) (\S+):$")
_COMMAND = re.compile(r"\s*(?:Shell command: *)?(asft --log .*)$")


class Job(NamedTuple):
    """One job of the DAG: its rule, first output, cores, resources, and its command in parts."""

    rule: str
    output: str
    threads: int = 1
    resources: Mapping[str, int] = {}
    step: str = ""  # the command behind `asft`, such as train; "": the rule has none
    flags: Mapping[str, str] = {}  # by name without dashes; the last of those given several times

    @property
    def gpus(self) -> int:
        """The GPUs that the job takes."""
        return self.resources.get("gpu", 0)


def read_jobs(said: str) -> list[Job]:
    """Read the jobs from what `snakemake --dry-run --printshellcmds` prints."""
    jobs: list[Job] = []
    facts: dict[str, str] = {}
    for line in [*said.splitlines(), "rule end:"]:
        if head := _HEAD.fullmatch(line.strip()):
            if "rule" in facts:
                jobs.append(_job(facts))
            facts = {"rule": head[1]}
        elif command := _COMMAND.fullmatch(line):
            facts.setdefault("command", command[1])
        elif "rule" in facts and line.startswith("    "):
            name, _, value = line.strip().partition(": ")
            facts.setdefault(name, value)
    return [job for job in jobs if job.output]


def _job(facts: Mapping[str, str]) -> Job:
    step, flags = command_parts(facts.get("command", ""))
    named = (part.partition("=") for part in facts.get("resources", "").split(", "))
    return Job(
        rule=facts["rule"],
        output=facts.get("output", "").split(", ")[0],
        threads=int(facts.get("threads", "1")),
        resources={name: int(value) for name, _, value in named if value.isdigit()},
        step=step,
        flags=flags,
    )


def command_parts(command: str) -> tuple[str, dict[str, str]]:
    """Return the step and the flags of a command such as `asft --log FILE train --out DIR`.

    A flag without a value has the value "".
    """
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that is not closed: a line cut short
        return "", {}
    if words[:2] != ["asft", "--log"]:
        return "", {}
    at = next((i for i, word in enumerate(words) if i > 2 and word.startswith("--")), len(words))
    flags: dict[str, str] = {}
    name = ""
    for word in words[at:]:
        if word.startswith("--"):
            name = word.removeprefix("--")
            flags[name] = ""
        elif name:
            flags[name] = word
    return " ".join(words[3:at]), flags
