"""Contamination: which test questions also occur among the training prompts.

Two signs, both on casefolded words: the same text, and a shared run of 13 words (Brown et al. 2020,
appendix C). Time is linear in the text; memory in the text of the questions.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from asft.records import Question

NGRAM = 13
_WORD = re.compile(r"\w+")


class Hits(NamedTuple):
    """The questions found and the prompts they were found in: ids, each sorted."""

    questions: list[str]
    prompts: list[str]


class Overlap(NamedTuple):
    """Hits by the two signs; questions shorter than 13 words can only be found by the first."""

    exact: Hits
    ngram: Hits


def find_overlap(
    prompts: Iterable[tuple[str, list[str]]], questions: Iterable[Question]
) -> Overlap:
    """Questions of which some turn occurs in some turn of a prompt.

    `prompts` yields (id, turns); any turn of a prompt is compared with any turn of a question.
    """
    texts: dict[str, set[str]] = defaultdict(set)
    ngrams: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for question in questions:
        for turn in question.turns:
            words = _words(turn)
            if words:
                texts[" ".join(words)].add(question.question_id)
            for ngram in _ngrams(words):
                ngrams[ngram].add(question.question_id)
    # (prompt id, question id) of every match
    exact: set[tuple[str, str]] = set()
    partial: set[tuple[str, str]] = set()
    for prompt_id, turns in prompts:
        for turn in turns:
            words = _words(turn)
            exact.update((prompt_id, found) for found in texts.get(" ".join(words), ()))
            for ngram in _ngrams(words):
                if ngram in ngrams:
                    partial.update((prompt_id, found) for found in ngrams[ngram])
    return Overlap(_hits(exact), _hits(partial))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _ngrams(words: list[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1))


def _hits(matches: set[tuple[str, str]]) -> Hits:
    return Hits(
        questions=sorted({question for _, question in matches}),
        prompts=sorted({prompt for prompt, _ in matches}),
    )
