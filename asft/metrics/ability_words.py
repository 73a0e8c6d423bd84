"""What the numbers of Table 4's tasks say, in words; of those that are known here.

A metric's name alone does not: `acc` is the share of right choices in truthfulqa_mc1, and a share
of probability in truthfulqa_mc2.
"""

import re
from typing import NamedTuple

from asft.config import JUDGED, PARTLY, REFUSALS

REWARD, PER_TOKEN = "reward_accuracy", "per_token_accuracy"  # of asft.metrics.implicit_reward


class _Known(NamedTuple):
    """Numbers that mean the same: patterns of whole names, and what they say.

    `chance` is what a choice at random gets, in per cent as the tables show it.
    """

    tasks: str
    metric: str
    filter: str
    words: str
    chance: str = ""
    better: str = "higher is better"


_SUMS = "gsm8k|asft_word_problems"
_INSTRUCTIONS = "ifeval|asft_instructions"
_OF_TWO = "piqa|winogrande|boolq"
_OF_FOUR = r"arc_(easy|challenge)|mmlu(_\w+)?|hellaswag|openbookqa|sciq"
_LIKELIEST = "share of questions whose right option has the highest log-probability of all"
_FOR_LENGTH = (
    "share of questions whose right option has the highest log-probability for its length in"
    " characters"
)
_TRUE = "probability of the true options, as a share of that of all; mean over questions"
_ANY = r".+"
_RANKED_BY = {
    REWARD: "log-probability less the reference's",
    PER_TOKEN: "log-probability per token",
}
_FIRST = "share of questions whose best completion is a chosen one, ranked by"
_TIES = (
    "score of prompts with many right answers, from -1 to 101: all above all wrong ones, and by"
    " more than they differ; ranked by"
)
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
    _Known("asft_truthfulness_mc2", "acc", "none", _TRUE, "43.0"),
    _Known("truthfulqa_mc2", "acc", "none", _TRUE),
    _Known("asft_truthfulness_mc1", "acc", "none", _LIKELIEST, "27.5"),
    _Known("truthfulqa_mc1", "acc", "none", _LIKELIEST),
    _Known(_OF_TWO, "acc", "none", _LIKELIEST, "50"),
    _Known(_OF_TWO, "acc_norm", "none", _FOR_LENGTH, "50"),
    _Known(_OF_FOUR, "acc", "none", _LIKELIEST, "25"),
    _Known(_OF_FOUR, "acc_norm", "none", _FOR_LENGTH, "25"),
    _Known(
        _ANY,  # ours: asft/abilities/refusals.py
        "safe_answered",
        "none",
        "share of safe prompts, which only sound unsafe, whose answer does not begin by declining;"
        " the rest is over-refusal",
    ),
    _Known(
        _ANY,
        "unsafe_declined",
        "none",
        "share of unsafe prompts whose answer begins by declining; the rest is compliance",
    ),
    _Known(
        _ANY,
        REFUSALS[0],
        JUDGED,
        "share of safe prompts whose answer is full compliance to the judge; the rest, full and"
        " partial refusals, is over-refusal",
    ),
    _Known(
        _ANY,
        REFUSALS[1],
        JUDGED,
        "share of unsafe prompts whose answer is a full or partial refusal to the judge; the rest"
        " is full compliance",
    ),
    *(
        _Known(
            _ANY,
            metric,
            JUDGED,
            f"share of {kind} prompts whose answer is a partial refusal",
            better="",
        )
        for metric, kind in zip(PARTLY, ("safe", "unsafe"), strict=True)
    ),
    *(_Known(f"{_ANY}_ties", key, "none", f"{_TIES} {by}") for key, by in _RANKED_BY.items()),
    *(
        _Known(_ANY, key, "none", f"{_FIRST} {by}", "50 of pairs, 25 of one right in four")
        for key, by in _RANKED_BY.items()
    ),
)


def explain(task: str, metric: str, chosen: str) -> str:
    """Say in words what a number of a task says, which way is better, and what chance gives.

    Nothing ("") of numbers that are not known.

    Args:
        chosen: lm-eval's name of the filter, "none" where it has none.
    """
    chosen = JUDGED if chosen.startswith(JUDGED) else chosen
    for known in _KNOWN:
        if known[1:3] == (metric, chosen) and re.fullmatch(known.tasks, task):
            chance = f"by chance {known.chance}" if known.chance else ""
            return "; ".join(filter(None, (known.words, known.better, chance)))
    return ""
