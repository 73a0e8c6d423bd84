"""What the reference metrics count, each the number of the library that defines it, in less time.

The libraries' own ways take most of the time of scoring: a table of n x m Python objects for a
common subsequence, and tuples for n-grams of characters.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rouge_score.scoring import fmeasure

from asft.metrics.tokenizers import rouge_words

BLEU_ORDER = 4
# Keys are numbered by a table of so many; sorting them, as for more, takes twice as long.
TABLE = 2**17


def lcs_length(first: list[str], second: list[str]) -> int:
    """Return the length of the longest common subsequence, by bit-parallel rows (Hyyrö 2004).

    Stands in for rouge_chinese's and rouge-score's own (4 s and 0.5 GB for two answers of 2000
    words).
    """
    positions: dict[str, int] = {}
    for index, word in enumerate(first):
        positions[word] = positions.get(word, 0) | 1 << index
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        if matches := row & positions.get(word, 0):
            row = ((row + matches) | (row - matches)) & full
    return len(first) - row.bit_count()


def rouge_f1(prediction: str, references: Sequence[str]) -> dict[str, float]:
    """Return rouge-score's rouge1, rouge2 and rougeL without stemming, F1 from 0 to 1.

    Of several references each takes the best one.
    """
    ours = rouge_words(prediction)
    pairs = [(ours, rouge_words(reference)) for reference in references]
    return {
        "rouge1": max(_ngram_f1(*pair, 1) for pair in pairs),
        "rouge2": max(_ngram_f1(*pair, 2) for pair in pairs),
        "rougeL": max(_f1(lcs_length(b, a), len(a), len(b)) for a, b in pairs),
    }


def _ngram_f1(first: Sequence[str], second: Sequence[str], n: int) -> float:
    shared = _shared(_ngrams(first, n), _ngrams(second, n))
    return _f1(shared, len(first) - n + 1, len(second) - n + 1)


def _shared(first: Counter[Hashable], second: Counter[Hashable]) -> int:
    """How many of the first are also in the second, each as often as in both."""
    return sum(min(first[key], second[key]) for key in first.keys() & second.keys())


def _f1(shared: int, ours: int, theirs: int) -> float:
    return float(fmeasure(shared / max(1, ours), shared / max(1, theirs)))


def rouge_n_counts(first: Sequence[str], second: Sequence[str], n: int) -> tuple[int, int, int]:
    """Return how many different n-grams two lists of words have, and how many both have.

    What rouge_chinese's `rouge_n` makes its F of.
    """
    ours, theirs = (
        set(zip(*(words[k:] for k in range(n)), strict=False)) for words in (first, second)
    )
    return len(ours), len(theirs), len(ours & theirs)


def bleu_counts(prediction: Sequence[str], references: Sequence[Sequence[str]]) -> list[int]:
    """Return what sacreBLEU sums over a corpus, of one text and its references as words.

    N-grams of 1 to 4 words that a reference has too, each as often as in the one that has it most;
    all of the text's; its length, and that of the reference of the closest length.
    """
    matches: list[int] = []
    for n in range(1, BLEU_ORDER + 1):
        if matches and not matches[-1]:
            matches.append(0)  # n words in common hold n - 1
            continue
        first, *others = (_ngrams(words, n) for words in references)
        for other in others:
            first |= other
        matches.append(_shared(_ngrams(prediction, n), first))
    totals = [max(0, len(prediction) - n + 1) for n in range(1, BLEU_ORDER + 1)]
    length = len(prediction)
    closest = min(map(len, references), key=lambda other: (abs(other - length), other))
    return [*matches, *totals, length, closest]


def _ngrams(words: Sequence[str], n: int) -> Counter[Hashable]:
    return Counter(words if n == 1 else zip(*(words[k:] for k in range(n)), strict=False))


def character_bleu(prediction: str, reference: str) -> float:
    """Return nltk's `sentence_bleu` of two texts' characters, from 0 to 1.

    With `SmoothingFunction().method3`: the k-th n-gram order without a match counts as 1 / 2^k.
    """
    matches = [float(count) for count in _character_matches(prediction, reference)]
    if not matches[0]:
        return 0.0
    unmatched = 0
    for order, count in enumerate(matches):
        if not count:
            unmatched += 1
            matches[order] = 0.5**unmatched
    length = len(prediction)
    logs = (math.log(count / max(1, length - order)) for order, count in enumerate(matches))
    brevity = 1.0 if length > len(reference) else math.exp(1 - len(reference) / length)
    return brevity * math.exp(math.fsum(log / 4 for log in logs))


def _character_matches(first: str, second: str) -> Iterator[int]:
    """How many sequences of 1, 2, 3 and 4 characters both hold, each as often as in both."""
    text = (first + second).encode("utf-32-le", "surrogatepass")
    found, characters = np.unique(np.frombuffer(text, np.uint32), return_inverse=True)
    grams, kinds = characters, len(found)
    for n in range(1, 5):
        ours, theirs = grams[: max(0, len(first) - n + 1)], grams[len(first) :]
        counts = [np.bincount(side, minlength=kinds) for side in (ours, theirs)]
        yield int(np.minimum(*counts).sum())
        if n < 4:
            # Numbered again, so that they stay small: four characters as one number would overflow.
            longer = grams[:-1] * len(found) + characters[n:]
            grams, kinds = _numbered(longer, kinds * len(found))


def _numbered(keys: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], int]:
    """Return keys below `size` as numbers in their order, 0 and up without gaps; how many."""
    if size > TABLE:
        different, numbers = np.unique(keys, return_inverse=True)
        return numbers, len(different)
    seen = np.zeros(size, bool)
    seen[keys] = True
    order = np.cumsum(seen)
    return order[keys] - 1, int(np.count_nonzero(seen))
