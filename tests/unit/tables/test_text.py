"""Words and numbers of the tables: escaped for LaTeX, p never written as 0."""

from asft.tables.latex import escape_tex
from asft.tables.text import p_text


def test_escape_tex():
    assert escape_tex(r"\_{~^") == (r"\textbackslash{}\_\{\textasciitilde{}\textasciicircum{}")


def test_no_p_is_written_as_zero():
    written = [p_text(p) for p in (0.0, 4e-5, 1e-4, 1.0)]
    assert written == ["< 0.0001", "< 0.0001", "0.0001", "1.0000"]
