"""Pairs of answers of Arena-Hard's games and FastChat's judgments, whose texts lie in other files.

Reads   arena-hard-auto's model_judgment/{judge}/{model}.jsonl, or FastChat's *_pair.jsonl and
        *_single.jsonl; question.jsonl; model_answer/*.jsonl

The preference of Arena-Hard's two games is their mean, decisive or not. FastChat's pair prefers an
answer where both games do (show_result.py); of its gradings any two models' answers to a question
are a pair, and the higher score is preferred. Second turns are left out: judges compare one turn.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from asft.config import Agreement, Source
from asft.data import BENCHMARK_FORMATS, Unusable, load_completions, open_rows
from asft.errors import UserError
from asft.judging.import_judgments import V01_BASELINE
from asft.judging.published_rows import PublishedPair, read_games, read_grading
from asft.records import Question

WINNERS = {("model_1", "model_1"): 0.0, ("model_2", "model_2"): 1.0}


class _Texts:
    """Questions, and answers by model, that published verdicts are on."""

    def __init__(self, settings: Agreement, questions: str) -> None:
        self._questions = _questions(settings.questions, questions)
        rows = defaultdict[str, list[dict[str, Any]]](list)
        for row in open_rows(settings.answers):
            model = row.get("model_id") or row.get("model") or row.get("generator")
            rows[str(model)].append(row)
        self._answers = {
            model: load_completions(found, f"answers of {model}") for model, found in rows.items()
        }

    def pair(
        self, judge: str, question_id: str, models: tuple[str, str], preference: float | None
    ) -> PublishedPair:
        """The pair with its texts, or without them and with what is missing."""
        question = self._questions.get(question_id)
        found = [self._answers.get(model, {}).get(question_id) for model in models]
        missing = "no verdict" if preference is None else ""
        if question is None:
            question, missing = Question(question_id=question_id, turns=[""]), "no question"
        first, second = (answer.turns[0] if answer else "" for answer in found)
        missing = missing or ("" if all(found) else "no answer")
        one_turn = question.model_copy(update={"turns": question.turns[:1]})
        return PublishedPair(judge, one_turn, models, (first, second), preference or 0.0, missing)


def game_pairs(settings: Agreement) -> Iterator[PublishedPair]:
    """Arena-Hard's games: the baseline's answer is the first. Those against itself are no pairs."""
    texts = _Texts(settings, "arena_hard")
    for number, row in enumerate(open_rows(settings.sources), 1):
        where = _named(number, row, ("model", "judge"), ("uid", "question_id"))
        games = read_games(row, where)
        models = (games[0].baseline or V01_BASELINE, games[0].model)
        if models[0] != models[1]:
            first, second = (game.verdict.for_second for game in games)
            mean = None if first is None or second is None else (first + 1 - second) / 2
            yield texts.pair(games[0].judge, games[0].verdict.question_id, models, mean)


def graded_pairs(settings: Agreement) -> Iterator[PublishedPair]:
    """FastChat's judgments, of pairs or of single answers."""
    texts = _Texts(settings, "mt_bench")
    gradings: dict[tuple[str, str], dict[str, float]] = {}
    for number, row in enumerate(open_rows(settings.sources), 1):
        names = ("model_1", "model_2") if "g1_winner" in row else ("model",)
        where = _named(number, row, ("judge", *names), ("question_id",))
        if row.get("turn", 1) != 1:
            continue
        if "g1_winner" in row:
            yield texts.pair(*_compared(row))
            continue
        model, judge, verdict, _ = read_grading(row, where)
        if verdict.rating is not None:
            gradings.setdefault((judge, verdict.question_id), {})[model] = verdict.rating
    for (judge, question_id), ratings in gradings.items():
        for first, second in combinations(sorted(ratings), 2):
            difference = ratings[second] - ratings[first]
            preference = 0.5 if not difference else float(difference > 0)
            yield texts.pair(judge, question_id, (first, second), preference)


def _compared(row: dict[str, Any]) -> tuple[str, str, tuple[str, str], float | None]:
    winners = (str(row["g1_winner"]), str(row.get("g2_winner")))
    judge = row["judge"][0] if isinstance(row["judge"], list) else row["judge"]
    preference = None if "error" in winners else WINNERS.get(winners, 0.5)
    models = (str(row["model_1"]), str(row["model_2"]))
    return str(judge), str(row["question_id"]), models, preference


def _questions(sources: Sequence[Source], kind: str) -> dict[str, Question]:
    found = {}
    for number, row in enumerate(open_rows(sources), 1):
        try:
            question = BENCHMARK_FORMATS[kind](row)
        except Unusable as fault:
            raise UserError(f"questions, row {number}: {fault.reason}") from fault
        found[question.question_id] = question
    return found


def _named(
    number: int, row: dict[str, Any], keys: Sequence[str], identifiers: Sequence[str]
) -> str:
    """What to call a row in an error; the keys that its format needs are there."""
    where = f"published verdicts, row {number}"
    if not any(key in row for key in identifiers):
        raise UserError(f"{where}: no key {identifiers[-1]!r}")
    for key in keys:
        if not row.get(key):
            raise UserError(f"{where}: no key {key!r}")
    return where
