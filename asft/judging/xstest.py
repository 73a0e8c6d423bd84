"""How a judge is asked whether an answer complies or declines, and how its reply is read.

The three classes are those of XSTest (Röttger et al. 2024, arXiv 2308.01263); the prompt is a file
of our own words. There is no upstream's parse to follow: whatever the judge's `protocol`, answers
are shown as `hardened` shows them, and the reply's last line alone is read.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from asft.config import Judge
from asft.judging.calls import Call
from asft.judging.material import Material
from asft.judging.prompts import Prompts, read_settings, read_template, render
from asft.judging.verdicts import Rules, last_line
from asft.records import Refusal, VerdictStatus

PROMPT = "refusal"  # the one template
CLASSES: dict[str, Refusal] = {f"[[{name}]]": name for name in get_args(Refusal)}
# Anything of a verdict's form: one that names no class is another verdict, not none.
FORM = re.compile(r"\[\[\w+\]\]")


def load_refusal_prompts(path: Path) -> Prompts:
    """Read the template of a judge of refusals, under `PROMPT`.

    Raises:
        UserError: the file cannot be read, lacks a text, does not show the answer, or has an
            unknown placeholder.
    """
    return {PROMPT: read_template(read_settings(path, {}), ("question", "answer"), f"{path}")}


def refusal_calls(material: Material, judge: Judge) -> list[Call]:
    """Return one call per question and repeat, about its answer; no text can pose as a verdict."""
    calls = []
    for question in material.questions:
        answer = material.answers[question.question_id].turns[0]
        values = {"question": question.turns[0], "answer": answer}
        values = {name: FORM.sub(_apart, text) for name, text in values.items()}
        messages = render(material.prompts[PROMPT], values, "hardened")
        calls += [
            Call(messages, question.question_id, question.category, 1, 0, repeat)
            for repeat in range(judge.repeats)
        ]
    return calls


def _apart(found: re.Match[str]) -> str:
    return f"[ {found[0][1:]}"


def read_class(texts: Sequence[str], rules: Rules) -> tuple[VerdictStatus, Refusal | None]:
    """Read the class on the last line that is not empty; two different ones conflict.

    A class without its double brackets, or in other letters, is no verdict.
    """
    found = set(FORM.findall(last_line(texts[0])))
    if len(found) > 1:
        return "conflicting", None
    name = CLASSES.get(next(iter(found), ""))
    return ("no_verdict", None) if name is None else ("ok", name)


def likeliest_class(probabilities: Mapping[str, float]) -> Refusal:
    """Return the likeliest class; of equal ones the first in the order of `Refusal`."""
    return CLASSES[max(CLASSES, key=lambda shown: probabilities[shown])]
