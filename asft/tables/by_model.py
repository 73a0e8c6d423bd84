"""Tables 2 to 4 of several base models, joined: the rows of each model's own table.

Reads   the tables and their differences of one experiment per model
Writes  table3.csv               their rows, the model in front
        table3.md, table3.tex    the same to read
        table3.differences.csv   methods are compared within a model
        and table2.*, table4.* alike

By hand: asft join table3 --help
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from asft.config import Statistics
from asft.errors import UserError
from asft.files import write_text
from asft.tables.columns import Names
from asft.tables.panels import Panel
from asft.tables.table2_by_model import latex2, markdown2
from asft.tables.table3_columns import estimate_columns
from asft.tables.table3_text import latex, markdown
from asft.tables.table4_columns import shown_in
from asft.tables.table4_text import latex as latex4
from asft.tables.table4_text import markdown as markdown4
from asft.tables.text import COUNTS, Row, explain_intervals

OWN = "What must be said of a model's rows stands in its own table."
TEXTS = (
    *("model", "dataset", "method", "method_a", "method_b"),
    *("benchmark", "judge", "metric", "task", "filter"),
)
MAY_BE_EMPTY = ("unit", "version", "num_fewshot")  # further texts, of Table 4
TYPES = dict.fromkeys([*TEXTS, *MAY_BE_EMPTY], "str") | dict.fromkeys(COUNTS, "Int64")


class ModelTable(NamedTuple):
    """The table of one base model's experiment."""

    model: str
    path: Path


def join_table3(settings: str, table: list[ModelTable], out: Path) -> None:
    """Join the Tables 3 of several base models.

    Args:
        settings: this step's part of the config, as JSON
        table: model=table3.csv
        out: table3.csv; .md, .tex and .differences.csv go beside it
    """
    chosen = json.loads(settings)
    rows, differences = _join(table, out)
    for row in rows:
        _complete(row, [column.names for column in estimate_columns().values()])
    asked = {row["benchmark"]: row["n"] for row in rows}
    questions = ", ".join(f"{name}, n = {n}" for name, n in asked.items())
    title = f"{len(table)} base models on {questions}. {_note(chosen['note'])}".rstrip()
    remark = _remark(rows, chosen["statistics"])
    write_text(out.with_suffix(".md"), markdown(rows, differences, title, remark))
    write_text(out.with_suffix(".tex"), latex(rows, title))


def join_table2(settings: str, table: list[ModelTable], out: Path) -> None:
    """Join the Tables 2 of several base models.

    Args:
        settings: this step's part of the config, as JSON
        table: model=table2.csv
        out: table2.csv; .md, .tex and .differences.csv go beside it
    """
    chosen = json.loads(settings)
    rows, differences = _join(table, out)
    panels = [Panel(*names) for names in chosen["panels"]]
    for row in rows:
        _complete(row, [panel.names for panel in panels])
    title = f"{len(table)} base models. {_note(chosen['note'])}".rstrip()
    remark = _remark(rows, chosen["statistics"])
    write_text(out.with_suffix(".md"), markdown2(panels, rows, differences, title, remark))
    write_text(out.with_suffix(".tex"), latex2(panels, rows, title))


def join_table4(settings: str, table: list[ModelTable], out: Path) -> None:
    """Join the Tables 4 of several base models.

    A task that models were asked in different ways, by chat template or examples, has a table for
    each way.

    Args:
        settings: this step's part of the config, as JSON
        table: model=table4.csv
        out: table4.csv; .md, .tex and .differences.csv go beside it
    """
    chosen = json.loads(settings)
    rows, differences = _join(table, out)
    for row in (*rows, *differences):
        row |= {name: row[name] or "" for name in MAY_BE_EMPTY if name in row}
    abilities = shown_in(rows)
    title = f"{len(table)} base models. {_note(chosen['note'])}".rstrip()
    remark = _remark(rows, chosen["statistics"])
    write_text(out.with_suffix(".md"), markdown4(rows, differences, abilities, title, remark))
    write_text(out.with_suffix(".tex"), latex4(rows, abilities, title))


def _join(tables: Sequence[ModelTable], out: Path) -> tuple[list[Row], list[Row]]:
    """Write the joined CSVs, whose numbers are the files' own texts; return their rows."""
    found: list[list[Row]] = []
    for suffix in (".csv", ".differences.csv"):
        files = [(model, path.with_suffix(suffix)) for model, path in tables]
        texts = [_read(model, path, dtype=str).fillna("") for model, path in files]
        joined = pd.concat(texts, ignore_index=True).fillna("")
        write_text(out.with_suffix(suffix), joined.to_csv(index=False, lineterminator="\n"))
        typed = [_read(model, path, dtype=TYPES) for model, path in files]
        found.append([row for part in typed for row in _rows(part)])
    return found[0], found[1]


def _read(model: str, path: Path, dtype: Any) -> pd.DataFrame:
    """A table with its model in front; "NA" is a name like any other."""
    try:
        rows: pd.DataFrame = pd.read_csv(path, dtype=dtype, keep_default_na=False, na_values=[""])
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    rows = rows.drop(columns="model", errors="ignore")
    rows.insert(0, "model", model)
    return rows


def _rows(part: pd.DataFrame) -> list[Row]:
    return part.astype(object).where(part.notna(), None).to_dict("records")  # type: ignore[return-value]


def _complete(row: Row, estimates: Sequence[Names]) -> None:
    """Add the empty cells that its own table left out, as another model's may not."""
    for names in estimates:
        row |= {name: row.get(name) for name in names}


def _note(note: str) -> str:
    return " ".join(note.split())


def _remark(rows: Sequence[Row], statistics: dict[str, object]) -> str:
    seeds = max(row["seeds"] for row in rows)
    return f"{explain_intervals(Statistics.model_validate(statistics), seeds)} {OWN}"
