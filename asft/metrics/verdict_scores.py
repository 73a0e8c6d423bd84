"""Score files of judged benchmarks, one per (method, seed, benchmark, judge).

Reads the CSV that asft.metrics.score_verdicts writes; that module says what the columns are.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asft.config import PROTOCOLS, Protocol, Statistics
from asft.errors import UserError
from asft.metrics.corpus import Values
from asft.metrics.power import Spread, spread_of
from asft.metrics.protocols import SCORING, Content
from asft.metrics.score_files import Cells, cell, number, read_cells
from asft.metrics.statistics import Difference, Interval, answered, interval, paired_difference


class Judged(NamedTuple):
    """The content of one or several score files of a method: all that tables ask of a protocol."""

    path: Path
    protocol: str
    question_ids: list[str]
    content: Content
    statuses: Counter[str]
    judge_models: frozenset[str]
    tokens_per_answer: tuple[float, ...]  # one mean a file; empty if the answers are not known

    @property
    def facts(self) -> Protocol:
        """The facts of its protocol, such as the score's name and digits."""
        return PROTOCOLS[self.protocol]

    @property
    def sums(self) -> Values:
        """(seeds, questions, 2): two sums, of which the score is made (`Scoring.per_question`)."""
        return SCORING[self.protocol].per_question(self.content)

    @property
    def n_questions_scored(self) -> int:
        return int(answered(self.sums).sum())

    @property
    def rules(self) -> str:
        """How verdicts were counted, where a table must say it; else ""."""
        return SCORING[self.protocol].rules(self.content)

    @property
    def remark(self) -> str:
        """What a table must say beside the score; "" if nothing."""
        return SCORING[self.protocol].remark(self.content)

    @property
    def avg_tokens(self) -> float | None:
        return float(np.mean(self.tokens_per_answer)) if self.tokens_per_answer else None

    def interval(self, statistics: Statistics) -> Interval:
        """Return the score, with its interval over the questions that have one."""
        sums, scoring = self.sums, SCORING[self.protocol]
        scored = sums[:, answered(sums)]
        return interval(scored, scoring.over_questions, statistics, scoring.span)

    def difference(self, other: "Judged", statistics: Statistics) -> tuple[Difference, int]:
        """Return this score minus the other's, and the number of questions.

        Only questions that both have scores of count.

        Raises:
            ValueError: they are of different questions or protocols.
        """
        if (self.protocol, self.question_ids) != (other.protocol, other.question_ids):
            raise ValueError("not the same questions under the same protocol")
        a, b = self.sums, other.sums
        both = answered(a) & answered(b)
        scoring = SCORING[self.protocol]
        found = paired_difference(
            a[:, both], b[:, both], scoring.over_questions, statistics, scoring.span
        )
        return found, int(both.sum())

    def spread(self, other: "Judged") -> tuple[Spread, int]:
        """Return how much that difference varies, and the number of questions."""
        a, b = self.sums, other.sums
        both = answered(a) & answered(b)
        aggregate = SCORING[self.protocol].over_questions
        return spread_of(a[:, both], b[:, both], aggregate), int(both.sum())

    def question_scores(self) -> dict[str, float]:
        """Return the score on each question that has one, all seeds together."""
        sums = self.sums.sum(axis=0)
        values = SCORING[self.protocol].over_questions(sums[:, None, :])
        scored = zip(self.question_ids, values.tolist(), sums[:, 1] > 0, strict=True)
        return {question_id: value for question_id, value, known in scored if known}

    def turns(self) -> dict[str, float]:
        """Return the number of turns of each question, by which a file's tokens are divided."""
        return dict(zip(self.question_ids, self.content.turns.tolist(), strict=True))

    def flags(self) -> dict[str, str]:
        """Return flag letters by question, in alphabetical order; "" where there are none.

        The letters are those of `Scoring.flags`.
        """
        found: dict[str, set[str]] = {question_id: set() for question_id in self.question_ids}
        for question_id, flag in SCORING[self.protocol].flags(self.content):
            found[question_id].add(flag)
        return {question_id: "".join(sorted(letters)) for question_id, letters in found.items()}


def read_verdict_scores(path: Path) -> Judged:
    """Read one score file of a judged benchmark.

    Raises:
        UserError: no such file, no rows, a missing column, or a cell that cannot be.
    """
    rows = read_cells(path)
    protocol = _protocol(path, rows[0])
    content: Content = SCORING[protocol].read(path, rows)
    names = [name for name in rows[0] if name.endswith("_status")]
    joined = [cell(path, row, name) for row in rows for name in names]
    statuses = Counter(status for text in joined if text for status in text.split(";"))
    models = {name for row in rows for name in cell(path, row, "judge_model").split(";") if name}
    tokens = [number(path, row, "tokens") for row in rows if cell(path, row, "tokens")]
    ids = list(dict.fromkeys(cell(path, row, "question_id") for row in rows))
    turns = dict(zip(ids, content.turns.tolist(), strict=True))
    answers = sum(turns[row["question_id"]] for row in rows)
    average = (sum(tokens) / answers,) if len(tokens) == len(rows) else ()
    return Judged(path, protocol, ids, content, statuses, frozenset(models), average)


def _protocol(path: Path, header: Cells) -> str:
    """Return the protocol of a score file, by the column that only its files have."""
    for name, scoring in SCORING.items():
        if scoring.columns[0] in header:
            for column in scoring.columns:
                cell(path, header, column)
            return name
    units = " nor ".join(dict.fromkeys(PROTOCOLS[name].unit for name in SCORING))
    raise UserError(f"{path}: neither {units}; is this a file of score-verdicts?")


def pool(files: Sequence[Judged]) -> Judged:
    """Join the score files of several training seeds of one method, all of one protocol.

    Raises:
        UserError: files differ in their questions or their protocol.
    """
    first = files[0]
    for file in files:
        if file.question_ids != first.question_ids:
            raise UserError(f"{file.path}: other questions, or another order, than {first.path}")
        if file.protocol != first.protocol:
            units = f"{first.facts.unit} and {file.facts.unit}"
            raise UserError(f"{first.path}: {units} cannot share a column")
        if file.rules != first.rules:
            raise UserError(f"{file.path}: counted by other rules than {first.path}; score again")
    return first._replace(
        content=SCORING[first.protocol].pool([file.content for file in files]),
        statuses=sum((file.statuses for file in files), Counter[str]()),
        judge_models=frozenset().union(*(file.judge_models for file in files)),
        tokens_per_answer=tuple(mean for file in files for mean in file.tokens_per_answer),
    )
