"""Prepare completions that policies rank: from rows, or a data set's held-out pairs.

Reads  the sources of benchmarks.{benchmark}, or <results>/data/{dataset}/pairs.parquet
Writes <results>/benchmarks/{benchmark}/comparisons.jsonl, and comparisons.card.json
By hand: asft prepare-comparisons --settings JSON --name NAME --out comparisons.jsonl
"""

from itertools import islice
from pathlib import Path
from typing import Any

from asft.config import ImplicitReward, unpinned
from asft.data.comparisons import Comparison, heldout_comparisons, parser_of
from asft.data.drops import Drops
from asft.data.rows import Row, Unusable
from asft.data.sources import open_rows
from asft.errors import UserError
from asft.files import write_json, write_jsonl


def write_comparisons(settings: str, name: str, out: Path, pairs: Path | None = None) -> None:
    """Write the completions that a benchmark asks policies to rank, and a card of what was dropped.

    Args:
        settings: a benchmark with the protocol implicit_reward, as JSON
        out: comparisons.jsonl; the card goes beside it
        pairs: pairs.parquet of the data set that the settings name

    Raises:
        UserError: a source fails, too many rows are unusable, or no pair is held out.
    """
    benchmark = ImplicitReward.model_validate_json(settings)
    if benchmark.dataset:
        if pairs is None:
            raise UserError(f"benchmark {name!r}: give --pairs, those of {benchmark.dataset}")
        kept = list(islice(heldout_comparisons(pairs), benchmark.limit))
        if not kept:
            raise UserError(f"{pairs}: no held-out pairs; set datasets.{benchmark.dataset}.heldout")
        card: dict[str, Any] = {"dataset": benchmark.dataset}
    else:
        kept, drops = _of_sources(benchmark, name)
        card = {"format": benchmark.format, **drops.counts()}
        card |= {"unpinned": unpinned(benchmark.sources)}
    write_jsonl(out, kept)
    subsets: dict[str, int] = {}
    for comparison in kept:
        subsets[comparison.subset] = subsets.get(comparison.subset, 0) + 1
    about = {"benchmark": name, "asked": len(kept), "subsets": subsets}
    write_json(out.with_suffix(".card.json"), about | card)


def _of_sources(benchmark: ImplicitReward, name: str) -> tuple[list[Comparison], Drops]:
    parse = parser_of(str(benchmark.format))
    seen: set[tuple[str, str]] = set()

    def use(row: Row) -> Comparison:
        found = parse(row)
        if (found.subset, found.question_id) in seen:
            raise Unusable("duplicate")
        seen.add((found.subset, found.question_id))
        return found

    drops = Drops()
    kept = drops.sift(open_rows(benchmark.sources), "row", use)
    where = f"benchmark {name!r} ({benchmark.format})"
    drops.check(benchmark.max_dropped_share, where, f"benchmarks.{name}.max_dropped_share")
    return kept[: benchmark.limit], drops
