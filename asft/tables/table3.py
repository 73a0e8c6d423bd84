"""Table 3: reference metrics by (dataset, method), with intervals and paired differences.

Reads   one score file per (dataset, method, seed), as asft.metrics.score writes them
Writes  table3.csv               one row per (dataset, method)
        table3.md, table3.tex    the same to read, beside the paper's values
        table3.differences.csv   every pair of methods of a dataset, and the untrained policy
                                 against each, over the same questions

Several seeds of a method: intervals hold questions and seeds; with one seed they hold questions
alone.

By hand: asft table3 --help
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asft.config import Statistics
from asft.errors import UserError
from asft.files import write_text
from asft.metrics import (
    Interval,
    Scores,
    check_comparable,
    in_all,
    read_scores,
)
from asft.tables.columns import CORRECTED
from asft.tables.dropped import dropped_cells, explain_dropped
from asft.tables.table3_columns import TABLE3, estimate_columns
from asft.tables.table3_rows import Entry, columns_of, differences_of, intervals_of, row_of
from asft.tables.table3_text import latex, markdown
from asft.tables.text import csv_text, explain_intervals, rounded

DIFFERENCES = ["dataset", "method_a", "method_b", "metric", "difference", "low", "high"]
DIFFERENCES += ["p_value", "verdict", "n", "seeds", *CORRECTED]


def tabulate_table3(
    scores: Sequence[tuple[str, str, int, Path]],
    benchmark: str,
    model: str,
    note: str,
    statistics: Statistics,
    out: Path,
) -> None:
    """Write Table 3 and its companions; `scores` lists (dataset, method, seed, score file).

    Rows keep the order of `scores`. Method `base`, the untrained policy, belongs to no dataset.

    Raises:
        UserError: a score file is unusable, files differ in their questions or BLEU signature,
            methods of a dataset differ in their seeds, or a cell would be empty.
    """
    if not scores:
        raise UserError(f"{out}: no score files given")
    files = [read_scores(path) for *_, path in scores]
    check_comparable(files)
    asked, files = len(files[0].question_ids), in_all(files)
    n = len(files[0].question_ids)
    if n < asked:
        note = f"{note} Without {asked - n} of {asked} questions, to which a method has no answer."
    entries = _entries(scores, files)
    signature, note = files[0].bleu_signature, " ".join(note.split())
    about = {"model": model, "benchmark": benchmark, "bleu_signature": signature, "note": note}
    about |= dropped_cells(files[0].dropped)
    columns = columns_of(entries)
    intervals = [intervals_of(each, statistics) for each in columns]
    pairs = zip(entries, intervals, strict=True)
    rows = rounded([row_of(*pair) | about for pair in pairs])
    for row in rows:
        _refuse_nan(row, out)
    differences = rounded(list(differences_of(entries, columns, statistics)))
    title = f"{model} on {benchmark}, n = {n}. {note}".rstrip()
    remark = _remark(entries, intervals, statistics, signature)
    remark = f"{remark} {explain_dropped(rows[0])}".rstrip()
    table = pd.DataFrame(rows)
    if all(len(entry.seeds) == 1 for entry in entries):
        table = table.drop(columns=[column.names.seed_sd for column in estimate_columns().values()])
    write_text(out, csv_text(table))
    write_text(
        out.with_name(f"{out.stem}.differences.csv"),
        csv_text(pd.DataFrame(differences, columns=DIFFERENCES)),
    )
    write_text(out.with_suffix(".md"), markdown(rows, differences, title, remark))
    write_text(out.with_suffix(".tex"), latex(rows, title))


def _entries(scores: Sequence[tuple[str, str, int, Path]], files: list[Scores]) -> list[Entry]:
    """Files of the same (dataset, method) pooled over their seeds, in order of first mention."""
    groups: dict[tuple[str, str], dict[int, Scores]] = {}
    for (dataset, method, seed, path), file in zip(scores, files, strict=True):
        group = groups.setdefault(("-" if method == "base" else dataset, method), {})
        if seed in group:
            raise UserError(f"{path}: {method} with seed {seed} is given twice")
        group[seed] = file
    return [pooled(*key, group) for key, group in groups.items()]


def pooled(dataset: str, method: str, group: dict[int, Scores]) -> Entry:
    """Return the scores of a method's seeds, over the same questions, as one row's."""
    files = list(group.values())
    values = {}
    for column in TABLE3:
        names = column.metric.columns
        parts = [np.stack([file.columns[name] for name in names], -1) for file in files]
        values[column.key] = np.stack(parts)
    return Entry(dataset, method, sorted(group), len(files[0].question_ids), values)


def _refuse_nan(row: dict[str, Any], out: Path) -> None:
    for column, value in row.items():
        if isinstance(value, float) and math.isnan(value):
            raise UserError(
                f"{out}: no value for {row['dataset']}/{row['method']}, column {column!r}, from"
                f" n = {row['n']} questions; an interval needs at least 2"
            )


def _remark(
    entries: list[Entry],
    intervals: list[dict[str, Interval]],
    statistics: Statistics,
    signature: str,
) -> str:
    remark = (
        f"{explain_intervals(statistics, max(len(entry.seeds) for entry in entries))} The paper's"
        f" values are of Meta-Llama-3-8B-Instruct on alpaca_en. sacreBLEU: `{signature}`."
    )
    constant = [
        f"{entry.dataset}/{entry.method} {name}"
        for entry, found in zip(entries, intervals, strict=True)
        for name, value in found.items()
        if value.method == "constant"
    ]
    if not constant:
        return remark
    cells = ", ".join(constant) if len(constant) <= 4 else f"{len(constant)} cells"
    return f"{remark} Equal scores of all questions, so that no error shows: {cells}."


class ReferenceScores(NamedTuple):
    """The score file of one run, and the run that it is of."""

    dataset: str
    method: str
    seed: int
    path: Path


def make_table3(settings: str, score: list[ReferenceScores], out: Path) -> None:
    """Write Table 3.

    Args:
        settings: this step's part of the config, as JSON
        score: dataset,method,seed=references.csv
        out: table3.csv; .md, .tex and .differences.csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    tabulate_table3(score, statistics=statistics, out=out, **chosen)
