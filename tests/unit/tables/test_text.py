"""Words and numbers of the tables: escaped for LaTeX, p never written as 0."""

from asft.tables.latex import escape_tex
from asft.tables.text import bracketed, p_text, rounded, signed


def test_escape_tex():
    assert escape_tex(r"\_{~^") == (r"\textbackslash{}\_\{\textasciitilde{}\textasciicircum{}")


def test_no_p_is_written_as_zero():
    written = [p_text(p) for p in (0.0, 4e-5, 1e-4, 1.0)]
    assert written == ["< 0.0001", "< 0.0001", "0.0001", "1.0000"]


def test_nothing_is_minus_zero():
    assert bracketed(-0.004, -0.006, 2) == "[0.00, -0.01]"
    assert [signed(value, 2) for value in (-0.004, 0.004, 0.0, -0.006, 0.006)] == [
        *["0.00"] * 3,
        *["-0.01", "+0.01"],
    ]
    [row] = rounded([{"difference": -0.00004}])
    assert str(row["difference"]) == "0.0"
