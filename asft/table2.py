"""Table 2's rows: what each column says of each method, what it refuses to say, and warnings."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from asft import battles, paper, ratings
from asft.battles import Games
from asft.config import Statistics
from asft.ratings import Ratings
from asft.stats import Interval, verdict
from asft.style_control import FEATURES, Controlled, controlled_win_rates
from asft.verdict_scores import Judged

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
    """All of Table 2; a row holds what a line of the CSV does, before rounding."""

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
        controlled = _controlled([e for e in shown.values() if not e.is_control], column)
        for entry, row, why in zip(entries, rows, reasons, strict=True):
            content = entry.cells[column].content
            row |= _empty(column) | {f"{column.prefix}_n": content.n_asked}
            row[f"{column.prefix}_n_unscored"] = content.n_asked - content.n_scored
            if entry.method in shown:
                row |= _cells(column, content, statistics)
                for name, found in controlled.get(entry.method, {}).items():
                    row[f"{column.prefix}_{name}"] = found.win_rate
                    why += [f"{column.prefix}_{name}: {found.reason}"] if found.reason else []
            else:
                why.append(f"{column.headline}: {refused[entry.method, column]}")
    for entry, row, why in zip(entries, rows, reasons, strict=True):
        row |= _habits(entry) | _published(entry.method) | {"refused": "; ".join(why)}
    base = next((row for row in rows if row["method"] == "base"), None)
    for entry, row in zip(entries, rows, strict=True):
        row["warning"] = "; ".join(_warnings(row, base, columns) if entry.is_control else [])
    contestants = [entry for entry in entries if not entry.is_control]
    pairs = [(a, b, c) for c in columns for a, b in combinations(contestants, 2)]
    kept = [p for p in pairs if not {(p[0].method, p[2]), (p[1].method, p[2])} & refused.keys()]
    return Table(entries, columns, rows, list(_differences(kept, statistics)))


def _refusal(judged: Judged, min_coverage: float) -> str:
    content = judged.content
    unit = "games" if isinstance(content, Games) else "ratings"
    counts = f"{content.n_scored} of {content.n_asked} {unit} scored"
    if content.n_scored < min_coverage * content.n_asked:
        return f"{counts}, less than the required {100 * min_coverage:g} %"
    if judged.n_questions_scored < 2:
        return f"{counts}; an interval needs at least 2 questions"
    return ""


def _controlled(entries: list[Entry], column: Column) -> dict[str, dict[str, Controlled]]:
    """Length- and style-controlled win rates of the methods that are shown, fitted together."""
    contents = {entry.method: entry.cells[column].content for entry in entries}
    games = {method: found for method, found in contents.items() if isinstance(found, Games)}
    length, style = controlled_win_rates(games, 1), controlled_win_rates(games, len(FEATURES))
    return {m: {"length_controlled": length[m], "style_controlled": style[m]} for m in games}


def _empty(column: Column) -> Row:
    """The column's names, in order, without values."""
    bounds = [column.headline, *(f"{column.prefix}_{end}" for end in ("low", "high", "seed_sd"))]
    if column.pairwise:
        others = ["official_low", "official_high", "length_controlled", "style_controlled"]
    else:
        others = ["turn1", "turn2"]
    return dict.fromkeys([*bounds, *(f"{column.prefix}_{name}" for name in others)])


def _cells(column: Column, content: Games | Ratings, statistics: Statistics) -> Row:
    if isinstance(content, Games):
        found = battles.win_rate_interval(content, statistics)
        official = battles.official_intervals([content])[0]
        others = dict(zip(("official_low", "official_high"), official, strict=True))
    else:
        found = ratings.rating_interval(content, statistics)
        means = ratings.by_turn(content)
        others = {f"turn{n}": mean for n, mean in enumerate(means, 1) if mean == mean}
    row = {column.headline: found.value} | _bounds(column, found)
    return row | {f"{column.prefix}_{name}": value for name, value in others.items()}


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
            row[f"{prefix}swap_consistency"] = battles.swap_consistency(judged.content)
            row[f"{prefix}first_position_rate"] = battles.first_position_rate(judged.content)
    return row or {"avg_tokens": next(iter(entry.cells.values())).avg_tokens}


def _published(method: str) -> Row:
    values = paper.TABLE2.get(method, (None,) * len(paper.TABLE2_COLUMNS))
    names = [f"paper_{name}" for name in paper.TABLE2_COLUMNS]
    return dict(zip(names, values, strict=True))


def _warnings(row: Row, base: Row | None, columns: list[Column]) -> Iterator[str]:
    """Columns in which a control scores at or above the base policy."""
    for column in columns:
        ours = row[column.headline]
        theirs = base[column.headline] if base else None
        if ours is not None and theirs is not None and ours >= theirs:
            yield (
                f"{row['method']} scores {ours:.2f} on {column.benchmark} by judge"
                f" {column.judge}, at or above base ({theirs:.2f}): this judge can be fooled,"
                " do not trust this column"
            )


def _differences(pairs: list[tuple[Entry, Entry, Column]], statistics: Statistics) -> Iterator[Row]:
    for first, second, column in pairs:
        a, b = first.cells[column].content, second.cells[column].content
        if isinstance(a, Games) and isinstance(b, Games):
            found, n = battles.win_rate_difference(a, b, statistics)
        elif isinstance(a, Ratings) and isinstance(b, Ratings):
            found, n = ratings.rating_difference(a, b, statistics)
        else:
            raise TypeError("a column holds games or ratings, not both")
        yield {
            "benchmark": column.benchmark,
            "judge": column.judge,
            "method_a": first.method,
            "method_b": second.method,
            "metric": "win_rate" if column.pairwise else "rating",
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "p_value": found.p_value,
            "verdict": verdict(found, statistics),
            "n": n,
            "seeds": max(len(first.seeds), len(second.seeds)),
        }
