"""Parsers of a judge's reply (a rating, a label, or nothing that counts); answers made harmless.

Two protocols. `paper` reads as the benchmarks' own code does: FastChat 0e6d3e4
(fastchat/llm_judge/common.py, run_judge_single) and arena-hard-auto e883410 (gen_judgment.py,
get_score; show_result.py). `hardened` reads the judge's last line only, and its prompts hold
answers treated by `neutralise`. Whatever is no verdict gets a status, never a number.
"""

import ast
import math
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args

from asft.errors import UserError
from asft.records import Label, VerdictStatus

Rules = Literal["paper", "hardened"]
# As upstream's but for `(?:\.\d*)?`, which matches the same without quadratic backtracking.
RATING = re.compile(r"\[\[(\d+(?:\.\d*)?)\]\]")
RATING_BACKUP = re.compile(r"\[(\d+(?:\.\d*)?)\]")
LABEL = re.compile(r"\[\[([AB<>=]+)\]\]")
LABELS: dict[str, Label] = {label: label for label in get_args(Label)}
# Other spellings that arena-hard-auto accepts since 900183d (show_result.py, label_to_score).
REVERSED: dict[str, Label] = {"A<B": "B>A", "A<<B": "B>>A", "B=A": "A=B", "B<A": "A>B"}
REVERSED |= {"B<<A": "A>>B"}
ATTEMPTS = 2  # upstream's number_of_judgment_attempts
# The first character of whatever a parser or a judge could take for structure.
OPENING = re.compile(
    r"""
      \[ (?= \[ (?: \d+(?:\.\d*)? | [AB<>=]+ ) \]\] )                # a verdict
    | \[ (?= (?i: the\ (?:start|end)\ of\ [^][\n]+
              | instruction | question | user\ question ) \] )       # FastChat, turn 1
    | \# (?= (?i: \#\#\ (?: user | assistant(?:\ [ab])? | reference\ answer ) : ) )  # turn 2
    | <  (?= \| [^\s|] [^|\n]* \|> )             # Arena-Hard, our own, chat templates
    """,
    re.VERBOSE,
)


def parse_rating(text: str, protocol: Rules) -> tuple[VerdictStatus, float | None]:
    """Read MT-Bench's rating in a judge's answer, with its status.

    `paper`: the first `[[n]]`, else the first `[n]`, and no check of the range: `arr[0]` before a
    judge's rating without double brackets is a rating of 0, as upstream. Where upstream stops with
    an exception (`[[08]]` is no Python number) there is no verdict.
    `hardened`: `[[n]]` on the last line that is not empty, 1 to 10; two different ones conflict.
    """
    if protocol == "paper":
        match = RATING.search(text) or RATING_BACKUP.search(text)
        found = {_number(match[1])} if match else set()
    else:
        found = {_number(digits) for digits in RATING.findall(last_line(text))}
    if len(found) > 1:
        return "conflicting", None
    rating = next(iter(found), None)
    if rating is None:
        return "no_verdict", None
    if protocol == "hardened" and not 1 <= rating <= 10:
        return "out_of_range", None
    return "ok", rating


def parse_label(texts: Sequence[str], protocol: Rules) -> tuple[VerdictStatus, Label | None]:
    """Read Arena-Hard's label in a judge's answer and, if asked to go on, in what followed.

    `paper`: the one label in all of the text; two different ones conflict, be they legal or not.
    An illegal one such as `[[A<B]]` upstream stores and then leaves out of every battle: here it
    is no verdict. `hardened`: the same, read from the last line that is not empty.
    """
    text = "\n".join(texts)
    found = set(LABEL.findall(text if protocol == "paper" else last_line(text)))
    if len(found) > 1:
        return "conflicting", None
    label = LABELS.get(next(iter(found), ""))
    return ("no_verdict", None) if label is None else ("ok", label)


def needs_continuation(texts: Sequence[str]) -> bool:
    """Tell whether to ask the judge to go on: once, if there is no label, legal or not.

    Under either protocol as in arena-hard-auto e883410 (gen_judgment.py, get_score and judgment).
    """
    return len(texts) < ATTEMPTS and not any(LABEL.search(text) for text in texts)


def read_choices(given: Any, where: str) -> dict[str, Label]:
    """Read the replies that a local judge chooses from, such as A and B, and the label of each.

    They stand under `verdicts` in a file of prompts: ours, upstream has none.

    Raises:
        UserError: there are no two, one has no label, or one is the beginning of another.
    """
    if given is None:
        return {}
    where = f"{where}, key 'verdicts'"
    if not isinstance(given, dict) or len(given) < 2:
        raise UserError(f"{where}: expected two replies or more, and the label of each")
    for reply, label in given.items():
        if not isinstance(reply, str) or not reply or label not in list(LABELS):
            raise UserError(
                f"{where}: {reply!r}: {label!r} is not a text and one of {', '.join(LABELS)}"
            )
        if begun := [other for other in given if other != reply and str(other).startswith(reply)]:
            raise UserError(f"{where}: {reply!r} is the beginning of {begun[0]!r}; use others")
    return given


def neutralise(text: str) -> str:
    """Return `text` with a space after the first character of each verdict and delimiter.

    `[[9]]` becomes `[ [9]]` and `<|The End of …|>` becomes `< |The End of …|>`; all else stays as
    it is, byte for byte. The delimiters are those of both benchmarks' templates, in any case of
    letters, and everything of the form `<|…|>`. Applying it twice changes nothing more.
    """
    return OPENING.sub(r"\g<0> ", text)


def _number(literal: str) -> float | None:
    try:
        value = float(ast.literal_eval(literal))
    except (SyntaxError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def last_line(text: str) -> str:
    """Return the last line that is not empty; "" where there is none."""
    return next((line for line in reversed(text.split("\n")) if line.strip()), "")
