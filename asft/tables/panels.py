"""Table 2's panels, one benchmark under one judge each, and who judged them."""

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from asft.config import PROTOCOLS
from asft.metrics import Judged
from asft.tables.columns import Names, names_of
from asft.tables.paper import judge_note, shown_paper_columns
from asft.tables.table2_columns import AVG_TOKENS, Block, JudgedColumn, block_of


class Panel(NamedTuple):
    """One benchmark under one judge, scored by its protocol."""

    benchmark: str
    judge: str
    protocol: str

    @property
    def block(self) -> Block:
        return block_of(self.protocol)

    @property
    def pairwise(self) -> bool:
        """True if the score is a win rate against a baseline."""
        return PROTOCOLS[self.protocol].pairwise

    @property
    def prefix(self) -> str:
        return self.block.prefix.format(benchmark=self.benchmark, judge=self.judge)

    @property
    def headline(self) -> str:
        return self.block.name.format(benchmark=self.benchmark, judge=self.judge)

    @property
    def names(self) -> Names:
        """The headline's names in the CSV."""
        return names_of(self.headline, self.prefix)

    def named(self, key: str) -> str:
        """Return the name in the CSV of what belongs to this panel alone."""
        return f"{self.prefix}_{key}"

    def name(self, column: JudgedColumn, row: Container[str]) -> str:
        """Return a column's name in a row: at its end the panel's own only if several have one."""
        name = self.named(column.key)
        return name if column.of != "all" or name in row else column.key

    def shows(self, column: JudgedColumn, row: Container[str]) -> bool:
        """Tell whether a table shows a column: a rare one only where its rows have it."""
        return not column.rare or self.named(column.key) in row


class Entry(NamedTuple):
    """One method's entry in Table 2: its seeds, and what each panel's judge said of it."""

    method: str
    seeds: list[int]
    cells: dict[Panel, Judged]

    @property
    def is_control(self) -> bool:
        return is_control(self.method)


def is_control(method: str) -> bool:
    """Tell whether a row is no contestant but a test of the judge: a constant answer, an echo, …"""
    return method.startswith("control_")


def columns_at_end(panels: Iterable[Panel]) -> list[tuple[Panel, JudgedColumn]]:
    """List the columns at a row's end; without win rates the length on the first benchmark too."""
    panels = list(panels)
    found = [(p, column) for p in panels for column in p.block.columns if column.of == "all"]
    known = any(column.key == AVG_TOKENS.key for _, column in found)
    return found if known else [(panels[0], AVG_TOKENS), *found]


def judge_models(entries: Sequence[Entry], panel: Panel) -> list[str]:
    """List the models that answered as this panel's judge; its own name where no file says."""
    named = {name for entry in entries for name in entry.cells[panel].judge_models}
    return sorted(named) or [panel.judge]


def panel_note(entries: Sequence[Entry], panel: Panel) -> str:
    """Return the note of a panel: whether its judge is the paper's, and how verdicts count."""
    note = judge_note(panel.benchmark, judge_models(entries, panel))
    return "; ".join(filter(None, [note, entries[0].cells[panel].rules]))


def remarks(entry: Entry) -> list[str]:
    """List what must be said of an entry's values, which stand as they are."""
    return [f"{p.headline}: {found.remark}" for p, found in entry.cells.items() if found.remark]


def published_columns(entries: Sequence[Entry], panel: Panel) -> list[str]:
    """List the columns of the paper's Table 2 that stand beside this panel."""
    return shown_paper_columns(panel.benchmark, judge_models(entries, panel))


def judge_label(entries: Sequence[Entry], panel: Panel) -> str:
    """Return the judge's name in the config, and the model that answered if that is another."""
    model = judge_models(entries, panel)[0]
    return panel.judge if model == panel.judge else f"{panel.judge} ({model})"
