"""Table 4: abilities by tasks of lm-evaluation-harness, and policies as reward models.

Reads   one score file per (dataset, method, seed, benchmark), as asft.abilities.evaluate or
        asft.metrics.implicit_reward writes them, and what is said of each (.results.json);
        a judge's verdicts on refusals, where there is one
Writes  table4.csv               one row per (dataset, method) and number of a task
        table4.md, table4.tex    the same to read, a row per (dataset, method)
        table4.differences.csv   every pair of methods of a dataset, and the untrained policy
                                 against each, over the same questions

Values are in per cent where all are from 0 to 1, as lm-eval's accuracies are; else as they are.

By hand: asft table4 --help
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asft.config import Statistics
from asft.errors import UserError
from asft.files import read_json, write_text
from asft.metrics import AbilityScores, add_judged, check_same_questions, read_ability_scores
from asft.tables.columns import CORRECTED
from asft.tables.table3_rows import Entry, columns_of, differences_of, intervals_of
from asft.tables.table4_columns import Ability, Own, abilities_of
from asft.tables.table4_judged import add_agreement
from asft.tables.table4_rows import Reported, rows_of
from asft.tables.table4_text import latex, markdown
from asft.tables.text import csv_text, explain_intervals, rounded

DIFFERENCES = ["dataset", "method_a", "method_b", "benchmark", "task", "metric", "filter", "unit"]
DIFFERENCES += ["difference", "low", "high", "p_value", "verdict", "n", "seeds", *CORRECTED]


class AbilityFile(NamedTuple):
    """The score file of one run on one benchmark, and what it is of."""

    dataset: str
    method: str
    seed: int
    benchmark: str
    path: Path


class RefusalFile(NamedTuple):
    """A judge's verdicts on the answers behind the score file of the same run and benchmark."""

    dataset: str
    method: str
    seed: int
    benchmark: str
    judge: str
    path: Path


def make_table4(
    settings: str, score: list[AbilityFile], out: Path, refusals: list[RefusalFile] | None = None
) -> None:
    """Write Table 4.

    Args:
        settings: this step's part of the config, as JSON
        score: dataset,method,seed,benchmark=lm_eval.csv or implicit_reward.csv
        refusals: dataset,method,seed,benchmark,judge=verdicts of asft judge-refusals
        out: table4.csv; .md, .tex and .differences.csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    tabulate_table4(score, statistics=statistics, out=out, refusals=refusals or (), **chosen)


def tabulate_table4(
    scores: Sequence[AbilityFile],
    model: str,
    note: str,
    chat_template: dict[str, bool | None],
    statistics: Statistics,
    out: Path,
    refusals: Sequence[RefusalFile] = (),
) -> None:
    """Write Table 4 and its companions.

    Args:
        chat_template: by benchmark, whether prompts were put into it; None where log-probabilities
            of completions are compared.

    Raises:
        UserError: a score file is unusable, files of a benchmark differ in their questions, or
            methods of a data set differ in their seeds.
    """
    if not scores:
        raise UserError(f"{out}: no score files given")
    files = _read(scores, refusals)
    reported = {file: _reported(file.path) for file in files}
    for benchmark in chat_template:
        check_same_questions([f for name, f in files.items() if name.benchmark == benchmark])
    of_each = {file.benchmark: found for file, found in files.items()}
    about = {f.benchmark: Own(found, chat_template[f.benchmark]) for f, found in reported.items()}
    abilities = abilities_of(of_each, about)
    entries = _entries(files, abilities)
    columns = columns_of(entries, abilities)
    intervals = [intervals_of(each, statistics, abilities) for each in columns]
    own = [_own_of(entry, reported) for entry in entries]
    said = {"model": model, "note": " ".join(note.split())}
    rows = list(rows_of(entries, columns, intervals, own, abilities, said))
    rows = rounded(add_agreement(rows, entries, abilities, statistics))
    differences = rounded(_differences(entries, columns, statistics, abilities))
    table = pd.DataFrame(differences, columns=DIFFERENCES)
    title = f"{model}. {said['note']}".rstrip()
    most = max(len(entry.seeds) for entry in entries)
    remark = " ".join([explain_intervals(statistics, most), *_remarks(reported)])
    write_text(out, csv_text(pd.DataFrame(rows)))
    write_text(out.with_name(f"{out.stem}.differences.csv"), csv_text(table))
    write_text(out.with_suffix(".md"), markdown(rows, differences, abilities, title, remark))
    write_text(out.with_suffix(".tex"), latex(rows, abilities, title))


def _read(
    scores: Sequence[AbilityFile], refusals: Sequence[RefusalFile]
) -> dict[AbilityFile, AbilityScores]:
    """The score files, with a judge's numbers among those of the same run and benchmark."""
    files = {file: read_ability_scores(file.path) for file in map(AbilityFile._make, scores)}
    named = {file[:-1]: file for file in files}
    for judged in map(RefusalFile._make, refusals):
        file = named.get(judged[:4])
        if file is None:
            run = ",".join(map(str, judged[:4]))
            raise UserError(f"{judged.path}: no score file is of {run}")
        files[file] = add_judged(files[file], judged.path, judged.judge)
    return files


