"""Text in figures: lines of a given width, and characters that the font has."""

import pytest

from asft.figures.typesetting import CUT, printable, shorten, text_width, wrap


def test_lines_are_no_wider_than_asked_and_lose_no_word():
    text = "Eine Frage,\nmit   einem " + "sehr" * 60 + " langen Wort.\n\n\n  und Einzug"
    lines = wrap(text, 2.0)
    assert all(text_width(line) <= 2.0 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert lines[-1] == "  und Einzug"
    assert text_width("M" * 10) == pytest.approx(10 * 0.863 * 8 / 72, rel=0.01)  # DejaVu's M


def test_cut_lines_say_so_and_stay_within_the_width():
    lines = wrap("word " * 100, 2.0)
    cut = shorten(lines, 3, 2.0)
    assert len(cut) == 3
    assert cut[:2] == lines[:2]
    assert cut[-1].endswith(CUT)
    assert text_width(cut[-1]) <= 2.0
    assert shorten(lines[:3], 3, 2.0) == lines[:3]


def test_what_the_font_lacks_and_control_characters():
    assert printable("a\x00b\x1b[31m\tc\r\nd 漢 é ₁ ∇") == "ab[31m    c\nd \ufffd é ₁ ∇"
