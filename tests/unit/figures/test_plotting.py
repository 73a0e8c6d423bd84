"""What all figures share: the same bytes, marks, a note where there is nothing to draw."""

import hashlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from asft.figures.marks import MARKS, About, mark_of
from asft.figures.plotting import add_caption, new_figure, note_figure, render

ABOUT = About("tiny", "Not comparable to anything.", ("asft", "mine", "yours"))
ENDINGS = (".pdf", ".png", ".csv")


def _draw(numbers):
    figure = new_figure(3.4, 2)
    axes = figure.subplots()
    axes.plot(numbers["x"], numbers["y"], label="§ ∇ x₁")
    axes.set_title("costs 5 $ and 6 $")
    add_caption(figure, "A caption.")
    return figure


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_same_numbers_same_bytes(tmp_path, monkeypatch):
    numbers = pd.DataFrame({"x": [0, 1, 2], "y": [0.1, 1 / 3, 2.0]})
    found = []
    for name in ("a", "b"):
        out = tmp_path / name / "figure.pdf"
        render(partial(_draw, numbers), numbers, out)
        found.append(digests(out.parent))
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
        monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert set(found[0]) == {"figure.pdf", "figure.png", "figure.csv"}
    assert found[0] == found[1]
    assert (tmp_path / "a/figure.csv").read_text() == "x,y\n0,0.1\n1,0.333333\n2,2\n"
    pdf = (tmp_path / "a/figure.pdf").read_bytes()
    assert b"CreationDate" not in pdf
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf


def test_the_bytes_do_not_depend_on_the_process(tmp_path):
    """Python salts the hashes of strings anew in each process; one without torch, too."""
    code = (
        "import sys; from pathlib import Path; from asft.figures.plotting import *;"
        "import pandas as pd;"
        "import asft.figures.curves, asft.figures.figure3;"
        "assert 'torch' not in sys.modules;"
        "render(lambda: note_figure('A note: $ ₁ é'), pd.DataFrame({'a': [1]}), Path(sys.argv[1]))"
    )
    found = []
    for salt in ("1", "2"):
        out = tmp_path / salt / "figure.pdf"
        environment = os.environ | {"PYTHONHASHSEED": salt}
        subprocess.run([sys.executable, "-c", code, out], check=True, env=environment)
        found.append(digests(out.parent))
    assert found[0] == found[1]


def test_a_users_own_matplotlib_settings_change_nothing(tmp_path):
    import matplotlib as mpl

    numbers = pd.DataFrame({"x": [0, 1], "y": [0, 1]})
    render(partial(_draw, numbers), numbers, tmp_path / "a/figure.pdf")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "pdf.fonttype": 3}):
        render(partial(_draw, numbers), numbers, tmp_path / "b/figure.pdf")
        assert mpl.rcParams["font.size"] == 30  # and the user's settings are left alone
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_a_failing_drawing_leaves_no_pdf(tmp_path):
    def fail():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        render(fail, pd.DataFrame({"a": [1]}), tmp_path / "figure.pdf")
    assert not (tmp_path / "figure.pdf").exists()


def test_methods_differ_without_colour_too():
    marks = [mark_of(method, ABOUT) for method in (*MARKS, "mine", "yours")]
    assert len({mark.colour for mark in marks}) == len(marks)
    assert len({mark.marker for mark in marks}) == len(marks)
    assert len({str(mark.dashes) for mark in marks}) == len(marks)


def test_a_note_stands_where_a_picture_would_be_empty(tmp_path):
    render(lambda: note_figure("Nothing."), pd.DataFrame({"a": []}), tmp_path / "figure.pdf")
    assert {p.suffix for p in tmp_path.iterdir()} == set(ENDINGS)
