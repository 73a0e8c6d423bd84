"""Arena-Hard v2.0's judge: a system prompt for each category, and the last label of a reply.

As arena-hard-auto at 196f6b8 (gen_judgment.py, config/arena-hard-v2.0.yaml): one user message with
both answers, no second question where no label came.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from asft.config import Judge
from asft.errors import UserError
from asft.files import read_json
from asft.judging.calls import Call
from asft.judging.material import Material
from asft.judging.prompts import Prompts, Template, read_settings, read_template, render
from asft.judging.verdicts import LABELS, REVERSED, Rules, parse_label
from asft.records import Label, Message, Question, VerdictStatus

PLACEHOLDERS = ("QUESTION", "ANSWER_A", "ANSWER_B")
PATTERNS = [r"\[\[([AB<>=]+)\]\]", r"\[([AB<>=]+)\]"]
FIXED = {"regex_patterns": PATTERNS, "reference": None}
ANY = ""  # the category of a system prompt for all


def load_category_prompts(path: Path) -> Prompts:
    """Read Arena-Hard v2.0's templates, by category of the questions.

    The user message stands in `path`; so does the system prompt, for all categories, unless there
    is a system_prompts.json beside it.

    Raises:
        UserError: a file cannot be read, lacks a text, or asks for what is not done here.
    """
    settings = read_settings(path, FIXED)
    beside = path.with_name("system_prompts.json")
    systems = read_json(beside) if beside.exists() else {ANY: settings.get("system_prompt")}
    return {
        category: read_template(settings | {"system_prompt": text}, PLACEHOLDERS, f"{path}")
        for category, text in systems.items()
    }


def category_calls(material: Material, judge: Judge) -> list[Call]:
    """Return two calls per question and repeat, the answers in both orders.

    Raises:
        UserError: there is no system prompt for a question's category.
    """
    games: tuple[Literal[1, 2], ...] = (1, 2)
    return [
        Call(
            _messages(material, question, game, judge.protocol),
            *(question.question_id, question.category, 1, game, repeat),
        )
        for question in material.questions
        for game in games
        for repeat in range(judge.repeats)
    ]


def parse_last_label(texts: Sequence[str], rules: Rules) -> tuple[VerdictStatus, Label | None]:
    """Read the last label in a judge's reply, in capital or small letters.

    `paper`: the last `[[…]]`, else the last `[…]`; one that is none of the labels, at which
    upstream's show_result.py stops, is no verdict. `hardened`: as of v0.1.
    """
    text = "\n".join(texts).upper()
    if rules == "hardened":
        return parse_label([text], rules)
    for pattern in PATTERNS:
        if found := re.findall(pattern, text):
            label = (LABELS | REVERSED).get(found[-1])
            return ("no_verdict", None) if label is None else ("ok", label)
    return "no_verdict", None


def _messages(
    material: Material, question: Question, game: Literal[1, 2], rules: Rules
) -> list[Message]:
    answer = material.answers[question.question_id].turns[0]
    baseline = material.baseline[question.question_id].text
    first, second = (baseline, answer) if game == 1 else (answer, baseline)
    values = {"QUESTION": question.turns[0], "ANSWER_A": first, "ANSWER_B": second}
    return render(_template(material.prompts, question), values, rules)


def _template(prompts: Prompts, question: Question) -> Template:
    found = prompts.get(question.category, prompts.get(ANY))
    if found is None:
        raise UserError(
            f"question {question.question_id!r}: no system prompt for category"
            f" {question.category!r}; there are some for: {', '.join(prompts)}"
        )
    return found
