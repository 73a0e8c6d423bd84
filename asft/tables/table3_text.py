"""Table 3 as Markdown and LaTeX."""

import pandas as pd

from asft.tables.paper import TABLE3_METRICS
from asft.tables.text import (
    DIFFERENCES,
    Row,
    escape_tex,
    explain_verdict,
    p_text,
    spread,
    tex_spread,
)

LABELS = {"bleu4": "BLEU-4", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
FAMILIES = {
    "lf_": "LLaMA-Factory's metrics (lf_*), the metric family of the paper's numbers",
    "": "sacreBLEU and rouge-score",
}


def markdown(rows: list[Row], differences: list[Row], title: str, remark: str) -> str:
    """The title, a remark, one table per metric family, then the differences."""
    sections = [f"# Table 3: {title}", remark]
    for prefix, heading in FAMILIES.items():
        sections += [f"## {heading}", _grid([_family_cells(row, prefix) for row in rows])]
    if differences:
        sections += [
            "## Differences between methods, over the same questions",
            DIFFERENCES,
            _grid([_difference_cells(row) for row in differences]),
        ]
    return "\n\n".join(sections) + "\n"


def latex(rows: list[Row], title: str) -> str:
    """A `table` environment for documents that load booktabs; intervals stand below the values."""
    lines = [
        f"% Table 3: {title}",
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{BLEU and ROUGE: {escape_tex(title)}}}",
        r"\smallskip",
        r"\begin{tabular}{lllrrrr}",
        r"\toprule",
        " & ".join(["Dataset", "Method", "", *LABELS.values()]) + r" \\",
    ]
    for prefix, heading in FAMILIES.items():
        lines += [r"\midrule", rf"\multicolumn{{7}}{{l}}{{\emph{{{escape_tex(heading)}}}}} \\"]
        for row in rows:
            lines += _tex_lines(row, prefix)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def _grid(rows: list[dict[str, str]]) -> str:
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def _family_cells(row: Row, prefix: str) -> dict[str, str]:
    """One line of a family's table; the paper's values stand beside their own family only."""
    cells = {"dataset": row["dataset"], "method": row["method"], "seeds": str(row["seeds"])}
    for metric, label in LABELS.items():
        name = prefix + metric
        value = f"{row[name]:.2f}{spread(row[f'{name}_seed_sd'], 2)}"
        cells[label] = f"{value} {_bounds(row[f'{name}_low'], row[f'{name}_high'])}"
        if prefix:
            paper = row[f"paper_{metric}"]
            cells[f"paper's {label}"] = "" if paper is None else f"{paper:.2f}"
    return cells | {"tokens": f"{row['avg_tokens']:.1f}"}


def _difference_cells(row: Row) -> dict[str, str]:
    low, high = row["low"], row["high"]
    return {
        "dataset": row["dataset"],
        "first − second": f"{row['method_a']} − {row['method_b']}",
        "metric": row["metric"],
        "difference": f"{row['difference']:+.2f} {_bounds(low, high)}",
        "p": p_text(row["p_value"]),
        "first is": explain_verdict(row),
    }


def _tex_lines(row: Row, prefix: str) -> list[str]:
    """Values, their intervals below, and below those the paper's values where there are any."""
    names = [prefix + metric for metric in TABLE3_METRICS]
    lines = [
        [escape_tex(row["dataset"]), escape_tex(row["method"]), "here"]
        + [f"{row[name]:.2f}{tex_spread(row[f'{name}_seed_sd'], 2)}" for name in names],
        ["", "", ""]
        + [rf"\scriptsize {_bounds(row[f'{name}_low'], row[f'{name}_high'])}" for name in names],
    ]
    paper = [row[f"paper_{metric}"] for metric in TABLE3_METRICS]
    if prefix and None not in paper:
        lines.append(["", "", "paper", *(f"{value:.2f}" for value in paper)])
    return [" & ".join(cells) + r" \\" for cells in lines]


def _bounds(low: float, high: float) -> str:
    return f"[{low:.2f}, {high:.2f}]"
