"""The columns of Table 4, one for each number of a task: what lm-eval named, not a fixed list."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from asft.config import JUDGED, PARTLY
from asft.metrics import AbilityKey, AbilityScores, Metric, per_cent, ratio
from asft.tables.columns import Names
from asft.tables.table3_columns import MetricColumn
from asft.tables.text import Row

PER_CENT = "per cent"
NAMES = Names("value", "low", "high", "seed_sd")  # a number has a line of the CSV
Place = tuple[str, AbilityKey, str]  # benchmark, number, how it was asked


class Own(NamedTuple):
    """What is said of a benchmark's results, and whether prompts were put into a chat template.

    None where log-probabilities of completions are compared.
    """

    results: dict[str, Any]
    chat_template: bool | None


@dataclass(frozen=True, kw_only=True)
class Ability(MetricColumn):
    """A number of a task, and how it was asked for."""

    benchmark: str
    number: AbilityKey
    version: str
    num_fewshot: str
    chat_template: bool | None

    @property
    def names(self) -> Names:
        return NAMES

    @property
    def judged(self) -> bool:
        """Whether a judge's verdicts are what it counts."""
        return self.number.filter.startswith(JUDGED)

    @property
    def scale(self) -> int:
        """What lm-eval's number is multiplied by."""
        return 100 if self.span else 1

    @property
    def cells_of_name(self) -> dict[str, str]:
        """The cells that say which number a line is of."""
        return {"benchmark": self.benchmark, **self.number._asdict(), "unit": self.unit}

    @property
    def asked(self) -> str:
        """How it was asked for, in words."""
        return how_asked(self.num_fewshot, self.chat_template, self.version)

    @property
    def place(self) -> Place:
        """What lines of the CSV have in common that are of it."""
        return self.benchmark, self.number, self.asked


def place_of(row: Row) -> Place:
    """Return the `place` of the column that a line of the CSV is of."""
    asked = how_asked(row["num_fewshot"], row["chat_template"], row["version"])
    return row["benchmark"], AbilityKey.of(row), asked


def how_asked(num_fewshot: str, chat_template: bool | None, version: str) -> str:
    """Say in words how a task was asked for."""
    if chat_template is None:
        return "completions ranked by log-probability"
    template = "chat template" if chat_template else "no chat template"
    return f"{num_fewshot}-shot, {template}, version {version}"


def ability_digits(unit: str) -> int:
    """Return how many decimals a number in this unit is shown with."""
    return 1 if unit == PER_CENT else 4


def abilities_of(files: dict[str, AbilityScores], own: dict[str, Own]) -> dict[str, Ability]:
    """Make the columns of benchmarks, by their keys; of each benchmark one file of its scores."""
    found = {}
    for benchmark, file in files.items():
        for number in file.sums:
            key = "/".join([benchmark, *number])
            found[key] = _ability(key, benchmark, number, file, own[benchmark])
    return found


def _ability(
    key: str, benchmark: str, number: AbilityKey, file: AbilityScores, own: Own
) -> Ability:
    sums, counts = file.sums[number].T
    outside = (sums < 0) | (sums > counts)  # of what was not measured: NaN, neither
    ends = _of_task(own.results, "spans", number.task)  # of what is a share by and large
    share = bool(ends) or not outside.any()
    span = tuple(ends) if ends else (0, 100) if share else None
    said = ("higher_is_better", "versions", "n-shot")
    higher, version, shots = (_of_task(own.results, part, number.task) for part in said)
    better = (higher or {}).get(number.metric, True)
    asked: dict[str, Any] = {"version": _said(version), "num_fewshot": _said(shots)}
    asked |= {"chat_template": own.chat_template}
    found = _shown(key, benchmark, number, PER_CENT if share else "", asked)
    way: Literal["higher", "lower", ""]
    way = "" if number.metric in PARTLY else "higher" if better else "lower"
    return replace(found, better=way, span=span)


def shown_in(rows: Iterable[Row]) -> dict[str, Ability]:
    """Return the columns that lines of Table 4's CSV are of, to show them; by keys of their own.

    Lines of several base models may be of the same number, asked in different ways.
    """
    asked = ("version", "num_fewshot", "chat_template")
    first: dict[Place, Row] = {}
    for row in rows:
        first.setdefault(place_of(row), row)
    return {
        (key := "/".join([place[0], *place[1], place[2]])): _shown(
            key, place[0], place[1], row["unit"], {name: row[name] for name in asked}
        )
        for place, row in first.items()
    }


def _shown(
    key: str, benchmark: str, number: AbilityKey, unit: str, asked: dict[str, Any]
) -> Ability:
    """A column as far as its name and unit say."""
    return Ability(
        key=key,
        label=number.words,
        tex=number.words,
        digits=ability_digits(unit),
        kind="estimate",
        page=number.words,
        unit=unit,
        metric=Metric(("sum", "count"), per_cent if unit == PER_CENT else ratio),
        benchmark=benchmark,
        number=number,
        **asked,
    )


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def _of_task(results: dict[str, Any], part: str, task: str) -> Any:
    """What lm-eval says of a task, or of the first of a group that it says nothing of."""
    known = results.get(part, {})
    leaves = [task, *results.get("group_subtasks", {}).get(task, [])]
    return next((known[name] for name in leaves if name in known), None)
