"""Table 2's rows: what each column says of each method, what it refuses to say, and warnings."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from asft.config import Statistics
from asft.metrics import (
    FEATURES,
    Content,
    Games,
    Interval,
    Judged,
    Ratings,
    by_category,
    by_turn,
    controlled_win_rates,
    first_position_rate,
    official_intervals,
    outcome,
    swap_consistency,
)
from asft.tables import paper
from asft.tables.paper import judge_note, shown_paper_columns

Row = dict[str, Any]


class Column(NamedTuple):
    """One benchmark under one judge; `pairwise` is a win rate, else a mean rating."""

    benchmark: str
    judge: str
    pairwise: bool

    @property
    def prefix(self) -> str:
        return self.benchmark if self.pairwise else f"{self.benchmark}_{self.judge}"

    @property
    def headline(self) -> str:
        return f"{self.prefix}_win_rate" if self.pairwise else self.prefix


class Entry(NamedTuple):
    """One method: its seeds, and what each column's judge said of it."""

    method: str
    seeds: list[int]
    cells: dict[Column, Judged]

    @property
    def is_control(self) -> bool:
        """Not a contestant but a test of the judge: a constant answer, an echo, an injection."""
        return self.method.startswith("control_")


class Table(NamedTuple):
    """All of Table 2; a row holds what a line of the CSV does."""

    entries: list[Entry]
    columns: list[Column]
    rows: list[Row]
    differences: list[Row]


def build(entries: list[Entry], statistics: Statistics, min_coverage: float) -> Table:
    """Rows and differences; the headline of a cell with too little coverage is None."""
    columns = list(entries[0].cells)
    refused = {
        (entry.method, column): reason
        for entry in entries
        for column in columns
        if (reason := _refusal(entry.cells[column], min_coverage))
    }
    rows: list[Row] = [{"method": entry.method, "seeds": len(entry.seeds)} for entry in entries]
    reasons: list[list[str]] = [[] for _ in rows]
    for column in columns:
        shown = {e.method: e for e in entries if (e.method, column) not in refused}
        compared = _compared([e for e in shown.values() if not e.is_control], column)
        about = _about_judge(entries, column)
        for entry, row, why in zip(entries, rows, reasons, strict=True):
            judged, content = entry.cells[column], entry.cells[column].content
            row |= _empty(column, content) | {f"{column.prefix}_n": content.n_asked}
            row |= {f"{column.prefix}_n_unscored": content.n_asked - content.n_scored} | about
            if entry.method in shown:
                values, missing = compared.get(entry.method, ({}, []))
                row |= _cells(column, judged, statistics) | values
                why += missing
            else:
                why.append(f"{column.headline}: {refused[entry.method, column]}")
    for entry, row, why in zip(entries, rows, reasons, strict=True):
        row |= _habits(entry) | _published(entry.method) | {"refused": "; ".join(why)}
    base = next((row for row in rows if row["method"] == "base"), None)
    for entry, row in zip(entries, rows, strict=True):
        fooled = [c for c in columns if entry.is_control and _fools(row, base, c)]
        row["fools"] = " ".join(column.prefix for column in fooled)
        row["warning"] = "; ".join(_warnings(row, base, columns) if entry.is_control else [])
    contestants = [entry for entry in entries if not entry.is_control]
    pairs = [(a, b, c) for c in columns for a, b in combinations(contestants, 2)]
    kept = [p for p in pairs if not {(p[0].method, p[2]), (p[1].method, p[2])} & refused.keys()]
    return Table(entries, columns, rows, list(_differences(kept, statistics)))


def _refusal(judged: Judged, min_coverage: float) -> str:
    content = judged.content
    counts = f"{content.n_scored} of {content.n_asked} {judged.facts.unit} scored"
    if content.n_scored < min_coverage * content.n_asked:
        return f"{counts}, less than the required {100 * min_coverage:g} %"
    if judged.n_questions_scored < 2:
        return f"{counts}; an interval needs at least 2 questions"
    return ""


def judge_models(entries: Sequence[Entry], column: Column) -> list[str]:
    """The models that answered as this column's judge; its own name where no file says."""
    named = {name for entry in entries for name in entry.cells[column].judge_models}
    return sorted(named) or [column.judge]


def published_columns(entries: Sequence[Entry], column: Column) -> list[str]:
    """The columns of the paper's Table 2 that stand beside this one."""
    return shown_paper_columns(column.benchmark, judge_models(entries, column))


def judge_label(entries: Sequence[Entry], column: Column) -> str:
    """The judge's name in the config, and the model that answered where that is another."""
    model = judge_models(entries, column)[0]
    return column.judge if model == column.judge else f"{column.judge} ({model})"


def _about_judge(entries: Sequence[Entry], column: Column) -> Row:
    return {
        f"{column.prefix}_judge": judge_label(entries, column),
        f"{column.prefix}_judge_note": judge_note(column.benchmark, judge_models(entries, column)),
    }


