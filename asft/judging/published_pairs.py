"""Pairs of answers with a published verdict on them, for a judge to be asked about too.

A published verdict that prefers neither answer is left out and counted: agreement with it means
nothing. AlpacaEval's annotations hold all that is needed (preference 1 to 2; 1.5 prefers neither);
the others: judging/published_games.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from asft.config import Agreement
from asft.data import open_rows
from asft.errors import UserError
from asft.judging.published_games import game_pairs, graded_pairs
from asft.judging.published_preferences import read_preference
from asft.judging.published_rows import PublishedPair
from asft.records import Question

NEITHER = "prefers neither answer"


class Published(NamedTuple):
    """The pairs whose published verdict prefers one answer, and why others were left out."""

    judge: str
    pairs: list[PublishedPair]
    left_out: Counter[str]


def read_published(settings: Agreement) -> Published:
    """Read published verdicts, and of each the question and both answers.

    Raises:
        UserError: no source works, a row is unusable, the verdicts are of several judges, or none
            prefers an answer; names the row and the key.
    """
    left_out, judges = Counter[str](), dict[str, None]()
    pairs: dict[str, PublishedPair] = {}
    for pair in READERS[settings.format](settings):
        judges.setdefault(pair.judge)
        if reason := _unusable(pair, settings.max_characters):
            left_out[reason] += 1
        elif pairs.setdefault(pair.pair_id, pair) is not pair:
            left_out["the same pair again"] += 1
    if len(judges) > 1:
        raise UserError(
            f"published verdicts: of several judges ({', '.join(judges)}); measure by one"
        )
    if not pairs:
        counts = ", ".join(f"{reason}: {count}" for reason, count in left_out.items())
        raise UserError(f"published verdicts: none can be used ({counts or 'there are no rows'})")
    return Published(next(iter(judges)), list(pairs.values()), left_out)


def draw_balanced(pairs: list[PublishedPair], limit: int | None) -> list[PublishedPair]:
    """Draw as many pairs whose published verdict prefers the first answer as the second.

    They are spread over the models that were compared, and drawn by a hash of their texts: fewer
    are among those of a larger `limit`.

    Raises:
        UserError: all verdicts prefer the same side.
    """
    sides = [[pair for pair in pairs if (pair.preference > 0.5) == second] for second in (0, 1)]
    count = min(map(len, sides))
    if not count:
        side = "first" if sides[0] else "second"
        raise UserError(
            f"published verdicts: all {len(pairs)} prefer the {side} answer, with which a judge"
            " that looks at nothing agrees too; add those on other models"
        )
    if limit:
        count = min(count, limit // 2)
    return [pair for side in sides for pair in _spread(side)[:count]]


def _spread(pairs: list[PublishedPair]) -> list[PublishedPair]:
    """One of each two models, in the order of their hashes, then another of each, and so on."""
    by_id, seen = {pair.pair_id: pair for pair in pairs}, Counter[tuple[str, str]]()
    rounds = []
    for pair_id in sorted(by_id):
        models = by_id[pair_id].models
        rounds.append((seen[models], pair_id))
        seen[models] += 1
    return [by_id[pair_id] for _, pair_id in sorted(rounds)]


def _unusable(pair: PublishedPair, max_characters: int | None) -> str:
    if pair.missing:
        return pair.missing
    if pair.answers[0] == pair.answers[1]:
        return "both answers are the same"
    if pair.preference == 0.5:
        return NEITHER
    characters = sum(map(len, (*pair.question.turns, *pair.answers)))
    if max_characters and characters > max_characters:
        return f"longer than {max_characters} characters"
    return ""


def _annotated(settings: Agreement) -> Iterator[PublishedPair]:
    """AlpacaEval's annotations: the baseline's output is the first answer, the model's the second.

    An empty output is an answer.
    """
    for number, row in enumerate(open_rows(settings.sources), 1):
        where = f"published verdicts, row {number} ({row.get('generator_2')})"
        found = read_preference(row, where)
        for key in ("generator_1", "generator_2", "annotator"):
            if not isinstance(row.get(key), str):
                raise UserError(f"{where}, key {key!r}: expected a name, found {row.get(key)!r}")
        yield PublishedPair(
            judge=row["annotator"],
            question=Question(
                question_id=found.question_id, category=found.category, turns=[row["instruction"]]
            ),
            models=(row["generator_1"], row["generator_2"]),
            answers=(row["output_1"], row["output_2"]),
            preference=0.5 if found.preference is None else found.preference,
            missing="no verdict" if found.preference is None else "",
        )


READERS: dict[str, Callable[[Agreement], Iterator[PublishedPair]]] = {
    "alpaca_eval": _annotated,
    "arena_hard": game_pairs,
    "fastchat": graded_pairs,
}
