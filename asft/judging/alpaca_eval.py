"""AlpacaEval's judge: which of two outputs is the better one, in one letter, m or M.

As alpaca_eval 0.6.6 asks (evaluators_configs/alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt, whose
two messages are read as utils.prompt_to_chatml does) and weighs the letters
(completion_parsers.logprob_parser), but:

- both orders are asked. Upstream asks one, drawn by the instruction, so that a judge with a taste
  for the first place adds noise;
- the template is split into messages first, and then filled at once, so that no text is read as a
  part of it. Upstream fills one placeholder after the other, and splits what comes of it;
- a judge without probabilities is read by its letter, 0 or 1. Upstream's leaderboard has none.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from asft.config import Judge
from asft.errors import UserError
from asft.files import read_text
from asft.judging.calls import Call
from asft.judging.material import Material
from asft.judging.prompts import Prompts, Template, render
from asft.judging.verdicts import Rules
from asft.records import VerdictStatus

CHOICE = "choice"  # the one template
FIRST, SECOND = "m", "M"  # the outputs' names
MESSAGE = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
PLACEHOLDER = re.compile(r"\{(instruction|output_1|output_2)\}")
QUOTES = '"""'  # around each text in upstream's prompt
STARTS = re.compile(r"\W*([mM])\b")
ALONE = re.compile(r"\W*([mM])\W*")


def load_choice_prompts(path: Path) -> Prompts:
    """Read AlpacaEval's template in ChatML, one system and one user message, under `CHOICE`.

    Raises:
        UserError: the file cannot be read, holds other messages, or the user message does not show
            the instruction and both outputs once each.
    """
    messages = [(role, text.strip()) for role, text in MESSAGE.findall(read_text(path))]
    roles = [role for role, _ in messages]
    if roles != ["system", "user"]:
        raise UserError(f"{path}: expected a system and a user message in ChatML, found {roles}")
    (_, system), (_, user) = messages
    parts = PLACEHOLDER.split(user)
    if sorted(parts[1::2]) != ["instruction", "output_1", "output_2"]:
        raise UserError(
            f"{path}: expected {{instruction}}, {{output_1}} and {{output_2}} once each in the user"
            f" message, found {parts[1::2]}"
        )
    texts = [text.replace("{", "{{").replace("}", "}}") for text in parts[::2]]
    names = [f"{{{name}}}" for name in parts[1::2]] + [""]
    filled = "".join(text + name for text, name in zip(texts, names, strict=True))
    return {CHOICE: Template(system, filled)}


def choice_calls(material: Material, judge: Judge) -> list[Call]:
    """Return two calls per question and repeat: in game 1 the baseline's output is m, in 2 M.

    With `hardened`, no text can end the quotes that stand around it.
    """
    games: tuple[Literal[1, 2], ...] = (1, 2)
    calls = []
    for question in material.questions:
        answer = material.answers[question.question_id].turns[0]
        baseline = material.baseline[question.question_id].text
        for game in games:
            first, second = (baseline, answer) if game == 1 else (answer, baseline)
            values = {"instruction": question.turns[0], "output_1": first, "output_2": second}
            if judge.protocol == "hardened":
                values = {name: text.replace(QUOTES, '"" "') for name, text in values.items()}
            messages = render(material.prompts[CHOICE], values, judge.protocol)
            about = (question.question_id, question.category, 1, game)
            calls += [Call(messages, *about, repeat) for repeat in range(judge.repeats)]
    return calls


def read_letter(texts: Sequence[str], rules: Rules) -> tuple[VerdictStatus, float | None]:
    """Read the letter of a judge that gives no probabilities: 1 for M, 0 for m.

    `paper`: the letter that the reply begins with, as of upstream's one token; `hardened`: a reply
    of that letter alone.
    """
    text = texts[0]
    found = STARTS.match(text) if rules == "paper" else ALONE.fullmatch(text)
    return ("no_verdict", None) if found is None else ("ok", float(found[1] == SECOND))


def share_of_second(probabilities: Mapping[str, float]) -> float:
    """Return the probability of M among the two letters."""
    return probabilities[SECOND]
