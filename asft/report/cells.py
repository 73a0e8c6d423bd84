"""The parts of a table on the front page: cells, heads, numbers as text, links to samples."""

import csv
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from asft.config import UNTRAINED, Config, Run
from asft.tables import Panel

Row = dict[str, str]
NONE = "—"


class HtmlCell(NamedTuple):
    """One cell of a table; a page shows `below` and `paper` smaller, under the text.

    A number leads to its evidence by `link`: the samples page, or a copy of a file.
    """

    text: str
    below: str = ""
    paper: str = ""
    link: str = ""
    method: str = ""  # shown with the method's colour
    number: bool = False
    warn: bool = False


class HtmlTable(NamedTuple):
    """A table of the front page; `files` are copies of what it was made of.

    Heads of number columns say so; `notes` stand below it.
    """

    title: str
    remark: str
    head: list[HtmlCell]
    rows: list[list[HtmlCell]]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def heads(*texts: str) -> list[HtmlCell]:
    """Return heads of columns that hold words."""
    return [HtmlCell(text) for text in texts]


def number_heads(*texts: str) -> list[HtmlCell]:
    """Return heads of columns that hold numbers."""
    return [HtmlCell(text, number=True) for text in texts]


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fixed(text: str | None, digits: int) -> str:
    """Return a CSV cell with so many decimals; a dash where it is empty."""
    return f"{float(text):z.{digits}f}" if text else NONE


def bounds(row: Row, name: str, digits: int) -> str:
    """Return an interval as "low to high", and "± sd" between seeds; "" where there is none."""
    low, high, sd = (row.get(f"{name}_{end}") for end in ("low", "high", "seed_sd"))
    parts = [f"{fixed(low, digits)} to {fixed(high, digits)}"] if low and high else []
    return ", ".join([*parts, f"± {fixed(sd, digits)}"] if sd else parts)


def share(text: str | None) -> str:
    """Return a share as per cent."""
    return f"{100 * float(text):.0f} %" if text else NONE


def key_of(config: Config, dataset: str, method: str) -> str:
    """Return the key on the samples page of a row's contestant; with several seeds, of all.

    How seeds are grouped: evidence.groups.
    """
    if method.startswith("control_"):
        return method
    trained = method in config.methods
    run = Run(dataset if trained else UNTRAINED, method, config.seeds[0])
    return run.group if trained and len(config.seeds) > 1 else run.folder


def judged_key(config: Config, method: str) -> str:
    """Return the key on the samples page of a row of Table 2, as `key_of` does."""
    return key_of(config, config.tables.table2.dataset if config.tables.table2 else "", method)


def judged_column(config: Config, benchmark: str, judge: str) -> Panel:
    """Return the panel that names a benchmark's and judge's cells in table2.csv."""
    return Panel(benchmark, judge, config.benchmarks[benchmark].protocol)


def samples_link(benchmark: str, **state: str) -> str:
    """Return the link to the samples behind a number; the keys are those of assets/state.js."""
    chosen = {"b": benchmark, **{key: value for key, value in state.items() if value}}
    return f"samples.html#{urlencode(chosen)}"
