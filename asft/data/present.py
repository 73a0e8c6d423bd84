"""Pairs of a data set that are on this machine already: nothing is downloaded for them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from asft.config import Dataset, Source
from asft.data.pair_formats import FORMATS
from asft.data.pair_table import read_pairs
from asft.data.rows import Unusable, renamed
from asft.data.sources import is_here, open_rows
from asft.records import Pair


def pairs_here(dataset: Dataset, name: str, made: Path) -> Iterator[Pair] | None:
    """Return the pairs of a data set, from the first row on; None where they are not here.

    Rows that hold no pair are left out.

    Args:
        made: the folder that `prepare-dataset` writes; what lies there wins.

    Raises:
        UserError: the files that are here cannot be read, while the pairs are gone through too.
    """
    prepared = made / "pairs.parquet"
    if prepared.is_file():
        return (pair for _, pair in read_pairs(prepared))
    return source_pairs(dataset, name, dataset.sources, dataset.limit)


def source_pairs(
    dataset: Dataset, name: str, sources: Sequence[Source], limit: int | None = None
) -> Iterator[Pair] | None:
    """Return the pairs of the first of a data set's sources that is here; None where none is.

    Rows that hold no pair are left out.

    Raises:
        UserError: the files that are here cannot be read, while the pairs are gone through too.
    """
    source = next(filter(is_here, sources), None)
    if source is None:
        return None
    rows = renamed(open_rows([source], limit), dataset.columns, f"datasets.{name}.columns")

    def parsed() -> Iterator[Pair]:
        for row in rows:
            with suppress(Unusable):
                yield FORMATS[dataset.format](row)

    return parsed()
