"""Figure 1 is drawn."""

import pandas as pd
import pytest

from asft.errors import UserError


def test_figure_1_is_drawn_and_refuses_a_senseless_beta(tmp_path):
    from asft.figures.figure1 import make_figure1

    out = tmp_path / "figure1.pdf"
    make_figure1(out, 0.1)
    assert (tmp_path / "figure1.png").stat().st_size > 50_000
    table = pd.read_csv(tmp_path / "figure1.csv")
    assert table.groupby(["loss", "space"])["arrow"].sum().tolist() == [100] * 4
    with pytest.raises(UserError, match="beta is 0"):
        make_figure1(out, 0.0)
