"""Table 2 as LaTeX."""

from asft.tables import paper
from asft.tables.table2_rows import Column, Row, Table, judge_label, published_columns
from asft.tables.text import escape_tex, tex_spread

NONE = "---"
HABITS = ["official", "length-contr.", "style-contr.", "tokens", "consistent", "first wins"]
EXPLAINED = (
    "Scored: verdicts that count, of those asked for. Official: the interval of arena-hard-auto"
    " v0.1. Length- and style-controlled: fitted win rate at no difference to the baseline's"
    " answers. Consistent: same winner when the answers are swapped. First wins: games with a"
    " winner that the answer shown first won."
)


def latex(table: Table, title: str, trained: str) -> str:
    """A `table` environment for documents that load booktabs; intervals stand below the values.

    Below the table stand, for every win rate, what else is known of its games, and the notes.
    """
    about = f"{title.rstrip('.')}. {trained.replace('`', '')}".rstrip()
    caption = f"Win rates (%) and ratings (1–10): {about}"
    lines = [
        f"% Table 2: {title}",
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escape_tex(caption).replace('–', '--')}}}",
        r"\smallskip",
        *_values(table),
    ]
    with_habits = [c for c in table.columns if f"{c.prefix}_official_low" in table.rows[0]]
    for column in with_habits:
        lines += [r"\par\smallskip", *_habits(table, column)]
    notes = [EXPLAINED, *(_judge(table, column) for column in table.columns)]
    notes += [f"WARNING: {row['warning']}." for row in table.rows if row["warning"]]
    notes += [f"{row['method']}: {row['refused']}." for row in table.rows if row["refused"]]
    lines += [rf"\par\footnotesize {escape_tex(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _values(table: Table) -> list[str]:
    """Values, intervals, coverage, and the paper's values where there are any."""
    width = len(table.columns)
    names = [escape_tex(f"{column.benchmark}, {column.judge}") for column in table.columns]
    lines = [rf"\begin{{tabular}}{{ll{'r' * width}}}", r"\toprule"]
    lines += [_line(["Method", "", *names]), r"\midrule"]
    kinds = [(entry.is_control, row) for entry, row in zip(table.entries, table.rows, strict=True)]
    for control in (False, True):
        if control and any(kind for kind, _ in kinds):
            lines += [r"\midrule", rf"\multicolumn{{{width + 2}}}{{l}}{{\emph{{Controls}}}} \\"]
        for row in (row for kind, row in kinds if kind == control):
            lines += _method(table, row)
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _method(table: Table, row: Row) -> list[str]:
    values, bounds, scored, published = [], [], [], []
    for column in table.columns:
        digits = 1 if column.pairwise else 2
        spread = tex_spread(row[f"{column.prefix}_seed_sd"], digits)
        values.append(_number(row[column.headline], digits) + spread)
        known_here = row[column.headline] is not None
        bounds.append(_interval(row, column.prefix, digits) if known_here else "")
        n = row[f"{column.prefix}_n"]
        scored.append(f"{n - row[f'{column.prefix}_n_unscored']}/{n}")
        known = [row[f"paper_{name}"] for name in published_columns(table.entries, column)]
        published.append(" / ".join(f"{v:.{digits}f}" for v in known if v is not None))
    lines = [[escape_tex(row["method"]), "here", *values], ["", "", *bounds]]
    lines.append(["", "scored", *scored])
    if any(published):
        lines.append(["", "paper", *published])
    return [_line(cells) for cells in lines]


def _habits(table: Table, column: Column) -> list[str]:
    """Of each method's games: other intervals and rates, length, and the judge's taste."""
    lines = [rf"\begin{{tabular}}{{l{'r' * len(HABITS)}}}", r"\toprule"]
    lines += [_line([escape_tex(column.benchmark), *HABITS]), r"\midrule"]
    for row in table.rows:
        habit = f"{column.benchmark}_" if f"{column.benchmark}_avg_tokens" in row else ""
        shares = (row[f"{habit}{name}"] for name in ("swap_consistency", "first_position_rate"))
        cells = [
            _interval(row, f"{column.prefix}_official", 1),
            _number(row[f"{column.prefix}_length_controlled"], 1),
            _number(row[f"{column.prefix}_style_controlled"], 1),
            _number(row[f"{habit}avg_tokens"], 0),
            *(NONE if share is None else rf"{100 * share:.0f}\,\%" for share in shares),
        ]
        lines.append(_line([escape_tex(row["method"]), *cells]))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _judge(table: Table, column: Column) -> str:
    """Who judged a column, whether as in the paper, and whose the paper's values are."""
    note = table.rows[0][f"{column.prefix}_judge_note"]
    labels = [paper.TABLE2_LABELS[name] for name in published_columns(table.entries, column)]
    published = f" The paper's: {' / '.join(labels)}." if labels else ""
    return f"{column.benchmark}: judged by {judge_label(table.entries, column)}, {note}.{published}"


def _interval(row: Row, prefix: str, digits: int) -> str:
    low, high = row[f"{prefix}_low"], row[f"{prefix}_high"]
    return NONE if low is None else rf"\scriptsize [{low:.{digits}f}, {high:.{digits}f}]"


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
