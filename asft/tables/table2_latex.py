"""Table 2 as LaTeX."""

from asft.tables import paper
from asft.tables.latex import (
    escape_tex,
    tabular,
    tex_estimate,
    tex_heading,
    tex_line,
    tex_table,
    tex_text,
)
from asft.tables.panels import (
    Panel,
    is_control,
    judge_label,
    published_columns,
    remarks,
)
from asft.tables.table2_columns import JudgedColumn
from asft.tables.table2_rows import Table
from asft.tables.text import Row

EXPLAINED = (
    "Scored: verdicts that count, of those asked for. Official: the interval of arena-hard-auto"
    " v0.1. Length- and style-controlled: fitted win rate at no difference to the baseline's"
    " answers. Consistent: same winner when the answers are swapped. First wins: games with a"
    " winner that the answer shown first won."
)


def latex(table: Table, title: str, trained: str) -> str:
    """Return Table 2 as a LaTeX `table` environment; intervals stand below the values.

    Below that stand, panel by panel, what else is known, and the notes.
    """
    about = f"{title.rstrip('.')}. {trained.replace('`', '')}".rstrip()
    caption = f"Win rates (%) and ratings (1--10): {about}".replace("–", "--")
    body = [r"\smallskip", *_values(table)]
    for panel in table.panels:
        columns = [column for column in panel.block.columns if column.tex]
        if columns:
            body += [r"\par\smallskip", *_details(table, panel, columns)]
    notes = [EXPLAINED, *(_judge(table, panel) for panel in table.panels)]
    notes += [
        f"Dagger: do not trust {panel.benchmark}, {panel.judge}: {why}."
        for panel, why in table.distrust.items()
    ]
    notes += [f"WARNING: {row['warning']}." for row in table.rows if row["warning"]]
    notes += [f"{row['method']}: {row['refused']}." for row in table.rows if row["refused"]]
    notes += [f"{e.method}: {'; '.join(found)}." for e in table.entries if (found := remarks(e))]
    return tex_table(f"Table 2: {title}", caption, body, notes)


def _values(table: Table) -> list[str]:
    """Values, intervals, coverage, and the paper's values where there are any."""
    width = len(table.panels)
    names = [escape_tex(f"{panel.benchmark}, {panel.judge}") for panel in table.panels]
    lines = []
    for control in (False, True):
        rows = [row for row in table.rows if is_control(row["method"]) == control]
        if control and rows:
            lines += [r"\midrule", tex_heading("Controls", width + 2)]
        for row in rows:
            lines += _method(table, row)
    return tabular(f"ll{'r' * width}", ["Method", "", *names], lines)


def _method(table: Table, row: Row) -> list[str]:
    values, bounds, scored, published = [], [], [], []
    for panel in table.panels:
        headline = panel.block.headline
        value, interval = tex_estimate(headline, row, panel.names)
        values.append(value + (r"$^{\dagger}$" if panel in table.distrust else ""))
        bounds.append(interval)
        n = row[panel.named("n")]
        scored.append(f"{n - row[panel.named('n_unscored')]}/{n}")
        names = published_columns(table.entries, panel)
        known = [headline.text(row, f"paper_{name}", "") for name in names]
        published.append(" / ".join(filter(None, known)))
    lines = [[escape_tex(row["method"]), "here", *values], ["", "", *bounds]]
    lines.append(["", "scored", *scored])
    if any(published):
        lines.append(["", "paper", *published])
    return [tex_line(cells) for cells in lines]


def _details(table: Table, panel: Panel, columns: list[JudgedColumn]) -> list[str]:
    """Of each method what stands beside a panel's headline."""
    lines = []
    for row in table.rows:
        cells = [tex_text(column, row, panel.name(column, row)) for column in columns]
        lines.append(tex_line([escape_tex(row["method"]), *cells]))
    heads = [escape_tex(panel.benchmark), *(column.tex for column in columns)]
    return tabular(f"l{'r' * len(columns)}", heads, lines)


def _judge(table: Table, panel: Panel) -> str:
    """Name who judged a panel, as in the paper or not, and whose the paper's values are."""
    note = table.notes[panel]
    labels = [paper.TABLE2_LABELS[name] for name in published_columns(table.entries, panel)]
    published = f" The paper's: {' / '.join(labels)}." if labels else ""
    about = f" {panel.block.about}" if panel.block.about else ""
    judge = judge_label(table.entries, panel)
    return f"{panel.benchmark}: judged by {judge}, {note}.{published}{about}"
