"""Checks of a policy's answers against those of the policy that it started from.

Both answered the same questions, so each check is of pairs, and speaks up only beyond two standard
errors over questions. Long answers, loops and sameness are what preference losses are known for.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from asft.metrics.health.finding import Finding, Level
from asft.records import Completion

LONGER = 1.5  # times as long
CUT_MORE = 0.1
REPEATED_TEXT = 0.15  # of an answer's characters
REPEATED_WORDS = 5  # in one n-gram
REPEATING_MORE = 0.05
LESS_VARIED = 0.9  # of the different pairs of words before
ERRORS = 2.0  # standard errors
FEWEST = 8  # questions, below which no standard error is trusted
# Scripts that put no blanks between words are taken character by character.
_WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]|\\w+|[^\\w\\s]")


class Told(NamedTuple):
    """What the checks look at in an answer: its words, its tokens (None: unknown), how it ended."""

    words: list[str]
    tokens: int | None
    cut: bool | None

    @classmethod
    def of(cls, answer: Completion) -> Told:
        """Return it of all turns together, without what was thought before them."""
        counts = [*answer.tokens]
        known = all(count is not None for count in [*counts, *answer.thinking_tokens])
        spoken = sum(n or 0 for n in counts) - sum(n or 0 for n in answer.thinking_tokens)
        ends = answer.finish_reasons
        return cls(
            [word for text in answer.texts() for word in _WORD.findall(text.lower())],
            spoken if counts and known else None,
            "length" in ends if any(ends) else None,
        )


def told(answers: Mapping[str, Completion]) -> dict[str, Told]:
    """Return what the checks look at in answers by question, of those that there are."""
    return {key: Told.of(a) for key, a in answers.items() if a.has_answer(len(a.turns))}


def answer_findings(
    answers: Mapping[str, Told],
    start: Mapping[str, Told],
    benchmark: str = "",
    chosen_tokens: float | None = None,
) -> list[Finding]:
    """Return what every check finds in the answers to questions that both policies answered.

    Args:
        answers, start: of the trained policy and of the one it started from, by question
        benchmark: whose questions they are
        chosen_tokens: median length of the chosen answers that it was trained on, in tokens
    """
    pairs = [(answers[key], start[key]) for key in answers if key in start]
    if len(pairs) < FEWEST:
        return []
    found = [
        _length(pairs, benchmark, chosen_tokens),
        _cut(pairs, benchmark, chosen_tokens),
        _repetition(pairs, benchmark),
        _variety(pairs, benchmark),
    ]
    return [finding for finding in found if finding]


Pairs = Sequence[tuple[Told, Told]]


def _length(pairs: Pairs, benchmark: str, chosen: float | None) -> Finding | None:
    """How much longer answers became: the geometric mean of the ratios, question by question.

    RLHF drives answers to be longer (Singhal et al. 2023), DPO to far longer ones than those that
    it was trained on (Park et al. 2024); neither names a limit, half as long again is ours. An
    answer that was cut counts as long as it is.
    """
    known = [(a.tokens, b.tokens) for a, b in pairs if a.tokens and b.tokens]
    if len(known) < FEWEST:
        return None
    logs = np.array([math.log(a / b) for a, b in known])
    after, before = (float(np.median([pair[side] for pair in known])) for side in (0, 1))
    value = math.exp(logs.mean())
    words = f"Answers are {value:.2g} times as long as before training (median {after:.0f} tokens,"
    words += f" before {before:.0f}" + (f"; chosen answers {chosen:.0f})" if chosen else ")")
    if max(value, 1 / value) < LONGER or not _separable(logs):
        return Finding("length", "in range", value, LONGER, words, benchmark)
    away = not chosen or abs(math.log(after / chosen)) > abs(math.log(before / chosen))
    if chosen:
        words += ", away from the length of the chosen answers" if away else ", towards the latter"
    limit = LONGER if value > 1 else 1 / LONGER
    return Finding("length", "warning" if away else "note", value, limit, words, benchmark)


def _cut(pairs: Pairs, benchmark: str, chosen: float | None) -> Finding | None:
    """Whether more answers run into the token limit: a policy that unlearned to stop does.

    A note where the chosen answers are no shorter: then the limit is short for what was learned.
    """
    known = [(a.cut, b.cut) for a, b in pairs if a.cut is not None and b.cut is not None]
    if len(known) < FEWEST:
        return None
    said, shares = "were cut by the token limit", np.array(known, float)
    found = _more("cut", said, shares, CUT_MORE, benchmark)
    lengths = [a.tokens for a, _ in pairs if a.tokens is not None]
    if found.level == "in range" or not chosen or not lengths or np.median(lengths) > chosen:
        return found
    return replace(found, level="note", words=f"{found.words}; chosen answers {chosen:.0f} tokens")


def _repetition(pairs: Pairs, benchmark: str) -> Finding | None:
    """Whether more answers repeat themselves, by the rule that Gopher's data were filtered by."""
    shares = [[repeated_share(side.words) > REPEATED_TEXT for side in pair] for pair in pairs]
    said = "repeat themselves"
    return _more("repetition", said, np.array(shares, float), REPEATING_MORE, benchmark)


