"""The columns of Table 2, one row each, and how a benchmark under one judge is made of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple

from asft.config import PROTOCOLS, judged_protocols
from asft.metrics import (
    FEATURES,
    Judged,
    by_category,
    by_turn,
    controlled_win_rates,
    first_position_rate,
    official_intervals,
    percentile_intervals,
    style_controlled_scores,
    swap_consistency,
)
from asft.tables.columns import Column

Cells = Mapping[str, Judged]  # by method
ByMethod = dict[str, Any]  # by method


@dataclass(frozen=True, kw_only=True)
class JudgedColumn(Column):
    """A column of Table 2 beside the headline.

    `values` gets cells by method and returns values by method; a text says why there is none. Whose
    cells show one: "contestants", those that were not refused, and `values` gets no others, for
    what is fitted to all of them at once; "scored", all that were not refused; "all", the refused
    too, for what does not rest on the verdicts that count. The last stand at the row's end.
    """

    values: Callable[[Cells], ByMethod]
    of: Literal["contestants", "scored", "all"] = "scored"
    habit: str = ""  # head in the report's table of judges
    rare: bool = False  # left out where no method has a value


class Block(NamedTuple):
    """The columns of a benchmark under one judge."""

    prefix: str  # of their names; with {judge} where a table may hold several
    name: str  # of the headline
    headline: Column
    columns: list[JudgedColumn]
    about: str = ""  # of its columns, where it is not what Table 2 says of all


def _each(value: Callable[[Any], Any]) -> Callable[[Cells], ByMethod]:
    """`value` of every cell by itself."""
    return lambda cells: {method: value(judged) for method, judged in cells.items()}


def _official(cells: Cells) -> ByMethod:
    """arena-hard-auto resamples the battles of all its models at once (show_result.py)."""
    games: list[Any] = [judged.content for judged in cells.values()]
    return dict(zip(cells, official_intervals(games), strict=True))


def _controlled(features: int, cells: Cells) -> ByMethod:
    """Win rates with the first of `FEATURES` controlled, fitted to all methods' games at once."""
    games: dict[str, Any] = {method: judged.content for method, judged in cells.items()}
    rates = controlled_win_rates(games, features)
    return {method: rate.reason or rate.win_rate for method, rate in rates.items()}


def _official_v2(cells: Cells) -> ByMethod:
    games: list[Any] = [judged.content for judged in cells.values()]
    return dict(zip(cells, percentile_intervals(games), strict=True))


def _official_style(cells: Cells) -> ByMethod:
    games: dict[str, Any] = {method: judged.content for method, judged in cells.items()}
    return dict(style_controlled_scores(games))


def _turn(number: int, judged: Any) -> float | None:
    return dict(enumerate(by_turn(judged.content), 1)).get(number)


# In a table without win rates that of the first benchmark.
AVG_TOKENS = JudgedColumn(
    key="avg_tokens",
    label="tokens",
    tex="tokens",
    digits=0,
    values=_each(lambda judged: judged.avg_tokens),
    of="all",
    page="Tokens",
)
WIN_RATE = Block(
    prefix="{benchmark}",
    name="{benchmark}_win_rate",
    headline=Column(
        key="win_rate",
        label="win rate",
        digits=1,
        kind="estimate",
        better="higher",
        page="win rate, %",
        card="win rate by {judge}, %",
        figure="win rate",
        unit="percentage points",
    ),
    columns=[
        JudgedColumn(
            key="official",
            label="official",
            tex="official",
            digits=1,
            kind="interval",
            values=_official,
            of="contestants",
        ),
        JudgedColumn(
            key="length_controlled",
            label="length-controlled",
            tex="length-contr.",
            digits=1,
            values=partial(_controlled, 1),
            of="contestants",
        ),
        JudgedColumn(
            key="style_controlled",
            label="style-controlled",
            tex="style-contr.",
            digits=1,
            values=partial(_controlled, len(FEATURES)),
            of="contestants",
        ),
        AVG_TOKENS,
        JudgedColumn(
            key="swap_consistency",
            label="swap-consistent",
            tex="consistent",
            digits=0,
            kind="share",
            values=_each(lambda judged: swap_consistency(judged.content)),
            of="all",
            habit="Same winner in both orders",
        ),
        JudgedColumn(
            key="first_position_rate",
            label="first position wins",
            tex="first wins",
            digits=0,
            kind="share",
            values=_each(lambda judged: first_position_rate(judged.content)),
            of="all",
            habit="First position wins",
        ),
    ],
)
_LATER_TURNS = [
    JudgedColumn(
        key=f"turn{n}", label=f"turn {n}", digits=2, values=_each(partial(_turn, n)), rare=True
    )
    for n in range(3, 10)
]
RATING = Block(
    prefix="{benchmark}_{judge}",
    name="{benchmark}_{judge}",
    headline=Column(
        key="rating",
        label="rating",
        digits=2,
        kind="estimate",
        better="higher",
        page="rating",
        card="rating by {judge}, 1-10",
        figure="rating",
        unit="points of 10",
    ),
    columns=[
        JudgedColumn(key="turn1", label="turn 1", digits=2, values=_each(partial(_turn, 1))),
        JudgedColumn(key="turn2", label="turn 2", digits=2, values=_each(partial(_turn, 2))),
        *_LATER_TURNS,
        JudgedColumn(
            key="category",
            label="category",
            digits=2,
            kind="means",
            values=_each(lambda judged: by_category(judged.content)),
        ),
    ],
)
WIN_RATE_V2 = WIN_RATE._replace(
    columns=[
        replace(WIN_RATE.columns[0], values=_official_v2),
        JudgedColumn(
            key="official_style",
            label="official, style-controlled",
            tex="official style",
            digits=1,
            kind="bounded",
            values=_official_style,
            of="contestants",
            page="official score, style-controlled, %",
        ),
        *WIN_RATE.columns[1:],
    ],
    about="Official: here the 90 % interval of arena-hard-auto v2.0 over resampled games; its"
    " official score, the win rate at the mean difference of style in all methods' games, has the"
    " same kind of interval. There is no score over several categories.",
)
BLOCKS = {
    "arena_hard": WIN_RATE,
    "arena_hard_v2": WIN_RATE_V2,
    "mt_bench": RATING,
    "alpaca_eval": WIN_RATE._replace(columns=[AVG_TOKENS]),
}


def block_of(protocol: str) -> Block:
    """Return a protocol's block; without a row here, one with a headline from config's facts."""
    if protocol in BLOCKS:
        return BLOCKS[protocol]
    facts = PROTOCOLS[protocol]
    like = WIN_RATE if facts.pairwise else RATING
    headline = replace(
        like.headline,
        key=facts.metric,
        label=facts.words,
        digits=facts.digits,
        page=f"{facts.words}, {facts.scale}",
        card=f"{facts.words} by {{judge}}, {facts.scale}",
        figure=facts.words,
        unit=facts.scale,
    )
    return like._replace(headline=headline, columns=[])


def headlines() -> dict[str, Column]:
    """Return the headline of every judged protocol, by its key."""
    blocks = map(block_of, judged_protocols())
    return {block.headline.key: block.headline for block in blocks}
