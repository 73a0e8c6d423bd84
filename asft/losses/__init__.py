"""The training losses, one function each, and the table of methods.

A loss maps the log-probabilities of a batch of pairs to one value per pair, shape (batch,). Its
keyword arguments are the method's hyper-parameters; `reference` is None unless the method needs
one. docs/methods.md has their formulas, and what the letters in them mean.

Importing it loads no torch: the config is checked against these signatures while the Snakefile is
parsed.
"""

from asft.losses.batch import aot, aot_unpaired, bco, beta_dpo, kto
from asft.losses.divergences import dpo_alpha, dpo_forward_kl, dpo_js
from asft.losses.likelihood import (
    align,
    asft,
    asft_tempered,
    odds_ratio,
    orpo,
    orpo_full_nll,
    orpo_tempered,
    sft,
)
from asft.losses.limits import Limit
from asft.losses.logps import CompletionLogps, PairLogps
from asft.losses.margin_shapes import focalpo, gpo_exponential, gpo_savage, gpo_truncated
from asft.losses.methods import METHODS, Method
from asft.losses.numerics import log1mexp, log_odds
from asft.losses.offsets import odpo, odpo_linear
from asft.losses.pointwise import apo_down, apo_zero, cal_dpo, nca, sppo_hard
from asft.losses.ratio_margins import (
    discopop,
    dpo,
    dpo_norm,
    dpop,
    exo,
    hinge,
    ipo,
    ipo_sum,
    r_dpo,
    robust_dpo,
    tr_dpo,
)
from asft.losses.reference_free import alphapo, cpo, rrhf, simpo, slic_hf
from asft.losses.token_level import ld_dpo, tdpo1, tdpo2, wpo
from asft.losses.weighted_sums import Loss, find_method, loss_label, names_in

__all__ = [
    "METHODS",
    "CompletionLogps",
    "Limit",
    "Loss",
    "Method",
    "PairLogps",
    "align",
    "alphapo",
    "aot",
    "aot_unpaired",
    "apo_down",
    "apo_zero",
    "asft",
    "asft_tempered",
    "bco",
    "beta_dpo",
    "cal_dpo",
    "cpo",
    "discopop",
    "dpo",
    "dpo_alpha",
    "dpo_forward_kl",
    "dpo_js",
    "dpo_norm",
    "dpop",
    "exo",
    "find_method",
    "focalpo",
    "gpo_exponential",
    "gpo_savage",
    "gpo_truncated",
    "hinge",
    "ipo",
    "ipo_sum",
    "kto",
    "ld_dpo",
    "log1mexp",
    "log_odds",
    "loss_label",
    "names_in",
    "nca",
    "odds_ratio",
    "odpo",
    "odpo_linear",
    "orpo",
    "orpo_full_nll",
    "orpo_tempered",
    "r_dpo",
    "robust_dpo",
    "rrhf",
    "sft",
    "simpo",
    "slic_hf",
    "sppo_hard",
    "tdpo1",
    "tdpo2",
    "tr_dpo",
    "wpo",
]
