"""The table of judging protocols: how a judge is asked, and how its replies are read.

What config and tables must know of a protocol stands in config/protocols.py.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from asft.config import PROTOCOLS, XSTEST, Judge
from asft.judging.alpaca_eval import (
    FIRST,
    SECOND,
    choice_calls,
    load_choice_prompts,
    read_letter,
    share_of_second,
)
from asft.judging.arena_hard_v2 import (
    category_calls,
    load_category_prompts,
    parse_last_label,
)
from asft.judging.calls import Call, game_calls, rating_calls
from asft.judging.material import Material
from asft.judging.prompts import Prompts, continuation, load_game_prompts, load_rating_prompts
from asft.judging.verdicts import Rules, needs_continuation, parse_label, parse_rating
from asft.judging.xstest import (
    CLASSES,
    likeliest_class,
    load_refusal_prompts,
    read_class,
    refusal_calls,
)
from asft.records import Label, Message, Refusal, VerdictStatus

RATINGS = [f"[[{n}]]" for n in range(1, 11)]
LABELS = [f"[[{label}]]" for label in get_args(Label)]


class Judging(NamedTuple):
    """The functions that ask a judge under one protocol and read its replies."""

    load_prompts: Callable[[Path], Prompts]
    calls: Callable[[Material, Judge], list[Call]]
    # What a local judge gives probabilities of; none is the beginning of another.
    verdicts: list[str]
    # From the judge's words to the rating or label in them.
    read: Callable[[Sequence[str], Rules], tuple[VerdictStatus, float | Label | Refusal | None]]
    # From the probabilities of `verdicts` to one.
    weigh: Callable[[Mapping[str, float]], float | Label | Refusal]
    # What to ask after a first reply; None, or a function that gives none: nothing.
    go_on: Callable[[Sequence[Message], str], list[Message] | None] | None = None


def _read_rating(texts: Sequence[str], rules: Rules) -> tuple[VerdictStatus, float | None]:
    return parse_rating(texts[0], rules)


def expected_rating(probabilities: Mapping[str, float]) -> float:
    """Return the mean of the ratings `[[n]]`, weighted by their probabilities."""
    return sum(int(name.strip("[]")) * share for name, share in probabilities.items())


def likeliest_label(probabilities: Mapping[str, float]) -> Label:
    """Return the likeliest label; of equal ones the first in the order of `Label`."""
    return max(get_args(Label), key=lambda label: probabilities[f"[[{label}]]"])


def _ask_for_label(messages: Sequence[Message], reply: str) -> list[Message] | None:
    """Return Arena-Hard's second question, asked once where no label came; else None."""
    return continuation(messages, reply) if needs_continuation([reply]) else None


JUDGING = {
    "mt_bench": Judging(load_rating_prompts, rating_calls, RATINGS, _read_rating, expected_rating),
    "arena_hard": Judging(
        load_game_prompts, game_calls, LABELS, parse_label, likeliest_label, _ask_for_label
    ),
    "arena_hard_v2": Judging(
        load_category_prompts, category_calls, LABELS, parse_last_label, likeliest_label
    ),
    "alpaca_eval": Judging(
        load_choice_prompts, choice_calls, [FIRST, SECOND], read_letter, share_of_second
    ),
}
# No benchmark's protocol: what is judged are answers to tasks that lm-eval asks and scores.
REFUSALS = Judging(load_refusal_prompts, refusal_calls, list(CLASSES), read_class, likeliest_class)


def judging_of(protocol: str) -> Judging:
    """Return how a judge is asked under a protocol, or about refusals (`XSTEST`)."""
    return REFUSALS if protocol == XSTEST else JUDGING[protocol]


def verdict_of(protocol: str) -> str:
    """Return which field of a `Verdict` such a judge fills."""
    return "refusal" if protocol == XSTEST else PROTOCOLS[protocol].verdict


def check_prompts(protocol: str, path: Path) -> None:
    """Read a judge's prompts, to find their faults before anything is judged by them.

    Raises:
        UserError: names the file, and what it lacks.
    """
    judging_of(protocol).load_prompts(path)
