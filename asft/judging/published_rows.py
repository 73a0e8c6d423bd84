"""Rows of published judgment files, read as verdicts: FastChat's gradings, arena-hard-auto's games.

Scores stand as published: they are not parsed again from the judgments' text.
"""

import math
import re
from typing import Any, NamedTuple

from asft.data import API_ERROR
from asft.errors import UserError
from asft.files import fingerprint
from asft.judging.verdicts import LABELS, REVERSED
from asft.records import Question, Verdict, VerdictStatus

V01 = "arena-hard-v0.1"  # what v0.1 names as the category of all its questions

CATEGORY = re.compile(r"|\w[\w-]*")  # it becomes the name of a folder


class Judgment(NamedTuple):
    """One verdict of a published file, with the model it is about and the judge it is by.

    Of a game `baseline` is what the row says it was against, "" where it says nothing; its
    verdict has a category only if it is of v2.0.
    """

    model: str
    judge: str
    verdict: Verdict
    baseline: str = ""


class PublishedPair(NamedTuple):
    """Two models' answers to a question of one turn, and a judge's published preference.

    `preference` is 0 where the first answer is the better one, 1 where the second is.
    """

    judge: str
    question: Question
    models: tuple[str, str]
    answers: tuple[str, str]
    preference: float = 0.5
    missing: str = ""  # why it cannot be used; then nothing else counts

    @property
    def pair_id(self) -> str:
        """Content hash: equal texts have equal ids wherever they were published."""
        return fingerprint([self.question.turns, *self.answers])[:16]


def read_grading(row: dict[str, Any], where: str) -> Judgment:
    """Read a row of FastChat's {judge}_single.jsonl; `where` begins errors.

    A score of -1 is an API error where the judgment says so, else no verdict.

    Raises:
        UserError: a key is missing, or the turn is no number of one.
    """
    for key in ("score", "turn"):
        if key not in row:
            raise UserError(f"{where}: no key {key!r}")
    score, turn, text = row["score"], row["turn"], _text(row.get("judgment"))
    if type(turn) is not int or turn < 1:
        raise UserError(f"{where}, key 'turn': expected a number from 1, found {turn!r}")
    number = isinstance(score, int | float) and not isinstance(score, bool)
    ok = number and math.isfinite(score) and score != -1
    judge = row["judge"][0] if isinstance(row["judge"], list) else row["judge"]
    verdict = Verdict(
        question_id=str(row["question_id"]),
        turn=turn,
        status="ok" if ok else _failure(text),
        rating=float(score) if ok else None,
        judgments=[text] if text else [],
        model=str(judge),
        detail="" if ok else f"score {score!r} in the published file",
    )
    return Judgment(str(row["model"]), str(judge), verdict)


def read_games(row: dict[str, Any], where: str) -> list[Judgment]:
    """Read the two games of a row of arena-hard-auto's model_judgment/{judge}/{model}.jsonl.

    A label that the file's own version of arena-hard-auto does not score is no verdict.

    Raises:
        UserError: the row does not hold two games, or its category is no word.
    """
    games = row.get("games")
    if not isinstance(games, list) or len(games) != 2:
        raise UserError(f"{where}, key 'games': expected a list of two")
    for number, game in enumerate(games):
        if game is not None and not isinstance(game, dict):
            raise UserError(f"{where}, key 'games.{number}': expected an object")
    category = str(row.get("category") or "") if "uid" in row else ""
    category = "" if category == V01 else category
    if not CATEGORY.fullmatch(category):
        raise UserError(f"{where}, key 'category': {category!r} is no word")
    verdicts = [_game(row, number, game or {}) for number, game in enumerate(games, 1)]
    verdicts = [verdict.model_copy(update={"category": category}) for verdict in verdicts]
    baseline = str(row.get("baseline") or "")
    return [Judgment(str(row["model"]), v.model, v, baseline) for v in verdicts]


def _game(row: dict[str, Any], number: int, game: dict[str, Any]) -> Verdict:
    score, text = game.get("score"), _text(game.get("judgment"))
    # v2.0 matches the judge's words in capitals (gen_judgment.py, get_score).
    label = None
    if isinstance(score, str):
        label = (LABELS | REVERSED).get(score.upper()) if "uid" in row else LABELS.get(score)
    return Verdict(
        question_id=str(row["uid"] if "uid" in row else row["question_id"]),
        game=1 if number == 1 else 2,
        status="ok" if label else _failure(text),
        label=label,
        judgments=[text] if text else [],
        model=str(row["judge"]),
        detail="" if label else f"score {score!r} in the published file",
    )


def _text(judgment: Any) -> str:
    """The judge's words; the new arena-hard-auto wraps them in an object."""
    if isinstance(judgment, dict):
        judgment = judgment.get("answer")
    text = judgment if isinstance(judgment, str) else ""
    return text.encode(errors="replace").decode()  # JSON can hold lone surrogates, UTF-8 cannot


def _failure(text: str) -> VerdictStatus:
    return "api_error" if API_ERROR in text or not text.strip() else "no_verdict"
