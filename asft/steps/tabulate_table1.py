"""Table 1: the judged benchmarks at a glance, computed from what is really asked.

Reads   benchmarks/{benchmark}/questions.jsonl   records.Question
Writes  table1.csv, table1.md, table1.tex

By hand: asft table1 --help
"""

from pathlib import Path
from typing import Any

import pandas as pd

from asft import paper
from asft.errors import UserError, nearest
from asft.records import Question, read_jsonl, write_text
from asft.rendering import escape_tex

# How a protocol scores, in the paper's words.
PROTOCOLS = {
    "arena_hard": ("pairwise comparison", "win rate"),
    "mt_bench": ("single-answer grading", "rating of 1-10"),
}
LABELS = {
    "benchmark": "Benchmark",
    "examples": "Number of examples",
    "baseline": "Baseline model",
    "judge": "Judge model",
    "scoring_type": "Scoring type",
    "metric": "Metric",
}


def tabulate_table1(
    benchmarks: list[tuple[str, str, str, list[str], Path]], model: str, note: str, out: Path
) -> None:
    """Write the table; `benchmarks` lists (name, protocol, baseline or "", judges, questions).

    Raises:
        UserError: a protocol without a judge, a file without questions.
    """
    if not benchmarks:
        raise UserError(f"{out}: no benchmarks given")
    note = " ".join(note.split())
    rows = [_row(*benchmark) | {"model": model, "note": note} for benchmark in benchmarks]
    write_text(out, pd.DataFrame(rows, dtype=object).to_csv(index=False, lineterminator="\n"))
    title = f"Table 1: {model}. {note}".rstrip()
    write_text(out.with_suffix(".md"), _markdown(rows, title))
    write_text(out.with_suffix(".tex"), _latex(rows, title))


def _row(name: str, protocol: str, baseline: str, judges: list[str], path: Path) -> dict[str, Any]:
    if protocol not in PROTOCOLS:
        raise UserError(
            f"{name}: protocol {protocol!r} has no judge{nearest(protocol, [*PROTOCOLS])}"
        )
    questions = read_jsonl(path, Question)
    if not questions:
        raise UserError(f"{path}: no questions")
    scoring_type, metric = PROTOCOLS[protocol]
    turns = [len(question.turns) for question in questions]
    fewest, most = min(turns), max(turns)
    published = paper.TABLE1.get(name, (None, None, None))
    return {
        "benchmark": name,
        "examples": len(questions),
        "turns": str(most) if fewest == most else f"{fewest}-{most}",
        "categories": len({question.category for question in questions}),
        "baseline": baseline,
        "judge": "/".join(judges),
        "scoring_type": scoring_type,
        "metric": metric,
        "paper_examples": published[0],
        "paper_baseline": published[1],
        "paper_judge": published[2],
    }


def _markdown(rows: list[dict[str, Any]], title: str) -> str:
    cells = [_cells(row) for row in rows]
    for line, row in zip(cells, rows, strict=True):
        for key in ("examples", "baseline", "judge"):
            line[f"paper's {key}"] = str(row[f"paper_{key}"] or "-")
    grid = pd.DataFrame(cells).to_markdown(index=False, disable_numparse=True)
    return f"# {title}\n\nThe examples are counted in the files that were asked.\n\n{grid}\n"


def _latex(rows: list[dict[str, Any]], title: str) -> str:
    lines = [
        f"% {title}",
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escape_tex(title.removeprefix('Table 1: '))}}}",
        r"\begin{tabular}{lrllll}",
        r"\toprule",
        " & ".join(LABELS.values()) + r" \\",
        r"\midrule",
        *(" & ".join(map(escape_tex, _cells(row).values())) + r" \\" for row in rows),
    ]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def _cells(row: dict[str, Any]) -> dict[str, str]:
    return {label: str(row[key]) or "-" for key, label in LABELS.items()}
