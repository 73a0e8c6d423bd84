"""LaTeX that the tables share; it needs booktabs, as the first lines of each table say."""

from collections.abc import Iterable, Sequence

from asft.tables.columns import Column, Names, number
from asft.tables.text import Row, bracketed, spread

SPECIAL = str.maketrans(
    {character: "\\" + character for character in "_%&#${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}"}
)
NONE = "---"


def tex_table(title: str, caption: str, body: list[str], notes: Sequence[str] = ()) -> str:
    """Make a `table` environment of `body`, with notes below; texts are escaped here.

    Args:
        title: of the comment above.
        body: lines of LaTeX, e.g. those of `tabular`.
    """
    lines = [
        f"% {title}",
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"\centering\small\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escape_tex(caption)}}}",
        *body,
        *(rf"\par\footnotesize {escape_tex(note)}" for note in notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def tabular(columns: str, head: Iterable[str], body: Iterable[str]) -> list[str]:
    """Frame lines of LaTeX in a `tabular`; `columns` is how they are aligned."""
    return [
        rf"\begin{{tabular}}{{{columns}}}",
        *(r"\toprule", tex_line(head), r"\midrule", *body, r"\bottomrule"),
        r"\end{tabular}",
    ]


def tex_line(cells: Iterable[str]) -> str:
    """Make a line of cells that are LaTeX already."""
    return " & ".join(cells) + r" \\"


def tex_heading(text: str, width: int) -> str:
    """Make a line of one text across `width` columns."""
    return rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escape_tex(text)}}}}} \\"


def tex_estimate(column: Column, row: Row, names: Names) -> tuple[str, str]:
    """Return an estimate's value with the spread between seeds, and its interval, as LaTeX."""
    value = column.text(row, names.value, NONE)
    if row[names.value] is None:
        return value, ""
    shown = spread(row[names.seed_sd], column.digits).replace(" ±", r" $\pm$")
    if number(row[names.low]) is None:
        return value + shown, ""
    bounds = bracketed(row[names.low], row[names.high], column.digits)
    return value + shown, rf"\scriptsize {bounds}"


def tex_text(column: Column, row: Row, name: str) -> str:
    """Return any other value of a row as LaTeX."""
    text = column.text(row, name, NONE)
    if column.kind == "interval" and text != NONE:
        return rf"\scriptsize {text}"
    return text.replace(" %", r"\,\%")


def escape_tex(text: str) -> str:
    """Escape TeX's special characters in `text`."""
    return text.translate(SPECIAL)
