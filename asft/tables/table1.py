"""Table 1: the judged benchmarks at a glance, computed from what is really asked.

Reads   benchmarks/{benchmark}/questions.jsonl        records.Question
        benchmarks/{benchmark}/judge/baseline.jsonl   answers.BaselineAnswer (arena_hard): its name
Writes  table1.csv, table1.md, table1.tex

By hand: asft table1 --help
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from asft.config import PROTOCOLS, judged_protocols
from asft.data import BaselineAnswer
from asft.errors import UserError, nearest
from asft.files import read_jsonl, write_text
from asft.records import Question
from asft.tables import paper
from asft.tables.latex import escape_tex, tabular, tex_line, tex_table
from asft.tables.paper import OTHER, SAME, paper_columns
from asft.tables.text import grid

LABELS = {
    "benchmark": "Benchmark",
    "examples": "Number of examples",
    "baseline": "Baseline model",
    "judge": "Judge model",
    "scoring_type": "Scoring type",
    "metric": "Metric",
}
PUBLISHED = ("examples", "baseline", "judge")


class Judged(NamedTuple):
    """A benchmark, its judges, and the model that its baseline's answers are said to be from."""

    name: str
    protocol: str
    baseline: str  # "": whoever the answers name, or nobody
    judges: list[str]
    questions: Path
    baseline_answers: Path | None = None


def tabulate_table1(benchmarks: list[Judged], model: str, note: str, out: Path) -> None:
    """Write Table 1 as CSV, Markdown and LaTeX.

    Raises:
        UserError: a protocol without a judge, a file without questions, a baseline's answers that
            are another model's.
    """
    if not benchmarks:
        raise UserError(f"{out}: no benchmarks given")
    note = " ".join(note.split())
    rows = [_row(benchmark) | {"model": model, "note": note} for benchmark in benchmarks]
    write_text(out, pd.DataFrame(rows, dtype=object).to_csv(index=False, lineterminator="\n"))
    title = f"Table 1: {model}. {note}".rstrip()
    write_text(out.with_suffix(".md"), _markdown(rows, title))
    write_text(out.with_suffix(".tex"), _latex(rows, title))


def _row(benchmark: Judged) -> dict[str, Any]:
    name, protocol, path = benchmark.name, benchmark.protocol, benchmark.questions
    if protocol not in judged_protocols():
        raise UserError(
            f"{name}: protocol {protocol!r} has no judge{nearest(protocol, judged_protocols())}"
        )
    questions = read_jsonl(path, Question)
    if not questions:
        raise UserError(f"{path}: no questions")
    facts = PROTOCOLS[protocol]
    turns = [len(question.turns) for question in questions]
    fewest, most = min(turns), max(turns)
    published = paper.TABLE1.get(name, (None,) * len(PUBLISHED))
    others = [judge for judge in benchmark.judges if not paper_columns(name, [judge])]
    return {
        "benchmark": name,
        "examples": len(questions),
        "turns": str(most) if fewest == most else f"{fewest}-{most}",
        "categories": len({question.category for question in questions}),
        "baseline": _baseline(benchmark),
        "judge": "/".join(benchmark.judges),
        "scoring_type": "pairwise comparison" if facts.pairwise else "single-answer grading",
        "metric": facts.words if facts.pairwise else f"{facts.words} of {facts.scale}",
        **{f"paper_{key}": value for key, value in zip(PUBLISHED, published, strict=True)},
        "judge_note": f"{'/'.join(others)}: {OTHER}" if others else SAME,
    }


def _baseline(benchmark: Judged) -> str:
    """The model that the baseline's answers name; the configured name where they name none."""
    path = benchmark.baseline_answers
    if path is None:
        return benchmark.baseline
    named = sorted({answer.model for answer in read_jsonl(path, BaselineAnswer) if answer.model})
    expected = [benchmark.baseline] if benchmark.baseline else named[:1]
    if named and named != expected:
        raise UserError(
            f"{path}: answers of {', '.join(named)}, but tables.table2.baseline is"
            f" {benchmark.baseline!r}; set it to whose answers they are"
        )
    return named[0] if named else benchmark.baseline


def _markdown(rows: list[dict[str, Any]], title: str) -> str:
    cells = [_cells(row) for row in rows]
    for line, row in zip(cells, rows, strict=True):
        line |= {f"paper's {key}": str(row[f"paper_{key}"] or "-") for key in PUBLISHED}
    notes = "\n".join(f"- {note}" for note in _notes(rows))
    counted = "The examples are counted in the files that were asked."
    return f"# {title}\n\n{counted}\n\n{grid(cells)}\n\nJudges:\n\n{notes}\n"


def _latex(rows: list[dict[str, Any]], title: str) -> str:
    lines = []
    for row in rows:
        lines.append(_tex_line(_cells(row).values()))
        if row["paper_examples"] is not None:
            given = {key: row[f"paper_{key}"] for key in PUBLISHED}
            theirs = {"benchmark": "(paper)"} | given | {"scoring_type": "", "metric": ""}
            lines.append(_tex_line(str(theirs[key] or "") for key in LABELS))
    body = tabular("lrllll", LABELS.values(), lines)
    return tex_table(title, title.removeprefix("Table 1: "), body, _notes(rows))


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    return [f"{row['benchmark']}: {row['judge_note']}." for row in rows]


def _tex_line(cells: Iterable[str]) -> str:
    return tex_line(map(escape_tex, cells))


def _cells(row: dict[str, Any]) -> dict[str, str]:
    return {label: str(row[key]) or "-" for key, label in LABELS.items()}


def make_table1(settings: str, out: Path) -> None:
    """Write Table 1.

    Args:
        settings: this step's part of the config, as JSON
        out: table1.csv; .md and .tex go beside it
    """
    chosen = json.loads(settings)
    rows = [Judged(*row[:4], *map(Path, row[4:])) for row in chosen.pop("benchmarks")]
    tabulate_table1(rows, out=out, **chosen)
