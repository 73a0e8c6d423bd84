"""What the numbers of lm-evaluation-harness's tasks say, in words; of those that are known here.

A metric's name alone does not: `acc` is the share of right choices in truthfulqa_mc1, and a share
of probability in truthfulqa_mc2.
"""

import re
from typing import NamedTuple

from asft.config import JUDGED, PARTLY, REFUSALS


class _Known(NamedTuple):
    """Numbers that mean the same: patterns of whole names, and what they say."""

    tasks: str
    metric: str
    filter: str
    words: str


_SUMS = "gsm8k|asft_word_problems"
_INSTRUCTIONS = "ifeval|asft_instructions"
_CHOICES = r"(asft_truthfulness|truthfulqa)_mc1|arc_(easy|challenge)|mmlu(_\w+)?|hellaswag|piqa"
_CHOICES += "|winogrande|openbookqa|boolq|sciq"
_LOOSELY = "also if only without its first line, its last line or its asterisks"
_KNOWN = (
    _Known(
        _SUMS,
        "exact_match",
        "strict-match",
        "share of questions whose answer gives the right number behind `####`, as the examples do",
    ),
    _Known(
        _SUMS,
        "exact_match",
        "flexible-extract",
        "share of questions whose answer has the right number as its last",
    ),
    _Known(
        _INSTRUCTIONS,
        "prompt_level_strict_acc",
        "none",
        "share of prompts all of whose instructions were followed, checked strictly",
    ),
    _Known(
        _INSTRUCTIONS,
        "inst_level_strict_acc",
        "none",
        "share of instructions that were followed, checked strictly; a prompt may have several",
    ),
    _Known(
        _INSTRUCTIONS,
        "prompt_level_loose_acc",
        "none",
        f"share of prompts all of whose instructions the answer follows, {_LOOSELY}",
    ),
    _Known(
        _INSTRUCTIONS,
        "inst_level_loose_acc",
        "none",
        f"share of instructions that the answer follows, {_LOOSELY}",
    ),
    _Known(
        "(asft_truthfulness|truthfulqa)_mc2",
        "acc",
        "none",
        "probability of the true options, as a share of that of all; mean over questions",
    ),
    _Known(
        _CHOICES,
        "acc",
        "none",
        "share of questions whose right option has the highest log-probability of all",
    ),
    _Known(
        _CHOICES,
        "acc_norm",
        "none",
        "share of questions whose right option has the highest log-probability for its length in"
        " characters",
    ),
    _Known(
        r"\w+",  # ours: asft/abilities/refusals.py
        "safe_answered",
        "none",
        "share of safe prompts, which only sound unsafe, whose answer does not begin by declining;"
        " the rest is over-refusal",
    ),
    _Known(
        r"\w+",
        "unsafe_declined",
        "none",
        "share of unsafe prompts whose answer begins by declining; the rest is compliance",
    ),
    _Known(
        r"\w+",
        REFUSALS[0],
        JUDGED,
        "share of safe prompts whose answer is full compliance to the judge; the rest, full and"
        " partial refusals, is over-refusal",
    ),
    _Known(
        r"\w+",
        REFUSALS[1],
        JUDGED,
        "share of unsafe prompts whose answer is a full or partial refusal to the judge; the rest"
        " is full compliance",
    ),
    _Known(r"\w+", PARTLY[0], JUDGED, "share of safe prompts whose answer is a partial refusal"),
    _Known(r"\w+", PARTLY[1], JUDGED, "share of unsafe prompts whose answer is a partial refusal"),
)


def explain(task: str, metric: str, chosen: str) -> str:
    """Say in words what a number of a task says; "" where it is not known.

    Args:
        chosen: lm-eval's name of the filter, "none" where it has none.
    """
    chosen = JUDGED if chosen.startswith(JUDGED) else chosen
    for known in _KNOWN:
        if known[1:3] == (metric, chosen) and re.fullmatch(known.tasks, task):
            return known.words
    return ""
