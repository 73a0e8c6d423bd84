"""Figure 1: loss surfaces and gradient fields. The only figure that needs torch.

Reads   nothing
Writes  figure1.pdf, .png, .csv (columns as in asft.loss_fields.fields)

By hand: asft plot figure1 --out figure1.pdf
"""

from functools import partial
from pathlib import Path

from asft.errors import UserError
from asft.figure1 import draw_figure1
from asft.loss_fields import fields
from asft.plotting import render


def plot_losses(beta: float, out: Path) -> None:
    """`beta` is that of the Bradley-Terry loss; ASFT's alignment loss has none.

    Raises:
        UserError: `beta` is not positive.
    """
    if not beta > 0:
        raise UserError(f"{out}: beta is {beta:g}; the Bradley-Terry loss needs one above 0")
    numbers = fields(beta)
    render(partial(draw_figure1, numbers, beta), numbers, out)
