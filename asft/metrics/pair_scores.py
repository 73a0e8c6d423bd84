"""Score a policy on preference pairs, by its own log-probabilities and without a judge.

Reads  log-probabilities of pairs under a policy, and under what it was trained from, as
       `asft reference` writes them
Writes <results>/runs/{run}/scores/{dataset}/pairs.csv, one row per pair

By hand: asft score-pairs --help
"""

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asft.config import PAIR_METRICS
from asft.errors import UserError
from asft.files import write_text
from asft.metrics.corpus import Values
from asft.metrics.rankings import share_of_first
from asft.metrics.score_files import finite, read_cells
from asft.parquet import read_parquet

SIDES = ("chosen_sum", "chosen_tokens", "rejected_sum", "rejected_tokens")


class PairScores(NamedTuple):
    """The numbers of one score file; `columns` are (n,) arrays in the order of `pair_ids`."""

    path: Path
    pair_ids: list[str]
    columns: dict[str, Values]


def score_pairs(logps: Path, reference: Path, out: Path) -> None:
    """Write what a policy prefers, one CSV row per pair of `logps`.

    margin is the chosen completion's log-probability per token less the rejected one's, as a
    training's history has it; reward_margin the difference of the log-ratios of policy and
    reference, summed over tokens: the implicit reward of DPO (Rafailov et al. 2023), without beta.
    Each accuracy is 100 where its margin is above 0, and 50 where it is 0, as `share_of_first`
    counts it in Table 4; a training's history counts those above 0 alone, as TRL does.

    Args:
        logps: of the pairs under the policy, in nats
        reference: of these and maybe other pairs under the reference
        out: a CSV file

    Raises:
        UserError: a file lacks a column, a pair is not in `reference`, has another length there,
            or holds one completion.
    """
    own, start = _read(logps), _read(reference)
    rows = []
    for pair, (chosen, chosen_tokens, rejected, rejected_tokens) in own.items():
        if pair not in start:
            raise UserError(f"{reference}: no pair {pair!r}; made from other data than {logps}")
        of_chosen, of_rejected = start[pair][0], start[pair][2]
        lengths = chosen_tokens, rejected_tokens
        if lengths != start[pair][1::2] or 0 in lengths:
            raise UserError(f"{logps}: pair {pair!r}: completions of other lengths in {reference}")
        margin = chosen / chosen_tokens - rejected / rejected_tokens
        reward = (chosen - of_chosen) - (rejected - of_rejected)
        both = ((f"{100 * _won(each):g}", f"{each:.6f}") for each in (margin, reward))
        rows.append([pair, *chain.from_iterable(both)])
    if not rows:
        raise UserError(f"{logps}: no pairs")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["pair_id", *PAIR_METRICS], *rows])
    write_text(out, text.getvalue())


def _won(margin: float) -> float:
    return share_of_first(np.array([margin, 0.0]), 1)


def _read(path: Path) -> dict[str, tuple[float, ...]]:
    table = read_parquet(path, columns=["id", *SIDES]).to_pydict()
    values = zip(*(table[name] for name in SIDES), strict=True)
    return dict(zip(table["id"], values, strict=True))


def read_pair_scores(path: Path) -> PairScores:
    """Read one score file of pairs.

    Raises:
        UserError: no such file, no rows, or a missing or unusable number.
    """
    rows = read_cells(path)
    if lacking := [name for name in ("pair_id", *PAIR_METRICS) if name not in rows[0]]:
        raise UserError(f"{path}: no column {lacking[0]!r}; is this a file of score-pairs?")
    columns = {
        name: [finite(row[name], f"{path}, row {at}, {name}") for at, row in enumerate(rows, 1)]
        for name in PAIR_METRICS
    }
    ids = [row["pair_id"] for row in rows]
    return PairScores(path, ids, {name: np.array(found) for name, found in columns.items()})


def stacked(methods: Mapping[str, Sequence[PairScores]], metric: str) -> dict[str, Values]:
    """Return one metric of each method's training seeds, (seeds, pairs, 1).

    Raises:
        UserError: files differ in their pairs.
    """
    everything = [file for files in methods.values() for file in files]
    for file in everything:
        if file.pair_ids != everything[0].pair_ids:
            first = everything[0].path
            raise UserError(f"{file.path}: other pairs, or another order, than {first}")
    return {
        name: np.stack([file.columns[metric] for file in files])[..., None]
        for name, files in methods.items()
    }