def _more(name: str, said: str, shares: np.ndarray, limit: float, benchmark: str) -> Finding:
    """Of yes or no, shape (questions, 2): whether it is yes more often than before training."""
    after, before = shares.mean(axis=0)
    more = after - before > limit and _separable(shares[:, 0] - shares[:, 1])
    words = f"{100 * after:.0f} % of the answers {said}, before training {100 * before:.0f} %"
    level: Level = "warning" if more else "in range"
    return Finding(name, level, after - before, limit, words, benchmark)


def repeated_share(words: Sequence[str], n: int = REPEATED_WORDS) -> float:
    """Return the share of a text's characters in n-grams of words that stood in it before.

    Characters count once however many such n-grams they are in, and blanks do not count.
    """
    seen: set[tuple[str, ...]] = set()
    repeated = [False] * len(words)
    for place in range(len(words) - n + 1):
        gram = tuple(words[place : place + n])
        if gram in seen:
            repeated[place : place + n] = [True] * n
        seen.add(gram)
    total = sum(map(len, words))
    return sum(len(w) for w, r in zip(words, repeated, strict=True) if r) / total if total else 0.0


def _variety(pairs: Pairs, benchmark: str) -> Finding | None:
    """How many different pairs of words all answers hold, of those before training.

    distinct-2 (Li et al. 2016), which falls with the length of a text; so of each question's two
    answers as many words are taken as the shorter has. RLHF lowers it (Kirk et al. 2023). The
    standard error is the jackknife's over questions.
    """
    cut = [(a.words[: len(b.words)], b.words[: len(a.words)]) for a, b in pairs]
    after, before = (_without_each([pair[side] for pair in cut]) for side in (0, 1))
    if not (after.min() > 0 and before.min() > 0):
        return None
    value = after[-1] / before[-1]
    logs = np.log(after[:-1] / before[:-1])
    error = math.sqrt((len(logs) - 1) * float(logs.var()))
    words = (
        f"All answers together hold {100 * after[-1]:.0f} different pairs of words in 100, before"
        f" training {100 * before[-1]:.0f} at the same lengths"
    )
    less = value < LESS_VARIED and -math.log(value) > ERRORS * error
    return Finding("variety", "note" if less else "in range", value, LESS_VARIED, words, benchmark)


def _without_each(texts: Sequence[Sequence[str]]) -> np.ndarray:
    """distinct-2 of all texts but one, for each of them; then of all. 0 where nothing is left."""
    grams = [Counter(pairwise(words)) for words in texts]
    totals: Counter[tuple[str, str]] = Counter()
    for own in grams:
        totals.update(own)
    size = totals.total()
    left = [
        (len(totals) - sum(totals[gram] == n for gram, n in own.items()), size - own.total())
        for own in grams
    ]
    return np.array([unique / n if n else 0.0 for unique, n in [*left, (len(totals), size)]])


def _separable(differences: np.ndarray) -> bool:
    """Whether their mean is more than two standard errors from 0."""
    error = differences.std(ddof=1) / math.sqrt(len(differences))
    return bool(abs(differences.mean()) > ERRORS * error)
