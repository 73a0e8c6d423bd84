"""The health of every trained run, for the pages: what its history and its answers show, in words.

Each run is checked against itself before training, so the block grows with runs, never with pairs
of them. The checks, their thresholds and the reasons: asft/metrics/health.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from asft.config import BASE, UNTRAINED, Config, Run, all_trained, figure_names, start_run
from asft.figures import read_history
from asft.files import read_json
from asft.metrics import (
    HEALTH_RULES,
    Finding,
    answer_findings,
    notable,
    run_findings,
    told,
)
from asft.report.answers import Benchmark
from asft.report.cells import HtmlCell, HtmlTable, heads, number_heads, samples_link

FEW = 5  # lines that the front page shows unfolded

Findings = Mapping[str, Sequence[Finding]]  # by the run's folder


class RunHealth(NamedTuple):
    """The checks of one run; `summary` is their outcome in one line."""

    run: Run
    summary: str
    findings: list[Finding]  # those out of range first, worst first


class Line(NamedTuple):
    """One finding of a method; of several seeds the worst, and how many have it."""

    run: Run
    finding: Finding
    seeds: str


class FrontHealth(NamedTuple):
    """The block of the front page: `shown` are its first lines, `folded` the others."""

    shown: list[Line]
    folded: list[Line]
    calm: list[str]  # methods without a fault or a warning
    checked: int  # runs


def of_answers(results: Path, config: Config, benchmark: Benchmark) -> dict[str, list[Finding]]:
    """Return what the answers to a benchmark show of every trained run that gave some.

    Nothing of a run whose start answered no such questions: there is nothing to compare with.
    """
    name, contestants = benchmark.asked.benchmark, benchmark.asked.contestants
    answers = dict(zip([c.folder for c in contestants], benchmark.completions, strict=True))
    starts = {c.folder: _start(config, Run(*c[:3])) for c in contestants if c.is_trained}
    before = {start: told(answers[start]) for start in starts.values() if start in answers}
    found = {}
    for run in (Run(*c[:3]) for c in contestants if c.is_trained):
        if (start := starts[run.folder]) in before:
            card = read_json(results / "data" / run.dataset / "card.json")
            after, chosen = told(answers[run.folder]), card["lengths"]["chosen"]["50"]
            link = samples_link(name, m=run.folder, v=start)
            found[run.folder] = [
                replace(finding, link=link)
                for finding in answer_findings(after, before[start], name, chosen)
            ]
    return found


def run_health(results: Path, config: Config, answers: Sequence[Findings]) -> list[RunHealth]:
    """Return the health of every trained run: its history's, then that of its answers.

    Raises:
        UserError: a history is not that of a run.
    """
    found = []
    for run in all_trained(config):
        checked = _of_history(results, config, run)
        checked += [finding for of_runs in answers for finding in of_runs.get(run.folder, ())]
        odd = notable(checked)
        rest = [finding for finding in checked if finding.level == "in range"]
        found.append(RunHealth(run, _summary(odd, len(checked)), [*odd, *rest]))
    return found


def front(healths: Sequence[RunHealth]) -> FrontHealth:
    """Return the block of the front page, worst first, a line for all seeds of a method."""
    groups: dict[tuple[str, str, str], list[tuple[Run, Finding]]] = {}
    for health in healths:
        for finding in notable(health.findings):
            key = (health.run.group, finding.name, finding.benchmark)
            groups.setdefault(key, []).append((health.run, finding))
    seeds = Counter(health.run.group for health in healths)
    lines = []
    for (group, *_), members in groups.items():
        run, worst = min(members, key=lambda member: member[1].severity)
        said = f"{len(members)} of {seeds[group]} seeds" if seeds[group] > 1 else ""
        lines.append(Line(run, worst, said))
    lines.sort(key=lambda line: line.finding.severity)
    shown = [line for line in lines if line.finding.level != "note"][:FEW]
    folded = [line for line in lines if line not in shown]
    odd = {line.run.group for line in lines if line.finding.level != "note"}
    calm = [health.run for health in healths if health.run.group not in odd]
    names = list(dict.fromkeys(f"{run.method} on {run.dataset}" for run in calm))
    return FrontHealth(shown, folded, names, len(healths))


def tables(healths: Sequence[RunHealth]) -> list[tuple[RunHealth, HtmlTable]]:
    """Return a table of all checks for each run, numbers beside what they are held against."""
    head = [*heads("", "Check", "Found"), *number_heads("Value", "Threshold")]
    return [
        (health, HtmlTable(f"Health of {health.run.folder}", "", head, _rows(health.findings)))
        for health in healths
    ]


def rules() -> HtmlTable:
    """Return the table of what is checked, from where on it is named, and the source of that."""
    lines = [list(map(HtmlCell, rule)) for rule in HEALTH_RULES.values()]
    return HtmlTable("What is checked", "", heads("Check", "Out of range", "Source"), lines)


def _rows(findings: Sequence[Finding]) -> list[list[HtmlCell]]:
    return [
        [
            HtmlCell(found.level),
            HtmlCell(HEALTH_RULES[found.name].title, found.benchmark),
            HtmlCell(f"{found.words}."),
            HtmlCell(f"{found.value:.3g}", link=found.link, number=True),
            HtmlCell(f"{found.threshold:.3g}", number=True),
        ]
        for found in findings
    ]


def _of_history(results: Path, config: Config, run: Run) -> list[Finding]:
    folder = f"runs/{run.folder}"
    picture = f"figure_training_{run.dataset}"
    drawn = picture in figure_names(config)
    link = f"index.html#{picture}" if drawn else f"files/{folder}/history.csv"
    history = read_history(results / folder / "history.csv")
    found = run_findings(results / folder / "settings.yaml", history)
    return [replace(finding, link=link) for finding in found]


def _start(config: Config, run: Run) -> str:
    """The folder of the policy that a run started from."""
    return (start_run(config, run) or Run(UNTRAINED, BASE, run.seed)).folder


def _summary(odd: Sequence[Finding], checked: int) -> str:
    if not odd:
        return f"all {checked} checks in range"
    counts = Counter(finding.level for finding in odd)
    parts = [f"{n} {level}{'s' if n > 1 else ''}" for level, n in counts.items()]
    return f"{', '.join(parts)}, {checked - len(odd)} of {checked} checks in range"
