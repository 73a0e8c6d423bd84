"""A model's thinking, apart from its answer: the tags by which the common families mark it.

Thinking is kept as it came, with its tags, so that `whole` gives the model's text again byte for
byte; `bare` is what a reader wants to see.
"""

import re
from typing import NamedTuple

# (opening, closing), compared without regard to case.
TAGS = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM and most others
    ("<thinking>", "</thinking>"),  # asked for in prompts
    ("<thought>", "</thought>"),  # Gemini's compatible endpoint
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),  # gpt-oss
)
MARKS = [tag for pair in TAGS for tag in pair]
_CLOSING = {opening.lower(): re.compile(re.escape(end), re.I) for opening, end in TAGS}
_TAG = "|".join(re.escape(opening) for opening, _ in TAGS)
_OPENS = re.compile(rf"\s*({_TAG})", re.I)
_OPENING = re.compile(_TAG, re.I)
# The one family whose prompt may hold the opening tag; at the start of a line.
_ENDS = re.compile(r"^</think>", re.I | re.M)
_ANY = re.compile("|".join(map(re.escape, MARKS)), re.I)
_BLANK = re.compile(r"\s*")


class Split(NamedTuple):
    """A model's text in two: `thinking + text` is all of it."""

    thinking: str
    text: str
    is_open: bool = False  # the thinking was cut off: no answer was begun


def split_thinking(text: str) -> Split:
    """Split a model's text behind the thinking that it begins with, if it does.

    Thinking is what stands in tags at the beginning, once or several times. Where the opening tag
    stands in the prompt (DeepSeek-R1's template), it ends with a closing tag that begins a line.
    Tags further behind belong to the answer, which may be about them.
    """
    at, opened = 0, _OPENS.match(text)
    if not opened:
        ends = _ENDS.search(text)
        if ends and not _OPENING.search(text, 0, ends.start()):
            at, opened = ends.end(), _OPENS.match(text, ends.end())
    while opened:
        closed = _CLOSING[opened[1].lower()].search(text, opened.end())
        if not closed:
            return Split(text, "", is_open=True)
        at = closed.end()
        opened = _OPENS.match(text, at)
    if at:
        at = _end_of_blank(text, at)
    return Split(text[:at], text[at:])


def shown(text: str, with_thinking: bool = False) -> str:
    """Return a model's text as metrics and judges see it: without its thinking, or with it."""
    return text if with_thinking else split_thinking(text).text


def _end_of_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def opened_by(prompt: str) -> str:
    """Return the opening tag that a prompt ends with, as some chat templates' do; else ""."""
    ends = prompt.rstrip().lower()
    return next((opening for opening, _ in TAGS if ends.endswith(opening.lower())), "")


def is_tagged(thinking: str) -> bool:
    """Tell whether thinking stood in the text, in tags, and not in a field of its own."""
    return _ANY.search(thinking) is not None


def bare(thinking: str) -> str:
    """Return thinking without its tags and the blanks around them."""
    return _ANY.sub("", thinking).strip()


def whole(thinking: str, text: str) -> str:
    """Return a model's text with its thinking before it, as it came."""
    if not thinking or is_tagged(thinking):
        return thinking + text
    return f"{thinking}\n\n{text}"