def _entries(files: dict[AbilityFile, AbilityScores], abilities: dict[str, Ability]) -> list[Entry]:
    """Files of the same (dataset, method) pooled over their seeds, in order of first mention."""
    groups: dict[tuple[str, str], dict[int, dict[str, AbilityScores]]] = {}
    for file, found in files.items():
        seeds = groups.setdefault((file.dataset, file.method), {})
        of_seed = seeds.setdefault(file.seed, {})
        if file.benchmark in of_seed:
            raise UserError(f"{file.path}: {file.method} with seed {file.seed} is given twice")
        of_seed[file.benchmark] = found
    entries = []
    for (dataset, method), seeds in groups.items():
        values = {
            key: np.stack([seeds[seed][a.benchmark].sums[a.number] for seed in seeds])
            for key, a in abilities.items()
        }
        values = {key: found for key, found in values.items() if not np.isnan(found).all()}
        entries.append(Entry(dataset, method, sorted(seeds), 0, values))
    return entries


def _reported(path: Path) -> Reported:
    found: Reported = read_json(path.with_suffix(".results.json"))
    return found


def _own_of(entry: Entry, reported: dict[AbilityFile, Reported]) -> dict[str, Reported]:
    """lm-eval's results of a row, by benchmark; of several seeds there are none of all together."""
    if len(entry.seeds) > 1:
        return {}
    mine = (entry.dataset, entry.method)
    return {file.benchmark: found for file, found in reported.items() if file[:2] == mine}


def _differences(
    entries: list[Entry], columns: Any, statistics: Statistics, abilities: dict[str, Ability]
) -> list[dict[str, Any]]:
    rows = differences_of(entries, columns, statistics, abilities)
    return [row | abilities[row["metric"]].cells_of_name for row in rows]


def _remarks(reported: dict[AbilityFile, Reported]) -> Iterator[str]:
    """What lm-eval reports and this table does not; how completions were ranked, and what tied."""
    if names := dict.fromkeys(name for found in reported.values() for name in found["left_out"]):
        yield f"In lm-eval's results alone, no ratio of sums over questions: {', '.join(names)}."
    for remark in dict.fromkeys(r for found in reported.values() for r in found.get("remarks", [])):
        yield f"{remark[:1].upper()}{remark[1:]}."
    ties: dict[str, list[str]] = {}
    for file, found in reported.items():
        for metric, count in found.get("ties", {}).items():
            if count:
                said = f"{count} of {found['asked']} ({metric} of {file.method})"
                ties.setdefault(file.benchmark, []).append(said)
    for benchmark, lines in ties.items():
        yield f"Ties in {benchmark}: {', '.join(lines)}."
