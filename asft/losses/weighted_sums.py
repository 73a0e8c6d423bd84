"""Weighted sums of losses, as the config may ask for: `loss: {dpo: 1.0, sft: 0.2}`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from asft.losses.limits import Limit, both
from asft.losses.logps import PairLogps
from asft.losses.methods import METHODS, Method

if TYPE_CHECKING:
    from torch import Tensor

Loss = str | Mapping[str, float]  # a name in METHODS, or several with their weights


def names_in(loss: Loss) -> list[str]:
    """Return the names of the losses that one is made of."""
    return [loss] if isinstance(loss, str) else list(loss)


def loss_label(loss: Loss) -> str:
    """Return a loss as reports show it: its name, or its terms, as in "1 dpo + 0.2 sft"."""
    if isinstance(loss, str):
        return loss
    return " + ".join(f"{weight:g} {name}" for name, weight in loss.items())


def find_method(loss: Loss) -> Method:
    """Return the method of a loss, which a weighted sum needs all that its terms need.

    A hyper-parameter goes to all terms that take it. It is optional where they agree on a default.

    Raises:
        KeyError: a name that is not in METHODS.
    """
    if isinstance(loss, str):
        return METHODS[loss]
    terms = [(weight, METHODS[name]) for name, weight in loss.items()]
    parameters = _parameters([method for _, method in terms])

    def weighted_sum(policy: PairLogps, reference: PairLogps | None, **given: float) -> Tensor:
        values = (
            weight * method.loss(policy, reference, **_taken(method, given))
            for weight, method in terms
        )
        return reduce(lambda total, value: total + value, values)

    weighted_sum.__doc__ = f"Weighted sum of losses, {loss_label(loss)}."
    weighted_sum.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    methods = [method for _, method in terms]
    return Method(
        weighted_sum,
        needs_reference=any(method.needs_reference for method in methods),
        paired=any(method.paired for method in methods),
        takes_singles=all(method.takes_singles or not method.paired for method in methods),
        needs_prompt=any(method.needs_prompt for method in methods),
        looks_at="batch" if any(m.looks_at == "batch" for m in methods) else "pair",
        needs_mismatched=any(method.needs_mismatched for method in methods),
        needs_collisions=any(method.needs_collisions for method in methods),
        needs_shared=any(method.needs_shared for method in methods),
        needs_divergences=any(method.needs_divergences for method in methods),
        moves_reference=any(method.moves_reference for method in methods),
        running=next((method.running for method in methods if method.running), None),
        needs_margin=any(method.needs_margin for method in methods),
        limits={p.name: _limit(methods, p.name) for p in parameters},
    )


def _taken(method: Method, given: Mapping[str, float]) -> dict[str, Any]:
    return {name: given[name] for name in method.hyperparameters() if name in given}


def _parameters(methods: list[Method]) -> list[Parameter]:
    defaults: dict[str, Any] = {}
    for method in methods:
        for name, default in method.hyperparameters().items():
            agreed = defaults.setdefault(name, default) == default
            defaults[name] = default if agreed else Parameter.empty
    return [Parameter(n, Parameter.KEYWORD_ONLY, default=d) for n, d in defaults.items()]


def _limit(methods: list[Method], name: str) -> Limit:
    return reduce(both, (m.limit(name) for m in methods if name in m.hyperparameters()))
