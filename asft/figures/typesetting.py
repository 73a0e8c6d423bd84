"""Text in figures: what the font can show, lines broken by their measured width, long ones cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags

FONT = "DejaVu Sans"  # comes with Matplotlib: the same letters on every machine
SIZE = 8.0  # points
LINE = 1.3 * SIZE / 72  # inches from one line to the next
BASE = 0.75  # of a line: how far below its top the letters stand
CUT = "[…]"


def printable(text: str) -> str:
    """Return text without control characters, unknown letters as "\ufffd", tabs as four blanks."""
    letters = []
    for letter in text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "):
        if letter == "\n" or unicodedata.category(letter)[0] != "C":
            known = letter == "\n" or _font().get_char_index(ord(letter)) != 0
            letters.append(letter if known else "\ufffd")
    return "".join(letters)


def wrap(text: str, width: float) -> list[str]:
    """Break text into lines no wider than `width` inches.

    Line breaks stay, runs of empty lines become none.

    A word that is too wide by itself is broken between two letters.
    """
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        if paragraph.strip():
            lines += _break(paragraph.rstrip(), width)
    return lines


def shorten(lines: list[str], most: int, width: float) -> list[str]:
    """Keep the first `most` lines; if some are left out, the last one ends in the mark `CUT`."""
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and text_width(f"{last} {CUT}") > width:
        words = last.rsplit(maxsplit=1)
        last = words[0] if len(words) > 1 else last[:-1]
    return [*lines[: most - 1], f"{last} {CUT}".strip()]


def text_width(text: str) -> float:
    """Return the width of a line in the figures' font and size, in inches."""
    return sum(_advance(letter) for letter in text)


def _break(paragraph: str, width: float) -> Iterator[str]:
    indent = paragraph[: len(paragraph) - len(paragraph.lstrip())][:8]
    line = indent
    for word in paragraph.split():
        joined = f"{line} {word}" if line.strip() else line + word
        if text_width(joined) <= width:
            line = joined
            continue
        if line.strip():
            yield line
        line = word
        while text_width(line) > width:
            fits = _letters_that_fit(line, width)
            yield line[:fits]
            line = line[fits:]
    yield line


def _letters_that_fit(word: str, width: float) -> int:
    used = 0.0
    for number, letter in enumerate(word):
        used += _advance(letter)
        if used > width:
            return max(1, number)
    return len(word)


@cache
def _font() -> FT2Font:
    # An object of its own: the renderer changes the size of those that it shares.
    font = FT2Font(findfont(FontProperties(family=FONT)))
    font.set_size(SIZE, 72)
    return font


@cache
def _advance(letter: str) -> float:
    glyph = _font().load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    return glyph.linearHoriAdvance / 65536 / 72
