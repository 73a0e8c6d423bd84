"""Table 3 as Markdown and LaTeX. A row is what a line of the CSV holds."""

from typing import Any

import pandas as pd

from asft.config import Statistics
from asft.paper import TABLE3_METRICS

LABELS = {"bleu4": "BLEU-4", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
FAMILIES = {
    "lf_": "LLaMA-Factory's metrics (lf_*), the metric family of the paper's numbers",
    "": "sacreBLEU and rouge-score",
}
TEX_SPECIAL = str.maketrans(
    {character: "\\" + character for character in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}"}
)

Row = dict[str, Any]

DECIMALS = 4  # in the CSV

DIFFERENCES = (
    "First minus second. Better or worse: the interval excludes 0 and p is below 1 − confidence."
    " Each comparison stands alone: nothing is corrected for their number."
)


def explain_intervals(statistics: Statistics, seeds: int) -> str:
    """What "[low, high]" stands for, in a table with this many seeds per method."""
    if seeds == 1:
        return (
            f"[low, high]: {100 * statistics.confidence:g} % bootstrap over questions (BCa),"
            f" {statistics.resamples} resamples, seed {statistics.seed}. One training seed: what"
            " another seed would give is not in it."
        )
    return (
        f"[low, high]: {100 * statistics.confidence:g} %, over questions and training seeds"
        f" (bootstrap over questions, {statistics.resamples} resamples, plus the variance between"
        f" {seeds} seeds; t quantiles, Satterthwaite's degrees of freedom). ±: standard deviation"
        " between seeds. Rows with one seed: over questions alone."
    )


def explain_verdict(row: Row) -> str:
    """better, worse, or not separable with how much; `row` is one of the differences."""
    if row["verdict"] != "not separable":
        return str(row["verdict"])
    counts = _several(int(row["n"]), "question")
    if row.get("seeds"):  # the paper does not say how many it trained with
        counts += f" and {_several(int(row['seeds']), 'seed')}"
    return f"not separable with {counts}"


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rounded(rows: list[Row]) -> list[Row]:
    """Numbers as the CSV holds them, so that all who shorten them further shorten them alike."""
    return [
        {
            name: round(cell, DECIMALS) if isinstance(cell, float) else cell
            for name, cell in row.items()
        }
        for row in rows
    ]


def csv_text(table: pd.DataFrame) -> str:
    """A table's CSV, the same bytes on every machine."""
    return table.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")


def p_text(p_value: float) -> str:
    """Four digits, never a zero: no test has found one impossible."""
    return "< 0.0001" if p_value < 0.00005 else f"{p_value:.4f}"


def spread(seed_sd: float | None, digits: int) -> str:
    """ " ± sd" behind a value, where there are several seeds."""
    return "" if seed_sd is None or seed_sd != seed_sd else f" ± {seed_sd:.{digits}f}"


def tex_spread(seed_sd: float | None, digits: int) -> str:
    """`spread` for TeX."""
    return spread(seed_sd, digits).replace(" ±", r" $\pm$")


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


def escape_tex(text: str) -> str:
    """`text` with TeX's special characters escaped."""
    return text.translate(TEX_SPECIAL)


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
