"""Formats of benchmarks: one pure function per format, from a row to a `Question`.

They are registered in `BENCHMARK_FORMATS`. Texts are kept as they are, with the whitespace
around them: it is part of what policies and judges are asked.
"""

from collections.abc import Callable
from typing import Any

from asft.data.rows import Row, Unusable, id_of, list_of, text_of, value_of
from asft.files import fingerprint
from asft.records import Question


def alpaca(row: Row) -> Question:
    """Read Stanford Alpaca: `instruction`, optional `input`, gold answer in `output`.

    The turn is rendered as LLaMA-Factory does: the input on a new line below the instruction.
    """
    instruction = text_of(row.get("instruction") or "")
    context, output = text_of(row.get("input") or ""), text_of(row.get("output") or "")
    if not instruction.strip():
        raise Unusable("empty_instruction")
    if not output.strip():
        raise Unusable("empty_reference")
    turn = f"{instruction}\n{context}" if context else instruction
    given = row.get("question_id", row.get("id"))
    question_id = fingerprint([turn, output])[:16] if given is None else str(given)
    return Question(question_id=question_id, turns=[turn], references=[output])


def alpaca_eval(row: Row) -> Question:
    """Read AlpacaEval's alpaca_eval.json, or a model's outputs: `instruction`, `dataset`.

    Rows have no id; it is made of the instruction, as that of published annotations. The output in
    them is a baseline's, no gold answer.
    """
    instruction = text_of(value_of(row, "instruction"))
    if not instruction.strip():
        raise Unusable("empty_instruction")
    question_id = fingerprint(instruction)[:16]
    category = text_of(row.get("dataset") or "")
    return Question(question_id=question_id, category=category, turns=[instruction])


def mt_bench(row: Row) -> Question:
    """Read FastChat's question.jsonl (0e6d3e4): `question_id`, `category`, `turns`, `reference`.

    What stands under `reference` (39 of the 80 questions) upstream shows to no judge; the answers
    that judges do see are read by `answer_formats.load_reference_answers`.
    """
    return Question(
        question_id=id_of(row),
        category=text_of(value_of(row, "category")),
        turns=[_turn(turn) for turn in list_of(row, "turns")],
        references=[text_of(text) for text in list_of(row, "reference")]
        if row.get("reference")
        else [],
    )


def arena_hard(row: Row) -> Question:
    """Read Arena-Hard v0.1's question.jsonl: `uid` and `prompt`.

    Before arena-hard-auto 900183d: `question_id`, and `turns` of `{"content": …}`. The category is
    the prompt's cluster (250 of two prompts each), so that results can be grouped; upstream's
    `category` names the benchmark and is the same in every row.
    """
    if "prompt" in row:
        turns = [_turn(value_of(row, "prompt"))]
    else:
        turns = [_turn(_content(turn)) for turn in list_of(row, "turns")]
    category = row.get("cluster") or row.get("category") or ""
    return Question(question_id=id_of(row), category=text_of(category), turns=turns)


def _content(turn: Any) -> Any:
    if not isinstance(turn, dict):
        raise Unusable("malformed")
    return value_of(turn, "content")


def _turn(value: Any) -> str:
    turn = text_of(value)
    if not turn.strip():
        raise Unusable("empty_turn")
    return turn


BENCHMARK_FORMATS: dict[str, Callable[[Row], Question]] = {
    "alpaca": alpaca,
    "mt_bench": mt_bench,
    "arena_hard": arena_hard,
    "alpaca_eval": alpaca_eval,
}
