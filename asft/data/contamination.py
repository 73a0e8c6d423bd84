"""Contamination: which test questions also occur among the training prompts.

Two signs, both on casefolded words: the same text, and a shared run of 13 words (Brown et al. 2020,
appendix C). Time is linear in the text; memory in the text of the questions.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from asft.records import Question

NGRAM = 13
SHOWN = 10  # ids listed per kind of overlap
Match = tuple[str, str, str]  # prompt id, benchmark, question id
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
    prompts: Iterable[tuple[str, list[str]]], questions: Mapping[str, Iterable[Question]]
) -> dict[str, Overlap]:
    """Find the questions, by benchmark, of which some turn occurs in some turn of a prompt.

    `prompts` yields (id, turns); any turn of a prompt is compared with any turn of a question.
    """
    texts: dict[str, set[tuple[str, str]]] = defaultdict(set)  # of (benchmark, question id)
    ngrams: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for benchmark, asked in questions.items():
        for question in asked:
            for turn in question.turns:
                words = _words(turn)
                if words:
                    texts[" ".join(words)].add((benchmark, question.question_id))
                for ngram in _ngrams(words):
                    ngrams[ngram].add((benchmark, question.question_id))
    exact: set[Match] = set()
    partial: set[Match] = set()
    for prompt_id, turns in prompts:
        for turn in turns:
            words = _words(turn)
            exact.update((prompt_id, *found) for found in texts.get(" ".join(words), ()))
            for ngram in _ngrams(words):
                if ngram in ngrams:
                    partial.update((prompt_id, *found) for found in ngrams[ngram])
    return {name: Overlap(_hits(exact, name), _hits(partial, name)) for name in questions}


def count_overlap(
    prompts: Collection[tuple[str, list[str]]], questions: Mapping[str, Collection[Question]]
) -> dict[str, Any]:
    """Count questions found in the last turn of prompts and in any, in all and by benchmark."""
    last = [(prompt_id, turns[-1:]) for prompt_id, turns in prompts]
    found = {
        "last_user_turn": find_overlap(last, questions),
        "any_turn": find_overlap(prompts, questions),
    }
    by_benchmark = {
        name: {"questions": len(asked)}
        | {where: _describe(overlaps[name]) for where, overlaps in found.items()}
        for name, asked in questions.items()
    }
    total = {where: _total(list(overlaps.values())) for where, overlaps in found.items()}
    asked = sum(len(asked) for asked in questions.values())
    return {"questions": asked, **total, "by_benchmark": by_benchmark}


def _describe(overlap: Overlap) -> dict[str, Any]:
    return {
        kind: {
            "questions": len(hits.questions),
            "pairs": len(hits.prompts),
            "first_questions": hits.questions[:SHOWN],
            "first_pairs": hits.prompts[:SHOWN],
        }
        for kind, hits in (("exact", overlap.exact), ("ngram13", overlap.ngram))
    }


def _total(overlaps: list[Overlap]) -> dict[str, Any]:
    kinds = {"exact": [o.exact for o in overlaps], "ngram13": [o.ngram for o in overlaps]}
    return {
        kind: {
            "questions": sum(len(hits.questions) for hits in found),
            "pairs": len({prompt for hits in found for prompt in hits.prompts}),
        }
        for kind, found in kinds.items()
    }


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _ngrams(words: list[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1))


def _hits(matches: set[Match], benchmark: str) -> Hits:
    found = [(prompt, question) for prompt, name, question in matches if name == benchmark]
    return Hits(
        questions=sorted({question for _, question in found}),
        prompts=sorted({prompt for prompt, _ in found}),
    )
