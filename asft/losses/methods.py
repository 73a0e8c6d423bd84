"""The table of methods: each loss by name, and what it looks at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from asft.losses.batch import aot, aot_unpaired, bco, beta_dpo, kto, reward_gap
from asft.losses.divergences import dpo_alpha, dpo_forward_kl, dpo_js
from asft.losses.likelihood import asft, asft_tempered, orpo, orpo_full_nll, orpo_tempered, sft
from asft.losses.limits import (
    BELOW_ONE,
    COUNT,
    FINITE,
    NOT_NEGATIVE,
    POSITIVE,
    POSITIVE_RATE,
    RATE,
    SHARE,
    UP_TO_ONE,
    Limit,
)
from asft.losses.margin_shapes import focalpo, gpo_exponential, gpo_savage, gpo_truncated
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

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Method:
    """A training method: its loss, and which log-probabilities the loss looks at."""

    loss: Callable[..., Tensor]
    needs_reference: bool = False
    paired: bool = True  # False: the loss never looks at the rejected completion
    # True: it also takes rows of one completion that is labelled good or bad.
    takes_singles: bool = False
    needs_prompt: bool = False  # True: it also looks at the prompt's own log-probability
    # batch: a pair's loss depends on the other pairs of the optimiser step, which it is then given.
    looks_at: Literal["pair", "batch"] = "pair"
    needs_mismatched: bool = False  # True: also at prompts with another pair's completions
    needs_collisions: bool = False  # True: also at how concentrated tokens' distributions are
    needs_shared: bool = False  # True: also at the sums over the length that both completions have
    # True: also at KL divergences of tokens' distributions from the reference's.
    needs_divergences: bool = False
    moves_reference: bool = False  # True: the reference follows the policy, by `mix` and `every`
    # What of a step, a number, later steps see the running mean of; its decay is `momentum`.
    running: Callable[..., Tensor] | None = None
    needs_margin: bool = False  # True: also at the data's own score margin
    limits: Mapping[str, Limit] = field(default_factory=dict)  # of hyper-parameters, if any

    def hyperparameters(self) -> dict[str, Any]:
        """Return the loss's keyword arguments by name: default, or `inspect.Parameter.empty`."""
        parameters = inspect.signature(self.loss).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def needs_model(self) -> bool:
        """Whether the reference model is loaded beside the policy: its cached logps do not do."""
        return self.needs_divergences or self.moves_reference

    @property
    def needs_sums_alone(self) -> bool:
        """Whether a pair's log-probabilities, and the reference's, are all that it looks at."""
        more = self.needs_prompt or self.needs_mismatched or self.needs_collisions
        more |= self.needs_shared or self.needs_divergences or self.needs_margin
        return self.looks_at == "pair" and not more

    def limit(self, hyperparameter: str) -> Limit:
        """Return which values a hyper-parameter may take."""
        return self.limits.get(hyperparameter, FINITE)


BETA = {"beta": POSITIVE}
WEIGHTS = {"weight": NOT_NEGATIVE, "sft_weight": NOT_NEGATIVE}


def _of_ratios(loss: Callable[..., Tensor], **limits: Limit) -> Method:
    return Method(loss, needs_reference=True, limits=BETA | limits)


def _of_batches(loss: Callable[..., Tensor], **limits: Limit) -> Method:
    return replace(_of_ratios(loss, **limits), looks_at="batch")


METHODS = {
    "sft": Method(sft, paired=False),
    "dpo": _of_ratios(dpo, label_smoothing=RATE),
    "ipo": _of_ratios(ipo),
    "ipo_sum": _of_ratios(ipo_sum),
    "orpo": Method(orpo),
    "orpo_full_nll": Method(orpo_full_nll, needs_prompt=True),
    "asft": Method(asft),
    "orpo_tempered": Method(orpo_tempered, limits=BETA | WEIGHTS),
    "asft_tempered": Method(asft_tempered, limits=BETA | WEIGHTS),
    "robust_dpo": _of_ratios(robust_dpo, label_smoothing=RATE),
    "dpo_norm": _of_ratios(dpo_norm),
    "r_dpo": _of_ratios(r_dpo, alpha=NOT_NEGATIVE),
    "dpop": _of_ratios(dpop, penalty=NOT_NEGATIVE),
    "odpo": replace(_of_ratios(odpo, alpha=NOT_NEGATIVE), needs_margin=True),
    "odpo_linear": replace(_of_ratios(odpo_linear, alpha=NOT_NEGATIVE), needs_margin=True),
    "hinge": _of_ratios(hinge),
    "exo": _of_ratios(exo, label_smoothing=POSITIVE_RATE),
    "discopop": _of_ratios(discopop, tau=UP_TO_ONE),
    "gpo_exponential": _of_ratios(gpo_exponential),
    "gpo_truncated": _of_ratios(gpo_truncated),
    "gpo_savage": _of_ratios(gpo_savage),
    "focalpo": _of_ratios(focalpo, gamma=NOT_NEGATIVE),
    "dpo_alpha": _of_ratios(dpo_alpha, alpha=UP_TO_ONE),
    "dpo_forward_kl": _of_ratios(dpo_forward_kl),
    "dpo_js": _of_ratios(dpo_js),
    "apo_zero": _of_ratios(apo_zero),
    "apo_down": _of_ratios(apo_down),
    "nca": _of_ratios(nca),
    "sppo_hard": _of_ratios(sppo_hard),
    "cal_dpo": _of_ratios(cal_dpo),
    "simpo": Method(simpo, limits=BETA | {"label_smoothing": RATE}),
    "alphapo": Method(alphapo, limits=BETA),
    "cpo": Method(cpo, limits=BETA | {"sft_weight": NOT_NEGATIVE, "label_smoothing": RATE}),
    "slic_hf": Method(slic_hf, limits={"delta": NOT_NEGATIVE, "sft_weight": NOT_NEGATIVE}),
    "rrhf": Method(rrhf, limits={"sft_weight": NOT_NEGATIVE}),
    "wpo": replace(_of_ratios(wpo), needs_collisions=True),
    "ld_dpo": replace(_of_ratios(ld_dpo, alpha=SHARE), needs_shared=True),
    "tdpo1": replace(_of_ratios(tdpo1), needs_divergences=True),
    "tdpo2": replace(_of_ratios(tdpo2, alpha=NOT_NEGATIVE), needs_divergences=True),
    "tr_dpo": replace(
        _of_ratios(tr_dpo, label_smoothing=RATE, mix=UP_TO_ONE, every=COUNT), moves_reference=True
    ),
    "kto": replace(
        _of_batches(kto, desirable_weight=NOT_NEGATIVE, undesirable_weight=NOT_NEGATIVE),
        needs_mismatched=True,
        takes_singles=True,
    ),
    "bco": replace(_of_batches(bco), takes_singles=True),
    "beta_dpo": replace(
        _of_batches(beta_dpo, alpha=NOT_NEGATIVE, momentum=BELOW_ONE), running=reward_gap
    ),
    "aot": _of_batches(aot, label_smoothing=RATE),
    "aot_unpaired": replace(_of_batches(aot_unpaired, label_smoothing=RATE), takes_singles=True),
}
