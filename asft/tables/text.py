"""Texts that the tables share."""

from typing import Any

import pandas as pd

from asft.config import Statistics

Row = dict[str, Any]  # a line of a table, by the names in its CSV
NONE = "—"
DECIMALS = 4  # in the CSV
COUNTS = ("compared", "n_compared", "not_readable")  # columns of counts in it that may be empty
DIFFERENCES = (
    "First minus second. Better or worse: the interval excludes 0, and p is below 1 − confidence;"
    " of each comparison alone. Corrected, of those with a baseline, all of one metric together: p"
    " by Holm, of so many comparisons; simultaneous intervals, which hold all truths at once. By"
    " steps: Holm's later steps find it, no simultaneous interval shows it."
)


def explain_intervals(statistics: Statistics, seeds: int) -> str:
    """Explain "[low, high]" in a table with this many seeds per method."""
    if seeds == 1:
        return (
            f"[low, high]: {100 * statistics.confidence:g} %, over questions (t quantiles,"
            " corrected for skewness). One training seed: what another would give is not in it."
        )
    return (
        f"[low, high]: {100 * statistics.confidence:g} %, over questions and training seeds"
        f" (their variance over questions plus that between {seeds} seeds; t quantiles,"
        " Satterthwaite's degrees of freedom, corrected for skewness). ±: standard deviation"
        " between seeds. Rows with one seed: over questions alone."
    )


def explain_verdict(row: Row) -> str:
    """Return "better", "worse", or "not separable with …"; `row` is one of the differences."""
    if row["verdict"] != "not separable":
        return str(row["verdict"])
    counts = _several(int(row["n"]), "question")
    if row.get("seeds"):  # the paper does not say how many it trained with
        counts += f" and {_several(int(row['seeds']), 'seed')}"
    return f"not separable with {counts}"


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rounded(rows: list[Row]) -> list[Row]:
    """Round the numbers of rows as the CSV holds them.

    All who shorten them further then shorten them alike.
    """
    return [
        {
            name: round(cell, DECIMALS) + 0.0 if isinstance(cell, float) else cell  # never -0.0
            for name, cell in row.items()
        }
        for row in rows
    ]


def csv_text(table: pd.DataFrame) -> str:
    """Return a table's CSV, the same bytes on every machine."""
    table = table.astype({name: "Int64" for name in COUNTS if name in table})
    return table.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")


def p_text(p_value: float) -> str:
    """Return a p-value in four digits, never as zero: no test has found one impossible."""
    return "< 0.0001" if p_value < 0.00005 else f"{p_value:.4f}"


def signed(value: float, digits: int) -> str:
    """Return a difference with its sign; without one where it is zero in so many digits."""
    return f"{value:{'+' if round(value, digits) else 'z'}.{digits}f}"


def spread(seed_sd: float | None, digits: int) -> str:
    """Return " ± sd", to stand behind a value, where there are several seeds; else ""."""
    return "" if seed_sd is None or seed_sd != seed_sd else f" ± {seed_sd:z.{digits}f}"


def bracketed(low: float, high: float, digits: int) -> str:
    """Return an interval as "[low, high]"."""
    return f"[{low:z.{digits}f}, {high:z.{digits}f}]"


def named(row: Row, rows: list[Row]) -> dict[str, str]:
    """Return the cell with a row's base model where `rows` are of several; else nothing."""
    return {"model": row["model"]} if len({row.get("model") for row in rows}) > 1 else {}


def grid(rows: list[dict[str, str]]) -> str:
    """Return a Markdown table of rows; a row's keys are the heads."""
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def difference_texts(row: Row, digits: int) -> dict[str, str]:
    """Return the last cells of a line of differences: value, p, verdict; then what is corrected.

    The first cells say of whom and in what.
    """
    bounds = _bounds(row["low"], row["high"], digits)
    cells = {
        "difference": f"{signed(row['difference'], digits)} {bounds}",
        "p": _p(row["p_value"]),
        "first is": explain_verdict(row),
    }
    compared = row.get("compared")
    if not compared or compared != compared:
        return cells | dict.fromkeys(("p, Holm", "simultaneous", "corrected"), "")
    return cells | {
        "p, Holm": f"{_p(row['p_holm'])}, of {compared:.0f}",
        "simultaneous": _bounds(row["low_simultaneous"], row["high_simultaneous"], digits),
        "corrected": row["verdict_corrected"],
    }


def _bounds(low: float | None, high: float | None, digits: int) -> str:
    return NONE if low is None or high is None or low != low else bracketed(low, high, digits)


def _p(p_value: float | None) -> str:
    return NONE if p_value is None or p_value != p_value else p_text(p_value)
