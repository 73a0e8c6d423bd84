"""From a benchmark and a policy's answers to a judge's calls, and from its answers to verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from asft.data import BaselineAnswer
from asft.judging.prompts import Prompts, game_messages, rating_messages
from asft.judging.verdicts import Protocol, parse_label, parse_rating
from asft.records import Completion, Label, Message, Question, Verdict, VerdictStatus

RATINGS = [f"[[{n}]]" for n in range(1, 11)]
LABELS = [f"[[{label}]]" for label in get_args(Label)]


class Call(NamedTuple):
    """One thing to ask a judge, and what its verdict is about."""

    messages: list[Message]
    question_id: str
    category: str
    turn: int
    game: Literal[0, 1, 2]
    repeat: int

    def verdict(self, status: VerdictStatus, **values: object) -> Verdict:
        """A verdict on what this call is about."""
        about = {name: getattr(self, name) for name in self._fields if name != "messages"}
        return Verdict.model_validate({**about, "status": status, **values})


def rating_calls(
    questions: Iterable[Question],
    completions: Mapping[str, Completion],
    references: Mapping[str, Sequence[str]],
    prompts: Prompts,
    protocol: Protocol,
    repeats: int,
) -> list[Call]:
    """One call per question, turn and repeat (MT-Bench, single-answer grading)."""
    return [
        Call(
            rating_messages(
                prompts,
                question,
                completions[question.question_id],
                turn,
                references.get(question.question_id, []),
                protocol,
            ),
            *(question.question_id, question.category, turn, 0, repeat),
        )
        for question in questions
        for turn in range(1, len(question.turns) + 1)
        for repeat in range(repeats)
    ]


def game_calls(
    questions: Iterable[Question],
    completions: Mapping[str, Completion],
    baseline: Mapping[str, BaselineAnswer],
    prompts: Prompts,
    protocol: Protocol,
    repeats: int,
) -> list[Call]:
    """Two calls per question and repeat, the answers in both orders (Arena-Hard)."""
    games: tuple[Literal[1, 2], ...] = (1, 2)
    return [
        Call(
            game_messages(
                prompts,
                question,
                completions[question.question_id].turns[0],
                baseline[question.question_id].text,
                game,
                protocol,
            ),
            *(question.question_id, question.category, 1, game, repeat),
        )
        for question in questions
        for game in games
        for repeat in range(repeats)
    ]


def read_verdict(
    call: Call, texts: Sequence[str], protocol: Protocol, *, truncated: bool, **values: object
) -> Verdict:
    """The verdict in a judge's words; without one, a cut-off answer is `truncated`."""
    status: VerdictStatus
    if call.game:
        status, label = parse_label(texts, protocol)
        found: dict[str, object] = {"label": label}
    else:
        status, rating = parse_rating(texts[0], protocol)
        found = {"rating": rating}
    if status == "no_verdict" and truncated:
        status = "truncated"
    return call.verdict(status, judgments=list(texts), **found, **values)


def weigh_verdict(call: Call, probabilities: Mapping[str, float], **values: object) -> Verdict:
    """The verdict of a judge that gives probabilities: expected rating, or the likeliest label.

    Exact ties go to the first in the order of `RATINGS` and `LABELS`.
    """
    if call.game:
        label = max(LABELS, key=lambda name: probabilities[name]).strip("[]")
        return call.verdict("ok", label=label, probabilities=dict(probabilities), **values)
    rating = sum(int(name.strip("[]")) * p for name, p in probabilities.items())
    return call.verdict("ok", rating=rating, probabilities=dict(probabilities), **values)
