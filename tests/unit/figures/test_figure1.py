"""Figure 1 is drawn."""

import json

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


def test_figure_1_draws_the_losses_of_any_methods(tmp_path):
    """`sft` pushes one answer alone, `hinge` some points not at all."""
    from asft.figures.figure1 import make_figure1

    rows = {
        "sft": {"loss": "sft", "hyperparameters": {}},
        "far": {"loss": "hinge", "hyperparameters": {"beta": 3}},
        "rpo": {"loss": {"dpo": 1.0, "sft": 0.2}, "hyperparameters": {"beta": 0.1}},
    }
    make_figure1(tmp_path / "figure1.pdf", methods=json.dumps(rows))
    table = pd.read_csv(tmp_path / "figure1.csv")
    assert list(table["loss"].unique()) == [*rows]
    assert (table[table["loss"] == "sft"]["gradient_2"] == 0).all()
    assert (table[table["loss"] == "far"]["value"] == 0).any()
    assert table.notna().all().all()
