"""What the reference metrics count, each the number of the library that defines it, in less time.

The libraries' own ways take most of the time of scoring: a table of n x m Python objects for a
common subsequence, tuples for n-grams of characters, and cutting the same words again and again.
"""

import math
import re
import warnings
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from rouge_score.scoring import fmeasure

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # invalid escapes in its source
    import jieba

# What stands between two blanks is a word where it is no longer; only words come again.
WORD_LENGTH = 40
_ROUGE_WORD = re.compile("[a-z0-9]+")
BLEU_ORDER = 4


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
        matches = row & positions.get(word, 0)
        row = ((row + matches) | (row - matches)) & full
    return len(first) - row.bit_count()


def rouge_f1(prediction: str, references: Sequence[str]) -> dict[str, float]:
    """Return rouge-score's rouge1, rouge2 and rougeL without stemming, F1 from 0 to 1.

    Of several references each takes the best one.
    """
    ours = rouge_words(prediction)
    pairs = [(ours, rouge_words(reference)) for reference in references]
    return {
        "rouge1": max(_f1(_shared(a, b), len(a), len(b)) for a, b in pairs),
        "rouge2": max(
            _f1(_shared(_bigrams(a), _bigrams(b)), len(a) - 1, len(b) - 1) for a, b in pairs
        ),
        "rougeL": max(_f1(lcs_length(b, a), len(a), len(b)) for a, b in pairs),
    }


def rouge_words(text: str) -> list[str]:
    """Return the tokens of rouge-score's default tokenizer without stemming."""
    return _ROUGE_WORD.findall(text.lower())


def _bigrams(tokens: list[str]) -> list[tuple[str, str]]:
    return list(pairwise(tokens))


def _shared(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """How many of the first are also in the second, each as often as in both."""
    ours, theirs = Counter(first), Counter(second)
    return sum(min(count, theirs[key]) for key, count in ours.items() if key in theirs)


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
    matches, totals = [], []
    for n in range(1, BLEU_ORDER + 1):
        ours = _ngrams(prediction, n)
        most: Counter[Hashable] = Counter()
        for words in references:
            most |= _ngrams(words, n)
        matches.append(sum(min(count, most[key]) for key, count in ours.items() if key in most))
        totals.append(max(0, len(prediction) - n + 1))
    length = len(prediction)
    closest = min(map(len, references), key=lambda other: (abs(other - length), other))
    return [*matches, *totals, length, closest]


def _ngrams(words: Sequence[str], n: int) -> Counter[Hashable]:
    return Counter(zip(*(words[k:] for k in range(n)), strict=False))


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
        # Numbered again, so that they stay small: four characters as one number would overflow.
        longer = grams[:-1] * len(found) + characters[n:]
        different, grams = np.unique(longer, return_inverse=True)
        kinds = len(different)


def segment(text: str) -> list[str]:
    """Return jieba's tokens of a text, blanks among them, by its default dictionary.

    jieba cuts what stands between two blanks by itself, so each word is cut once for all texts.
    """
    tokens: list[str] = []
    for number, piece in enumerate(text.split(" ")):
        if number:
            tokens.append(" ")
        tokens += _cut_word(piece) if len(piece) <= WORD_LENGTH else _segmenter().cut(piece)
    return tokens


@lru_cache(maxsize=2**16)
def _cut_word(word: str) -> tuple[str, ...]:
    return tuple(_segmenter().cut(word))


@cache
def _segmenter() -> Any:
    """jieba's default tokenizer, its dictionary read from the package itself.

    Left alone, jieba unmarshals `jieba.cache` from the shared temporary folder, whoever put it
    there, writes one if there is none, and logs all of it to stderr.
    """
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter
