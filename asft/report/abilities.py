"""Abilities in the report: Table 4, its differences, and each task's samples as a benchmark's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asft.config import JUDGED, Asked, Config, Contestant, table4_contestants
from asft.errors import UserError
from asft.files import read_json_rows
from asft.metrics import AbilityKey
from asft.records import Completion, Question
from asft.report.answers import Benchmark, Measure
from asft.report.cells import (
    NONE,
    HtmlCell,
    HtmlTable,
    Row,
    fixed,
    heads,
    key_of,
    number_heads,
    read_rows,
    samples_link,
)
from asft.tables import ability_digits, explained, how_asked

FILES = ("table4.csv", "table4.differences.csv")


def table4(results: Path, config: Config) -> list[HtmlTable]:
    """Return Table 4, a table for each task: its numbers, a row for each data set and method."""
    tasks: dict[tuple[str, str], list[Row]] = {}
    for row in read_rows(results / "table4.csv"):
        tasks.setdefault((row["benchmark"], row["task"]), []).append(row)
    return [_task(task, rows, config) for (_, task), rows in tasks.items()]


def _task(task: str, rows: list[Row], config: Config) -> HtmlTable:
    measures = list(dict.fromkeys(AbilityKey.of(row).measure for row in rows))
    lines: dict[tuple[str, str], list[HtmlCell]] = {}
    for row in rows:
        names = [HtmlCell(row["dataset"]), HtmlCell(row["method"], method=row["method"])]
        line = lines.setdefault((row["dataset"], row["method"]), names)
        digits, low, high = digits_of(row), row["low"], row["high"]
        below = f"{fixed(low, digits)} to {fixed(high, digits)}" if low and high else ""
        evidence = link(row, m=key_of(config, row["dataset"], row["method"]))
        text = fixed(row["value"], digits) if row["value"] else NONE
        line.append(HtmlCell(text, below, link=evidence, number=True))
    head = heads("Data set", "Method") + number_heads(*measures)
    first = rows[0]
    template = first["chat_template"] == "True" if first["chat_template"] else None
    asked = how_asked(first["num_fewshot"], template, first["version"])
    unit = f", {first['unit']}" if first["unit"] else ""
    count = max(int(row["n"]) for row in rows)
    by = "" if template is None else "; by lm-evaluation-harness"
    remark = f"{task}{unit}: {count} questions, {asked}{by}."
    notes = explained(dict.fromkeys(AbilityKey.of(row) for row in rows))
    return HtmlTable("Table 4", remark, head, list(lines.values()), FILES, tuple(notes))


def digits_of(row: Row) -> int:
    """Return how many decimals a row's numbers are shown with."""
    return ability_digits(row["unit"])


def link(row: Row, **contestants: str) -> str:
    """Return the link to the samples behind a number of Table 4 or its differences."""
    name = _samples_name(row["benchmark"], row["task"])
    measure = "" if row["filter"].startswith(JUDGED) else AbilityKey.of(row).measure
    return samples_link(name, **contestants, s=measure)


def _samples_name(benchmark: str, task: str) -> str:
    """A task's name among benchmarks on the samples page."""
    return f"{benchmark}.{task}"


def samples(results: Path, config: Config) -> Iterator[Benchmark]:
    """Yield each task of Table 4 as a benchmark: prompts, answers, and values per question.

    Raises:
        UserError: two policies were not asked the same.
    """
    table = config.tables.table4
    contestants = table4_contestants(config)
    for benchmark in table.benchmarks if table else []:
        protocol = config.benchmarks[benchmark].protocol
        files = [
            read_json_rows(results / contestant.samples(benchmark, protocol))
            for contestant in contestants
        ]
        for task in dict.fromkeys(row["task"] for row in files[0]):
            rows = [[row for row in file if row["task"] == task] for file in files]
            yield _benchmark(_samples_name(benchmark, task), protocol, contestants, rows)


def _benchmark(
    name: str, protocol: str, contestants: list[Contestant], rows: list[list[Any]]
) -> Benchmark:
    """A task's samples, which are a line for each question and filter, by contestant."""
    first: dict[str, Any] = {}
    for row in rows[0]:
        first.setdefault(_id(row), row)
    for contestant, lines in zip(contestants, rows, strict=True):
        asked = {_id(row): row["doc_hash"] for row in lines}
        if asked != {key: row["doc_hash"] for key, row in first.items()}:
            raise UserError(f"runs/{contestant.folder}: {name}: other questions than the others'")
    shared = _shared([_prompt(row) for row in first.values()])
    measured = dict.fromkeys((row["filter"], m) for row in rows[0] for m in row["metrics"])
    ids = list(first)
    return Benchmark(
        asked=Asked(name, protocol, contestants, []),
        questions=[_question(key, row, shared) for key, row in first.items()],
        completions=[{_id(row): _completion(row) for row in lines} for lines in rows],
        verdicts=[{} for _ in contestants],
        judge_references={},
        baseline={},
        measures=[_measured(*each, rows, ids) for each in measured],
    )


def _id(row: Any) -> str:
    """A question's name: its place in its task and, in a group, which part of it that is."""
    return "/".join(filter(None, [row["part"], str(row["doc_id"])]))


def _prompt(row: Any) -> str:
    return str(row["arguments"][0][0])


def _shared(prompts: list[str]) -> int:
    """How many characters all prompts begin with, up to the last line that they share: examples."""
    first, last = min(prompts), max(prompts)  # all others lie between
    differs = (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first.rfind("\n", 0, next(differs, 0)) + 1


def _question(key: str, row: Any, shared: int) -> Question:
    prompt = _prompt(row)[shared:]
    return Question(
        question_id=key, category=row["part"], turns=[prompt], references=[_target(row)]
    )


def _target(row: Any) -> str:
    """What was to be said or, of a choice, which: lm-eval gives its place."""
    target, asked = str(row["target"]), row["arguments"]
    if isinstance(row["resps"][0][0], str) or not target.isdecimal() or int(target) >= len(asked):
        return target
    return str(asked[int(target)][1]).strip()


def _completion(row: Any) -> Completion:
    """What the policy said or, of a choice, how likely each was to it."""
    said = row["resps"][0][0]
    if isinstance(said, str):
        return _answer(row, said)
    lines = [
        f"{_fixed(found[0][0])} {asked[1].strip()}"
        for asked, found in zip(row["arguments"], row["resps"], strict=True)
    ]
    return _answer(row, "log-probability of each choice:\n" + "\n".join(lines))


def _fixed(value: float | None) -> str:
    return f"{NONE:>9}" if value is None else f"{float(value):9.3f}"


def _answer(row: Any, text: str) -> Completion:
    return Completion(question_id=_id(row), turns=[text], finish_reasons=[""], tokens=[None])


def _measured(chosen: str, metric: str, rows: list[list[Any]], ids: list[str]) -> Measure:
    columns = []
    for lines in rows:
        values = {_id(row): row.get(metric) for row in lines if row["filter"] == chosen}
        columns.append([_value(values.get(key)) for key in ids])
    name = AbilityKey("", metric, chosen).measure
    return Measure(name, name, "metric", columns, [])


def _value(found: Any) -> float | None:
    """A question's value, of lm-eval's lists the share of what is right."""
    if isinstance(found, list) and found and all(isinstance(x, bool | int | float) for x in found):
        return round(sum(found) / len(found), 4)
    return round(float(found), 4) if isinstance(found, bool | int | float) else None
