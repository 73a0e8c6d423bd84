"""Scores, margin and weight of a pair: columns of its row, whatever the row's format.

`score_chosen`, `score_rejected`, `margin`, `weight`; columns of other names are renamed by the data
set's `columns`.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from asft.data.rows import Row, Unusable
from asft.records import NO_NUMBERS, PairNumbers

Numbers = PairNumbers[float]


def numbers_of(row: Row) -> Numbers:
    """Read what a row says of its pair in numbers.

    A score or margin that is no finite number is taken as not said, and the card counts how many
    are. A weight multiplies the loss of every method: an unreadable one drops the row.

    Raises:
        Unusable: malformed_weight.
    """
    chosen, rejected, margin = map(_number, map(row.get, PairNumbers._fields[:3]))
    weight = row.get("weight")
    if weight is None:
        weight = NO_NUMBERS.weight
    elif not _number(weight) >= 0:
        raise Unusable("malformed_weight")
    margin = chosen - rejected if math.isnan(margin) else margin
    return PairNumbers(chosen, rejected, margin, float(weight))


def said_of_any(numbers: Iterable[Numbers]) -> list[str]:
    """Return the names of the numbers that are said of any of the pairs."""
    said = dict.fromkeys(PairNumbers._fields, False)
    for each in numbers:
        for name, value, nothing in zip(said, each, NO_NUMBERS, strict=True):
            said[name] |= not (value == nothing or math.isnan(value))
    return [name for name, is_said in said.items() if is_said]


def number_columns(numbers: Sequence[Numbers], names: Sequence[str]) -> dict[str, Any]:
    """Return columns of the numbers with these names; null where one is not said."""
    columns = {}
    for name in names:
        values = [getattr(each, name) for each in numbers]
        given = [None if math.isnan(value) else value for value in values]
        columns[name] = pa.array(given, pa.float64())
    return columns


def count_numbers(numbers: Sequence[Numbers]) -> dict[str, dict[str, float]]:
    """Return of how many pairs each number is said, and its least, mean and largest value."""
    found = {}
    for name, column in number_columns(numbers, said_of_any(numbers)).items():
        said = [value for value in column.to_pylist() if value is not None]
        mean = round(math.fsum(said) / len(said), 6)
        found[name] = {"pairs": len(said), "min": min(said), "mean": mean, "max": max(said)}
    return found


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return math.nan
    return float(value)