def _compared(entries: list[Entry], column: Column) -> dict[str, tuple[Row, list[str]]]:
    """What comes from the games of all methods shown together, and why a value is missing.

    arena-hard-auto resamples the battles of all its models at once (show_result.py), and style
    control fits them at once.
    """
    contents = {entry.method: entry.cells[column].content for entry in entries}
    games = {method: found for method, found in contents.items() if isinstance(found, Games)}
    if not games:
        return {}
    official = official_intervals(list(games.values()))
    length, style = controlled_win_rates(games, 1), controlled_win_rates(games, len(FEATURES))
    found = {}
    for method, (low, high) in zip(games, official, strict=True):
        rates = {"length_controlled": length[method], "style_controlled": style[method]}
        row: Row = {"official_low": low, "official_high": high}
        row |= {name: rate.win_rate for name, rate in rates.items() if not rate.reason}
        missing = [f"{column.prefix}_{n}: {r.reason}" for n, r in rates.items() if r.reason]
        found[method] = {f"{column.prefix}_{name}": v for name, v in row.items()}, missing
    return found


def _empty(column: Column, content: Content) -> Row:
    """The column's names, in order, without values."""
    others: list[str] = []
    bounds = [column.headline, *(f"{column.prefix}_{end}" for end in ("low", "high", "seed_sd"))]
    if isinstance(content, Ratings):
        named = [name for name in dict.fromkeys(content.categories) if name]
        others = ["turn1", "turn2", *(f"category_{name}" for name in named)]
    elif isinstance(content, Games):
        others = ["official_low", "official_high", "length_controlled", "style_controlled"]
    return dict.fromkeys([*bounds, *(f"{column.prefix}_{name}" for name in others)])


def _cells(column: Column, judged: Judged, statistics: Statistics) -> Row:
    found = judged.interval(statistics)
    row = {column.headline: found.value} | _bounds(column, found)
    if not isinstance(judged.content, Ratings):
        return row
    means = {f"turn{n}": mean for n, mean in enumerate(by_turn(judged.content), 1)}
    named = {name: mean for name, mean in by_category(judged.content).items() if name}
    means |= {f"category_{name}": mean for name, mean in named.items()}
    return row | {f"{column.prefix}_{n}": mean for n, mean in means.items() if mean == mean}


def _bounds(column: Column, found: Interval) -> Row:
    names = ("low", "high", "seed_sd")
    return {f"{column.prefix}_{name}": getattr(found, name) for name in names}


def _habits(entry: Entry) -> Row:
    """Length of the answers and the judge's taste for position, from the win rate's games.

    Without a win rate the length is that on the first column's benchmark. Names carry the
    benchmark when there are several win rates.
    """
    pairwise = [column for column in entry.cells if column.pairwise]
    row: Row = {}
    for column in pairwise:
        prefix = f"{column.benchmark}_" if len(pairwise) > 1 else ""
        judged = entry.cells[column]
        if isinstance(judged.content, Games):
            row[f"{prefix}avg_tokens"] = judged.avg_tokens
            row[f"{prefix}swap_consistency"] = swap_consistency(judged.content)
            row[f"{prefix}first_position_rate"] = first_position_rate(judged.content)
    return row or {"avg_tokens": next(iter(entry.cells.values())).avg_tokens}


def _published(method: str) -> Row:
    values = paper.TABLE2.get(method, (None,) * len(paper.TABLE2_COLUMNS))
    names = [f"paper_{name}" for name in paper.TABLE2_COLUMNS]
    return dict(zip(names, values, strict=True))


def _fools(row: Row, base: Row | None, column: Column) -> bool:
    """Whether a control scores at or above the base policy."""
    ours, theirs = row[column.headline], base[column.headline] if base else None
    return ours is not None and theirs is not None and bool(ours >= theirs)


def _warnings(row: Row, base: Row | None, columns: list[Column]) -> Iterator[str]:
    """Columns in which a control scores at or above the base policy, or has no score at all."""
    for column in columns:
        ours = row[column.headline]
        if ours is None:
            yield (
                f"{row['method']} was not scored on {column.benchmark} by judge {column.judge}:"
                " whether it fools this judge is not known"
            )
        elif base and _fools(row, base, column):
            yield (
                f"{row['method']} scores {ours:.2f} on {column.benchmark} by judge {column.judge},"
                f" at or above base ({base[column.headline]:.2f}): this judge can be fooled,"
                " do not trust this column"
            )


def _differences(pairs: list[tuple[Entry, Entry, Column]], statistics: Statistics) -> Iterator[Row]:
    for first, second, column in pairs:
        judged = first.cells[column]
        found, n = judged.difference(second.cells[column], statistics)
        yield {
            "benchmark": column.benchmark,
            "judge": column.judge,
            "method_a": first.method,
            "method_b": second.method,
            "metric": judged.facts.metric,
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "p_value": found.p_value,
            "verdict": outcome(found, statistics),
            "n": n,
            "seeds": max(len(first.seeds), len(second.seeds)),
        }
