"""Two judged protocols that nobody uses, as an author would add them: facts, judging, scoring.

`stars` is a verdict of one to five on a question's last turn, with a format of prompts of its own;
`duel` is one game against a baseline's answer, by Arena-Hard's prompts.
"""

from typing import Any, NamedTuple

import numpy as np

from asft.config.protocols import Protocol
from asft.files import read_json
from asft.judging.calls import Call, game_calls
from asft.judging.prompts import load_game_prompts, read_template, render
from asft.judging.protocols import LABELS, Judging, expected_rating, likeliest_label
from asft.judging.verdicts import parse_label, parse_rating
from asft.metrics.protocols import Scoring
from asft.metrics.score_files import cell, first_cells, number

POINTS = {"A>>B": 0.0, "A>B": 0.0, "A=B": 0.5, "B>A": 1.0, "B>>A": 1.0}  # the policy is B


class MadeUp(NamedTuple):
    """A protocol's three rows, and a benchmark of the config that it scores."""

    facts: Protocol
    judging: Judging
    scoring: Scoring
    benchmark: dict[str, Any]


# --- What stands in judging: from answers to calls, from replies to verdicts


def load_star_prompts(path):
    return {"stars": read_template(read_json(path), ("question", "answer"), f"{path}")}


def star_calls(material, judge):
    calls = []
    for question in material.questions:
        answer = material.answers[question.question_id].turns[-1]
        values = {"question": question.turns[-1], "answer": answer}
        messages = render(material.prompts["stars"], values, judge.protocol)
        about = (question.question_id, question.category, len(question.turns), 0, 0)
        calls.append(Call(messages, *about))
    return calls


def read_stars(texts, rules):
    status, stars = parse_rating(texts[0], rules)
    return ("out_of_range", None) if stars is not None and stars > 5 else (status, stars)


def duel_calls(material, judge):
    return [call for call in game_calls(material, judge) if call.game == 1]


# --- What stands in metrics: from verdicts to a score file, and back


class Points(NamedTuple):
    """`values` are (seeds, questions), NaN where no verdict counts; `turns` are (questions,)."""

    question_ids: list[str]
    values: Any
    turns: Any

    @property
    def n_asked(self):
        return self.values.size

    @property
    def n_scored(self):
        return int(np.isfinite(self.values).sum())


def point_rows(column, slot_of, points_of):
    def rows(questions, found, repeats):
        made = []
        for question in questions:
            verdict = found.get((question.question_id, slot_of(question), 0))
            points = points_of(verdict) if verdict and verdict.status == "ok" else ""
            status = verdict.status if verdict else "missing"
            row = first_cells(question, [verdict]) | {"turns": len(question.turns)}
            made.append(row | {column: points, f"{column}_status": status})
        return made

    return rows


def point_reader(column):
    def read(path, rows):
        values = [number(path, r, column) if cell(path, r, column) else np.nan for r in rows]
        turns = [number(path, row, "turns") for row in rows]
        ids = [row["question_id"] for row in rows]
        return Points(ids, np.array([values]), np.array(turns))

    return read


def pool(seeds):
    return seeds[0]._replace(values=np.concatenate([each.values for each in seeds]))


def sums(points):
    scored = np.isfinite(points.values)
    return np.stack([np.where(scored, points.values, 0), scored], axis=-1)


def mean(scale):
    def over_questions(sums):
        total = sums.sum(axis=-2)
        with np.errstate(invalid="ignore"):
            return scale * total[..., 0] / total[..., 1]

    return over_questions


MADE_UP = {
    "stars": MadeUp(
        Protocol(
            "a judge gives stars",
            formats=("mt_bench",),
            needs=("prompts",),
            verdict="rating",
            prompts="prompts.json",
            metric="stars",
            scale="1-5",
            unit="marks",
        ),
        Judging(
            load_star_prompts,
            star_calls,
            [f"[[{n}]]" for n in range(1, 6)],
            read_stars,
            expected_rating,
        ),
        Scoring(
            asked=lambda question: [(len(question.turns), 0)],
            rows=point_rows("stars", lambda question: len(question.turns), lambda v: v.rating),
            columns=("stars", "stars_status"),
            read=point_reader("stars"),
            pool=pool,
            per_question=sums,
            over_questions=mean(1),
            span=(1.0, 5.0),
        ),
        {
            "protocol": "stars",
            "format": "mt_bench",
            "sources": [{"local": "asft/demo/mt_bench_questions.jsonl"}],
        },
    ),
    "duel": MadeUp(
        Protocol(
            "a judge compares with a baseline's answer, once",
            formats=("arena_hard",),
            needs=("prompts", "baseline"),
            verdict="label",
            prompts="prompts.yaml",
            pairwise=True,
            metric="win_rate",
            scale="%",
            unit="duels",
            digits=1,
        ),
        Judging(load_game_prompts, duel_calls, LABELS, parse_label, likeliest_label),
        Scoring(
            asked=lambda question: [(1, 1)],
            rows=point_rows("duel", lambda question: 1, lambda verdict: POINTS[verdict.label]),
            columns=("duel", "duel_status"),
            read=point_reader("duel"),
            pool=pool,
            per_question=sums,
            over_questions=mean(100),
            span=(0.0, 100.0),
        ),
        {
            "protocol": "duel",
            "format": "arena_hard",
            "sources": [{"local": "asft/demo/arena_hard_questions.jsonl"}],
            "prompts": [{"local": "asft/prompts/demo_judge_config.yaml"}],
            "baseline": [{"local": "asft/demo/arena_hard_baseline.jsonl"}],
        },
    ),
}
