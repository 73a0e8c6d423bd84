"""The calls to a judge about a policy's answers to a benchmark."""

from typing import Literal, NamedTuple

from asft.config import Judge
from asft.judging.material import Material
from asft.judging.prompts import game_messages, rating_messages
from asft.records import Message, Verdict, VerdictStatus


class Call(NamedTuple):
    """One question to a judge, as messages, and what its verdict is about."""

    messages: list[Message]
    question_id: str
    category: str
    turn: int
    game: Literal[0, 1, 2]
    repeat: int

    def verdict(self, status: VerdictStatus, **values: object) -> Verdict:
        """Return a verdict on what this call is about."""
        about = {name: getattr(self, name) for name in self._fields if name != "messages"}
        return Verdict.model_validate({**about, "status": status, **values})


def rating_calls(material: Material, judge: Judge) -> list[Call]:
    """Return one call per question, turn and repeat (MT-Bench, single-answer grading)."""
    return [
        Call(
            rating_messages(
                material.prompts,
                question,
                material.answers[question.question_id],
                turn,
                material.references.get(question.question_id, []),
                judge.protocol,
            ),
            *(question.question_id, question.category, turn, 0, repeat),
        )
        for question in material.questions
        for turn in range(1, len(question.turns) + 1)
        for repeat in range(judge.repeats)
    ]


def game_calls(material: Material, judge: Judge) -> list[Call]:
    """Return two calls per question and repeat, the answers in both orders (Arena-Hard)."""
    games: tuple[Literal[1, 2], ...] = (1, 2)
    return [
        Call(
            game_messages(
                material.prompts,
                question,
                material.answers[question.question_id].turns[0],
                material.baseline[question.question_id].text,
                game,
                judge.protocol,
            ),
            *(question.question_id, question.category, 1, game, repeat),
        )
        for question in material.questions
        for game in games
        for repeat in range(judge.repeats)
    ]
