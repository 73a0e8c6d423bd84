"""Table 2 as LaTeX."""

from asft.rendering import escape_tex, tex_spread
from asft.rendering_table2 import paper_columns
from asft.table2 import Row, Table


def latex(table: Table, title: str) -> str:
    """A `table` environment for documents that load booktabs; intervals stand below the values."""
    width = len(table.columns)
    names = [escape_tex(f"{column.benchmark}, {column.judge}") for column in table.columns]
    lines = [
        f"% Table 2: {title}",
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{Win rates (\%) and ratings (1--10): {escape_tex(title)}}}",
        r"\smallskip",
        rf"\begin{{tabular}}{{ll{'r' * width}}}",
        r"\toprule",
        " & ".join(["Method", "", *names]) + r" \\",
        r"\midrule",
    ]
    kinds = [(entry.is_control, row) for entry, row in zip(table.entries, table.rows, strict=True)]
    for control in (False, True):
        if control and any(kind for kind, _ in kinds):
            lines += [r"\midrule", rf"\multicolumn{{{width + 2}}}{{l}}{{\emph{{Controls}}}} \\"]
        for row in (row for kind, row in kinds if kind == control):
            lines += _tex_lines(table, row)
    lines += [r"\bottomrule", r"\end{tabular}"]
    notes = [f"WARNING: {row['warning']}." for row in table.rows if row["warning"]]
    notes += [f"{row['method']}: {row['refused']}." for row in table.rows if row["refused"]]
    lines += [rf"\par\footnotesize {escape_tex(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _tex_lines(table: Table, row: Row) -> list[str]:
    values, bounds, published = [], [], []
    for column in table.columns:
        digits = 1 if column.pairwise else 2
        value = row[column.headline]
        low, high = row[f"{column.prefix}_low"], row[f"{column.prefix}_high"]
        sd = tex_spread(row[f"{column.prefix}_seed_sd"], digits)
        values.append("---" if value is None else f"{value:.{digits}f}{sd}")
        spread = "" if value is None else rf"\scriptsize [{low:.{digits}f}, {high:.{digits}f}]"
        bounds.append(spread)
        own = paper_columns(table, column)
        known = row[f"paper_{own[0]}"] if own else None
        published.append("" if known is None else f"{known:.{digits}f}")
    lines = [[escape_tex(row["method"]), "here", *values], ["", "", *bounds]]
    if any(published):
        lines.append(["", "paper", *published])
    return [" & ".join(cells) + r" \\" for cells in lines]
