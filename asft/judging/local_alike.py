"""Prompts that a call's own begins like, so that a local judge computes their beginning once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from asft.judging.calls import Call
from asft.judging.prompts import Prompts, Template
from asft.records import Message

_SHORTEST = 32  # tokens that are worth a pass of their own, which reads all weights


def beginnings(calls: Iterable[Call], prompts: Prompts) -> list[list[list[Message]]]:
    """Return prompts that each call begins like: its template without values, the other game's.

    They follow from what the call is about alone, not from the calls beside it: a store of answers
    is shared by jobs, and whichever computes an answer first gives it the same bits.
    """
    calls = list(calls)
    games: dict[tuple[str, int], list[Message]] = {
        (call.question_id, call.game): call.messages for call in calls
    }
    empty = [_without_values(template) for template in prompts.values()]
    found = []
    for call in calls:
        own = max(empty, key=lambda other: _in_common(_text(call.messages), _text(other)))
        other = games.get((call.question_id, 3 - call.game))
        found.append([own, other] if other else [own])
    return found


def cuts(prompt: Sequence[int], others: Sequence[Sequence[int]]) -> list[int]:
    """Return where a prompt is cut: behind what it has in common with each of the others.

    A function of the texts alone: where its pieces end decides the last bits of a result, which
    must not depend on what happens to be computed already.
    """
    found = [0]
    for cut in sorted(_in_common(prompt, other) for other in others):
        if cut - found[-1] >= _SHORTEST and cut < len(prompt):
            found.append(cut)
    return found[1:]


def _without_values(template: Template) -> list[Message]:
    user = template.user.format_map(defaultdict(str))
    return [
        Message(role="system", content=template.system),
        Message(role="user", content=user),
    ]


def _in_common(first: Sequence[Any], second: Sequence[Any]) -> int:
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _text(messages: list[Message]) -> str:
    return "\n".join(message["content"] for message in messages)
