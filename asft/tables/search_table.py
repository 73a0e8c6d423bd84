"""The table of a search: every trial of every method with its score, and what was chosen.

Reads  what asft.tables.choose writes, one file per (data set, method)
Writes search.csv    one row per trial; a column per hyper-parameter, empty where a method lacks it
       search.md     the same to read, with the spread over each space and the expected best

By hand: asft search-table --help
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asft.config import Statistics, asked_of_trials
from asft.files import read_json, write_text
from asft.tables.text import Row, bracketed, csv_text, explain_intervals, grid, rounded, signed

SPREAD = (
    "Spread: the best trial's score less the worst's, and the standard deviation over the space."
    " Best of n: what the best of so many of these trials, drawn at random, is expected to score"
    " (Dodge et al. 2019), by which other budgets compare."
)


HALVED = (
    "Of a trial that was stopped score and distance are those of then, among the trials of then;"
    " the spread over a space and the best of n are of whole trainings, and are not given."
)
TRIAL_NUMBERS = ("share", "score", "low", "high", "behind", "within", "chosen", "own")


class Choice(NamedTuple):
    """The file of one method's choice, and the data set and method that it is of."""

    dataset: str
    method: str
    path: Path


def make_search_table(settings: str, choice: list[Choice], out: Path) -> None:
    """Write the table of a search.

    Args:
        settings: this step's part of the config, as JSON
        choice: dataset,method=FILE.json
        out: search.csv; .md goes beside it
    """
    about = json.loads(settings)
    found = [(each.dataset, read_json(each.path)) for each in choice]
    keys = list(dict.fromkeys(key for _, made in found for key in made["parameters"]))
    rows = rounded([row for dataset, made in found for row in _rows(dataset, made, keys)])
    write_text(out, csv_text(pd.DataFrame(rows)))
    write_text(out.with_suffix(".md"), _markdown(found, rows, keys, about))


def _rows(dataset: str, made: dict[str, Any], keys: Sequence[str]) -> list[Row]:
    about = {"dataset": dataset, "method": made["method"]}
    of_all = {key: made[key] for key in ("benchmark", "metric")}
    of_all |= {"n": made["n"], "seeds": " ".join(map(str, made["seeds"]))}
    return [
        about
        | {"trial": number}
        | {key: _setting(trial["settings"].get(key)) for key in keys}
        | {key: trial[key] for key in TRIAL_NUMBERS}
        | of_all
        for number, trial in enumerate(made["trials"], 1)
    ]


def _setting(value: float | None) -> str:
    """A setting as text: the CSV rounds numbers to four decimals, a learning rate to none."""
    return "" if value is None else f"{value:g}"


def _markdown(
    found: Sequence[tuple[str, dict[str, Any]]],
    rows: Sequence[Row],
    keys: Sequence[str],
    about: dict[str, Any],
) -> str:
    first, statistics = found[0][1], Statistics.model_validate(about["statistics"])
    seeds = len(first["seeds"])
    title = f"Settings that were tried: {about['model']}. {' '.join(about['note'].split())}"
    how = (
        f"{len(first['trials'])} trials of each method, training seeds"
        f" {', '.join(map(str, first['seeds']))}, scored by {first['metric']} on the {first['n']}"
        f" {asked_of_trials(first['benchmark'])}, which no table asks. Chosen: {first['rule']}."
        f" {explain_intervals(statistics, seeds)} Behind: the best trial minus this one. Own: the"
        " method's row as it stands."
    )
    sections = [f"# {title}".rstrip(), how, grid([_cells(row, keys) for row in rows])]
    if all(made["expected_best"] for _, made in found):
        spread = grid([_spread(*each) for each in found])
        sections += ["## How much the choice matters", SPREAD, spread]
    else:
        sections.append(HALVED)
    return "\n\n".join(sections) + "\n"


def _cells(row: Row, keys: Sequence[str]) -> dict[str, str]:
    words = [word for word in ("chosen", "own") if row[word]]
    words += ["tied with the best"] if row["within"] and row["behind"] else []
    words += [f"stopped after {100 * row['share']:g} %"] if row["share"] < 1 else []
    return {
        "data set": row["dataset"],
        "method": row["method"],
        **{key: row[key] for key in keys},
        row["metric"]: f"{row['score']:.2f} {bracketed(row['low'], row['high'], 2)}",
        "behind": signed(row["behind"], 2),
        "": ", ".join(words),
    }


def _spread(dataset: str, made: dict[str, Any]) -> dict[str, str]:
    scores = [trial["score"] for trial in made["trials"]]
    best = {
        f"best of {drawn}": f"{value:.2f}" for drawn, value in enumerate(made["expected_best"], 1)
    }
    return {
        "data set": dataset,
        "method": made["method"],
        "spread": f"{max(scores) - min(scores):.2f}, sd {np.std(scores, ddof=1):.2f}",
        **best,
    }
