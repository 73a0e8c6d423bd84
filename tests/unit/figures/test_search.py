"""The figure of a search: who is filled, who is ringed, and what it refuses."""

import json

import matplotlib.figure
import pandas as pd
import pytest
from figure_inputs import ABOUT

from asft.errors import UserError
from asft.figures.search import _draw, make_figure_search

HEAD = "dataset,method,trial,beta,learning_rate,gamma,"
HEAD += "share,score,low,high,behind,within,chosen,own,benchmark,metric,n,seeds\n"
ROWS = """\
toy,dpo,1,0.1,0.0001,,1.0,20.0,18.0,22.0,1.0,False,False,True,b,rougeL,18,1
toy,dpo,2,0.4,1e-05,,1.0,21.0,19.0,23.0,0.0,True,True,False,b,rougeL,18,1
toy,simpo,1,2.5,0.0001,0.0,1.0,19.0,17.0,21.0,0.5,True,True,True,b,rougeL,18,1
toy,simpo,2,5,2e-05,1.4,1.0,19.5,17.0,21.0,0.0,True,False,False,b,rougeL,18,1
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "search.csv"
    path.write_text(HEAD + ROWS)
    return path


def test_a_panel_a_parameter_of_the_methods_that_have_it(table):
    figure = _draw(pd.read_csv(table), ABOUT)
    assert isinstance(figure, matplotlib.figure.Figure)
    titles = [axes.get_xlabel() for axes in figure.axes]
    assert titles == ["beta", "learning_rate", "gamma"]
    scales = [axes.get_xscale() for axes in figure.axes]
    assert scales == ["log", "log", "linear"]  # a gamma of 0 has no logarithm
    beta, _, gamma = figure.axes
    marks = [line for line in beta.lines if len(line.get_xdata()) == 1]
    faces = [(line.get_markerfacecolor(), line.get_ydata()[0]) for line in marks]
    filled = [y for face, y in faces if face not in ("white", "none")]
    ringed = [y for face, y in faces if face == "none"]
    assert (sorted(filled), sorted(ringed)) == ([19.0, 21.0], [19.0, 20.0])
    assert len([line for line in gamma.lines if len(line.get_xdata()) == 2]) == 1
    words = " ".join(text.get_text() for text in figure.texts).split()
    assert "the 18 questions of b" in " ".join(words)


def test_it_is_written_with_its_numbers(table, tmp_path):
    settings = json.dumps({"model": "tiny", "note": "", "methods": ["dpo", "simpo"]})
    make_figure_search(settings, table, tmp_path / "figure.pdf")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    assert len(pd.read_csv(tmp_path / "figure.csv")) == 4


def test_other_tables_are_refused(table, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        make_figure_search("{}", tmp_path / "absent.csv", tmp_path / "figure.pdf")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="no column 'dataset'; is this the table of a search"):
        make_figure_search("{}", tmp_path / "other.csv", tmp_path / "figure.pdf")
