"""Figure 1's losses and gradients against their closed forms."""

import numpy as np


def test_figure_1_is_the_closed_forms():
    """Autograd of the losses that train, against Eq. 16 and 18 and their counterparts in logs."""
    from asft.figures.loss_fields import fields

    beta = 0.1
    table = fields(beta)
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
    from asft.figures.loss_fields import fields

    table = fields(0.5)
    logs = table[table["space"] == "log_probability"]
    balanced = logs[logs["loss"] == "bradley_terry"]
    np.testing.assert_allclose(balanced["gradient_1"], -balanced["gradient_2"], rtol=1e-6)
    align = logs[logs["loss"] == "asft_align"]
    np.testing.assert_allclose(align["gradient_1"], -1)
    assert align["gradient_2"].max() > 100 * align["gradient_2"].min()
