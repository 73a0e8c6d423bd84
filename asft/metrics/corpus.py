"""The reference metrics of Table 3, and how values per question are pooled to one of a corpus."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
# Looks at nothing but the sums over questions, and for `mean` their number.
Aggregate = Callable[[Values], Values]
# The order that `corpus_bleu` expects.
BLEU_COUNTS = (
    *(f"bleu_correct{n}" for n in range(1, 5)),
    *(f"bleu_total{n}" for n in range(1, 5)),
    "bleu_sys_len",
    "bleu_ref_len",
)


class Metric(NamedTuple):
    """The way from the columns of the score files to one number of a table."""

    columns: tuple[str, ...]
    over_questions: Aggregate


def mean(values: Values) -> Values:
    """Return the mean over questions: (..., n, 1) -> (...)."""
    return np.asarray(values[..., 0].mean(axis=-1))


def of_sums(aggregate: Aggregate, sums: Values, n: int) -> Values:
    """Return `aggregate` of `n` questions that have these sums over them: (..., k) -> (...)."""
    found = aggregate(sums[..., None, :])
    return found / n if aggregate is mean else found


def measured(*sides: Values) -> NDArray[np.bool_]:
    """Return which questions have all their values on all sides, (n,); a side is (seeds, n, k)."""
    missing = [np.isnan(side).any(axis=(0, 2)) for side in sides]
    return np.asarray(~np.any(missing, axis=0))


def corpus_bleu(counts: Values) -> Values:
    """Return sacreBLEU's corpus BLEU, 0-100, of summed counts.

    Shapes: (..., n, 10 `BLEU_COUNTS`) -> (...).

    Equals `sacrebleu.metrics.BLEU.compute_bleu(..., smooth_method="exp")`, which takes one corpus
    at a time: the k-th n-gram order without a match counts as 1 / 2^k matches; BLEU is 0 if no
    order has a match or some order has no n-gram.
    """
    sums = counts.sum(axis=-2)
    correct, total = sums[..., 0:4], sums[..., 4:8]
    system, reference = sums[..., 8], sums[..., 9]
    defined = (correct > 0).any(axis=-1) & (total > 0).all(axis=-1)
    unmatched = correct == 0
    matches = np.where(unmatched, 0.5 ** np.cumsum(unmatched, axis=-1), correct)
    log_precision = np.log(matches / np.maximum(total, 1)).mean(axis=-1)
    log_brevity = np.minimum(0, 1 - reference / np.maximum(system, 1))
    return np.where(defined, 100 * np.exp(log_brevity + log_precision), 0.0)


ROUGE = ("rouge1", "rouge2", "rougeL")
MEANS = (*ROUGE, "lf_bleu4", "lf_rouge1", "lf_rouge2", "lf_rougeL")
METRICS = {
    "bleu4": Metric(BLEU_COUNTS, corpus_bleu),
    **{name: Metric((name,), mean) for name in MEANS},
}
