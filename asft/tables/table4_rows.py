"""Table 4's rows: a line for each row and number, with lm-eval's own value beside ours."""

from collections.abc import Iterator
from typing import Any

from asft.metrics import Interval, Values
from asft.tables.columns import interval_cells
from asft.tables.table3_rows import Entry
from asft.tables.table4_columns import NAMES, Ability
from asft.tables.text import Row

Reported = dict[str, Any]  # lm-eval's results of one run on one benchmark


def rows_of(
    entries: list[Entry],
    columns: list[dict[str, Values]],
    intervals: list[dict[str, Interval]],
    own: list[dict[str, Reported]],
    abilities: dict[str, Ability],
    about: Row,
) -> Iterator[Row]:
    """Yield the lines of the CSV; `n` is the number of questions that a value is over.

    Args:
        columns: of each entry, its values over the questions that all have one of
        own: lm-eval's results of each entry, by benchmark
    """
    for entry, values, found, reported in zip(entries, columns, intervals, own, strict=True):
        for key, ability in abilities.items():
            row: Row = {"dataset": entry.dataset, "method": entry.method, "seeds": len(entry.seeds)}
            row |= ability.cells_of_name
            empty = dict.fromkeys(NAMES)
            row |= interval_cells(NAMES, found[key]) if key in found else empty
            row["n"] = values[key].shape[1] if key in values else 0
            row |= _reported(reported.get(ability.benchmark), ability)
            row |= {"version": ability.version, "num_fewshot": ability.num_fewshot}
            yield row | {"chat_template": ability.chat_template} | about


def _reported(results: Reported | None, ability: Ability) -> Row:
    """lm-eval's value and standard error, in the column's unit; empty where it has none."""
    names = ("lm_eval", "lm_eval_stderr")
    if results is None:
        return dict.fromkeys(names)
    task, metric, chosen = ability.number
    found = results["results"].get(task, {})
    cells = (found.get(f"{metric}{part},{chosen}") for part in ("", "_stderr"))
    scaled = (ability.scale * c if isinstance(c, int | float) else None for c in cells)
    return dict(zip(names, scaled, strict=True))
