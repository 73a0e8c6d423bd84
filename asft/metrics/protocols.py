"""The table of judged protocols: for each, the functions that turn verdicts into numbers.

What its scores are called stands in config/protocols.py, how a judge is asked in
judging/protocols.py.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from asft.metrics import alpaca_eval, arena_hard, arena_hard_v2, mt_bench
from asft.metrics.corpus import Aggregate, Values
from asft.metrics.game_rows import (
    game_rows,
    read_games,
    read_whole_questions,
    whole_question_rows,
)
from asft.metrics.rating_rows import rating_rows, read_ratings
from asft.metrics.score_files import Cells, Found
from asft.records import Question


class Content(Protocol):
    """A judge's verdicts on one policy's answers, as a score file holds them."""

    @property
    def n_asked(self) -> int:
        """Verdicts that were asked for."""

    @property
    def n_scored(self) -> int:
        """Verdicts that count."""

    @property
    def turns(self) -> Values:
        """(questions,): answers to each question, whose tokens a file's column `tokens` adds up."""


class Scoring(NamedTuple):
    """One protocol's way from verdicts to a score file, per-question values and a score."""

    # (turn, game) of the verdicts on a question.
    asked: Callable[[Question], Sequence[tuple[int, int]]]
    # What the score file says of the verdicts: a row, or one a repeat, per question. In it stand
    # question_id, category, judge_model, and statuses, joined by ";", in columns named …_status.
    rows: Callable[[list[Question], Found, int], list[dict[str, Any]]]
    columns: tuple[str, ...]  # that its files must have; the first tells them from all others
    read: Callable[[Path, list[Cells]], Any]  # the `Content` of a file's rows
    pool: Callable[[Sequence[Any]], Any]  # of several training seeds
    # (seeds, questions, 2): two sums per question from which `over_questions` makes the score;
    # the second is 0 where no verdict counts.
    per_question: Callable[[Any], Values]
    over_questions: Aggregate
    span: tuple[float, float]  # the ends of the score's scale
    # (question_id, flag): "n" where a verdict is missing, "d" where the two orders disagree.
    flags: Callable[[Any], Iterable[tuple[str, str]]] = lambda content: ()
    # How verdicts were counted, where a table must say it; the same of all that it compares.
    rules: Callable[[Any], str] = lambda content: ""
    remark: Callable[[Any], str] = lambda content: ""  # what tables must say beside the score


_ARENA_HARD = Scoring(
    asked=lambda question: [(1, 1), (1, 2)],
    rows=game_rows,
    columns=("g1_label", "g1_status", "g2_label", "g2_status"),
    read=read_games,
    pool=arena_hard.pool,
    per_question=arena_hard.outcomes_per_question,
    over_questions=arena_hard.win_rate,
    span=arena_hard.SPAN,
    flags=arena_hard.flags,
    rules=arena_hard.rules,
)
SCORING = {
    "mt_bench": Scoring(
        asked=lambda question: [(turn, 0) for turn in range(1, len(question.turns) + 1)],
        rows=rating_rows,
        columns=("turn1", "turn1_status"),
        read=read_ratings,
        pool=mt_bench.pool,
        per_question=mt_bench.ratings_per_question,
        over_questions=mt_bench.mean_rating,
        span=mt_bench.SPAN,
        flags=mt_bench.flags,
        remark=mt_bench.remark,
    ),
    # Before v0.1, whose files lack the first column.
    "arena_hard_v2": _ARENA_HARD._replace(
        rows=whole_question_rows,
        columns=("both_games", *_ARENA_HARD.columns),
        read=read_whole_questions,
        rules=arena_hard_v2.rules,
    ),
    "arena_hard": _ARENA_HARD,
    "alpaca_eval": Scoring(
        asked=lambda question: [(1, game) for game in alpaca_eval.GAMES],
        rows=alpaca_eval.choice_rows,
        columns=("g1_preference", "g1_status", "g2_preference", "g2_status"),
        read=alpaca_eval.read_choices,
        pool=alpaca_eval.pool,
        per_question=alpaca_eval.preferences_per_question,
        over_questions=arena_hard.win_rate,
        span=arena_hard.SPAN,
        flags=alpaca_eval.flags,
        remark=lambda content: alpaca_eval.REMARK,
    ),
}
