"""Table 2: Arena-Hard win rates and MT-Bench ratings by method, with intervals and differences.

Reads   one score file per (method, seed, benchmark, judge), as asft.metrics.score_verdicts writes
Writes  table2.csv               one row per method; a column belongs to one benchmark and judge
        table2.md, table2.tex    the same to read, beside the paper's values
        table2.differences.csv   every pair of methods, over the questions that both have scores of
        table2.paper.csv         the paper's own differences, and which its n can tell apart

Several seeds of a method: intervals hold questions and seeds; with one seed they hold questions
alone. A method whose name begins with `control_` is no contestant but a test of the
judge.

By hand: asft table2 --help
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from asft.config import Statistics
from asft.errors import UserError
from asft.files import write_text
from asft.metrics import Judged, pool, read_verdict_scores
from asft.tables.agreement import read_agreement
from asft.tables.columns import CORRECTED
from asft.tables.panels import Entry, Panel
from asft.tables.published_differences import published_differences
from asft.tables.table2_latex import latex
from asft.tables.table2_markdown import markdown, paper_section
from asft.tables.table2_rows import build
from asft.tables.text import csv_text, rounded


class AgreementFile(NamedTuple):
    """What `asft judge-agreement` wrote of a judge, asked by the protocol of a benchmark."""

    benchmark: str
    judge: str
    path: Path


class ScoreFile(NamedTuple):
    """The score file of one run on a judged benchmark, and the run and judge that it is of."""

    method: str
    seed: int
    benchmark: str
    judge: str
    path: Path


DIFFERENCES = ["benchmark", "judge", "method_a", "method_b", "metric", "difference", "low", "high"]
DIFFERENCES += ["p_value", "verdict", "n", "seeds", *CORRECTED]


def tabulate_table2(
    scores: Sequence[ScoreFile],
    model: str,
    note: str,
    statistics: Statistics,
    out: Path,
    min_coverage: float = 0.95,
    with_paper: bool = True,
    dataset: str = "",
    untrained: Sequence[str] = (),
    agreements: Sequence[AgreementFile] = (),
) -> None:
    """Write Table 2 and its companions; `scores` lists (method, seed, benchmark, judge, file).

    Rows keep the order of `scores`, controls last. A cell with a smaller share of scored games or
    ratings than `min_coverage` is refused: empty, with the reason in column `refused`. `dataset` is
    what the methods were trained on, all but `base` and those in `untrained`, which have one seed.
    What is known of a judge by its `agreements` stands in its note; values of one that a control
    fools, or whose agreement is not above chance, are marked, and the column says why.

    Raises:
        UserError: a score file is unusable or missing, files of a column differ in their questions
            or in the model that judged, or trained methods differ in their seeds.
    """
    if not scores:
        raise UserError(f"{out}: no score files given")
    entries = _entries(scores)
    _check_panels(entries)
    _check_seeds(entries, ["base", *untrained])
    measured = {(of.benchmark, of.judge): read_agreement(of.path) for of in agreements}
    table = build(entries, statistics, min_coverage, measured)
    table = table._replace(rows=rounded(table.rows), differences=rounded(table.differences))
    about = {"model": model, "dataset": dataset, "note": " ".join(note.split())}
    trained = f"Trained on {dataset}; `base` is the untrained policy." if dataset else ""
    title = f"{model}. {about['note']}".rstrip()
    write_text(out, csv_text(pd.DataFrame([row | about for row in table.rows])))
    write_text(
        out.with_name(f"{out.stem}.differences.csv"),
        csv_text(pd.DataFrame(table.differences, columns=DIFFERENCES)),
    )
    text = markdown(table, title, trained, statistics)
    if with_paper:
        published = rounded(published_differences(statistics))
        write_text(out.with_name(f"{out.stem}.paper.csv"), csv_text(pd.DataFrame(published)))
        text += "\n" + paper_section(published)
    write_text(out.with_suffix(".md"), text)
    write_text(out.with_suffix(".tex"), latex(table, title, trained))


def _entries(scores: Sequence[ScoreFile]) -> list[Entry]:
    """Files of the same method and panel pooled over their seeds, in order of first mention."""
    files: dict[str, dict[tuple[str, str], dict[int, Judged]]] = {}
    for method, seed, benchmark, judge, path in scores:
        seeds = files.setdefault(method, {}).setdefault((benchmark, judge), {})
        if seed in seeds:
            raise UserError(f"{path}: {method} with seed {seed} is given twice")
        seeds[seed] = read_verdict_scores(path)
    keys = list(dict.fromkeys((benchmark, judge) for _, _, benchmark, judge, _ in scores))
    entries = []
    for method, found in files.items():
        for benchmark, judge in keys:
            if (benchmark, judge) not in found:
                raise UserError(f"{method}: no scores on {benchmark} by judge {judge}")
        seeds_of = {tuple(sorted(found[key])) for key in keys}
        if len(seeds_of) > 1:
            raise UserError(f"{method}: other seeds on some benchmarks than on others")
        pooled = [(key, pool(list(found[key].values()))) for key in keys]
        cells = {Panel(*key, j.protocol): j for key, j in pooled}
        entries.append(Entry(method, list(seeds_of.pop()), cells))
    return sorted(entries, key=lambda entry: entry.is_control)


def _check_panels(entries: list[Entry]) -> None:
    panels = list(entries[0].cells)
    judges: dict[str, str] = {}
    for panel in panels:
        if judges.setdefault(panel.headline, panel.judge) != panel.judge:
            name = panel.block.headline.label
            raise UserError(f"{panel.benchmark}: two judges of one {name}; a table holds one")
    for panel in panels:
        if any(panel not in entry.cells for entry in entries):
            cells = [cell for e in entries for p, cell in e.cells.items() if p[:2] == panel[:2]]
            some, *others = sorted({cell.facts.unit for cell in cells}, reverse=True)
            raise UserError(f"{panel.benchmark}: {some} of some methods, {others[0]} of others")
        first = entries[0].cells[panel]
        for judged in (entry.cells[panel] for entry in entries):
            if judged.question_ids != first.question_ids:
                raise UserError(
                    f"{judged.path}: other questions, or another order, than {first.path}"
                )
            if judged.rules != first.rules:
                raise UserError(f"{judged.path}: counted by other rules than {first.path}")
        models = sorted({name for entry in entries for name in entry.cells[panel].judge_models})
        if len(models) > 1:
            raise UserError(
                f"{panel.benchmark}, judge {panel.judge}: {len(models)} models answered"
                f" ({', '.join(models)}); a column never mixes judges: judge again with one"
            )


def _check_seeds(entries: list[Entry], untrained: Sequence[str]) -> None:
    trained = [entry for entry in entries if entry.method not in untrained and not entry.is_control]
    for entry in trained[1:]:
        if entry.seeds != trained[0].seeds:
            raise UserError(
                f"{trained[0].method} has seeds {trained[0].seeds}, {entry.method} has"
                f" {entry.seeds}; compare methods over the same seeds"
            )


def make_table2(
    settings: str,
    score: list[ScoreFile],
    out: Path,
    agreement: list[AgreementFile] | None = None,
) -> None:
    """Write Table 2.

    Args:
        settings: this step's part of the config, as JSON
        score: method,seed,benchmark,judge=scores.csv
        agreement: benchmark,judge=agreement.json of judge-agreement
        out: table2.csv; .md, .tex and .differences.csv go beside it
    """
    chosen = json.loads(settings)
    statistics = Statistics.model_validate(chosen.pop("statistics"))
    tabulate_table2(score, statistics=statistics, out=out, agreements=agreement or [], **chosen)
