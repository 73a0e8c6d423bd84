"""Figure 1's losses and gradients against their closed forms."""

import numpy as np


def test_figure_1_is_the_closed_forms():
    """Autograd of the losses that train, against Eq. 16 and 18 and their counterparts in logs."""
    from asft.figures.loss_fields import fields, paper_losses

    beta = 0.1
    table = fields(paper_losses(beta))
    assert len(table) == 4 * 41**2
    for (loss, space), rows in table.groupby(["loss", "space"]):
        x1, x2 = rows["x1"].to_numpy(), rows["x2"].to_numpy()
        if space == "log_probability":
            x1, x2 = np.exp(x1), np.exp(x2)
        if loss == "bradley_terry":  # Eq. 15 and 16
            total = x1**beta + x2**beta
            value = -np.log(x1**beta / total)
            by_x1, by_x2 = -beta * x2**beta / (x1 * total), beta * x2 ** (beta - 1) / total
        else:  # Eq. 23 and 18
            value = -np.log(x1) - np.log(1 - x2)
            by_x1, by_x2 = -1 / x1, 1 / (1 - x2)
        if space == "log_probability":  # d/d log x = x · d/dx
            by_x1, by_x2 = x1 * by_x1, x2 * by_x2
        np.testing.assert_allclose(rows["value"], value, rtol=1e-5)
        np.testing.assert_allclose(rows["gradient_1"], by_x1, rtol=1e-4)
        np.testing.assert_allclose(rows["gradient_2"], by_x2, rtol=1e-4)


def test_in_logs_bradley_terry_is_balanced_and_asft_is_not():
    from asft.figures.loss_fields import fields, paper_losses

    table = fields(paper_losses(0.5))
    logs = table[table["space"] == "log_probability"]
    balanced = logs[logs["loss"] == "bradley_terry"]
    np.testing.assert_allclose(balanced["gradient_1"], -balanced["gradient_2"], rtol=1e-6)
    align = logs[logs["loss"] == "asft_align"]
    np.testing.assert_allclose(align["gradient_1"], -1)
    assert align["gradient_2"].max() > 100 * align["gradient_2"].min()


def test_a_method_s_field_is_its_formula_s():
    """SimPO by hand; DPO, whose reference gives both answers 1/2, is the Bradley-Terry loss."""
    from asft.figures.loss_fields import fields, method_loss, paper_losses

    simpo = fields({"a": method_loss("simpo", {"beta": 2.0, "gamma": 0.5})})
    x1, x2 = (simpo[name].where(simpo["space"] == "probability").dropna() for name in ("x1", "x2"))
    x = 2 * np.log(x1 / x2) - 0.5
    np.testing.assert_allclose(simpo["value"][x1.index], np.log1p(np.exp(-x)), rtol=1e-6)
    slope = -1 / (1 + np.exp(x)) * 2 / x1
    np.testing.assert_allclose(simpo["gradient_1"][x1.index], slope, rtol=1e-6)
    dpo = fields({"bradley_terry": method_loss("dpo", {"beta": 0.3})})
    paper = fields(paper_losses(0.3))
    paper = paper[paper["loss"] == "bradley_terry"]
    for name in ("value", "gradient_1", "gradient_2"):
        np.testing.assert_allclose(dpo[name], paper[name], rtol=1e-6)
