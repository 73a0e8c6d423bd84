"""Rows that TRL trains, `trainer: trl`: the losses that it has, and by which names.

What a row asks for that TRL does not have, or has otherwise, is refused while the config is read.
tests/oracle/test_trl_rows.py trains every loss of the table by both trainers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from asft.config.methods import Method
from asft.config.training import Training
from asft.errors import UserError
from asft.losses import METHODS, Loss, loss_label

INSTALL = "pip install 'asft[trl]'"


@dataclass(frozen=True)
class TrlLoss:
    """A loss as TRL has it: whose trainer, and what its config is told."""

    trainer: Literal["DPO", "KTO", "CPO", "ORPO", "SFT"]
    # From a loss's hyper-parameters, by the names that they have here.
    arguments: Callable[..., dict[str, Any]]
    ignored: tuple[str, ...] = ()  # hyper-parameters that TRL does not look at: they must be 0


def _dpo(loss_type: str, **fixed: Any) -> TrlLoss:
    return TrlLoss("DPO", lambda **given: {"loss_type": loss_type} | fixed | given)


def _dpo_alpha(beta: float, alpha: float) -> dict[str, Any]:
    divergence = {"f_divergence_type": "alpha_divergence", "f_alpha_divergence_coef": 1 - alpha}
    return {"loss_type": "sigmoid", "beta": beta} | divergence


def _discopop(beta: float, tau: float) -> dict[str, Any]:
    return {"loss_type": "discopop", "beta": beta, "discopop_tau": tau}


# cpo_alpha, the weight of the SFT term, is 1 by default and is added to SimPO as well.
def _simpo(gamma: float, **given: float) -> dict[str, Any]:
    return {"loss_type": "simpo", "cpo_alpha": 0.0, "simpo_gamma": gamma} | given


def _cpo(sft_weight: float, **given: float) -> dict[str, Any]:
    return {"loss_type": "sigmoid", "cpo_alpha": sft_weight} | given


TRL_LOSSES = {
    "sft": TrlLoss("SFT", dict),
    "dpo": TrlLoss("DPO", _dpo("sigmoid").arguments, ignored=("label_smoothing",)),
    "ipo": _dpo("ipo"),
    "hinge": _dpo("hinge"),
    "exo": _dpo("exo_pair"),
    "nca": _dpo("nca_pair"),
    "robust_dpo": _dpo("robust"),
    "sppo_hard": _dpo("sppo_hard"),
    "apo_zero": _dpo("apo_zero"),
    "apo_down": _dpo("apo_down"),
    "discopop": TrlLoss("DPO", _discopop),
    "dpo_norm": _dpo("sigmoid_norm"),
    "wpo": _dpo("sigmoid", use_weighting=True),
    "aot": _dpo("aot"),
    "aot_unpaired": _dpo("aot_unpaired"),
    "dpo_forward_kl": _dpo("sigmoid", f_divergence_type="forward_kl"),
    "dpo_js": _dpo("sigmoid", f_divergence_type="js_divergence"),
    "dpo_alpha": TrlLoss("DPO", _dpo_alpha),
    "kto": TrlLoss("KTO", dict),
    "simpo": TrlLoss("CPO", _simpo),
    "alphapo": TrlLoss("CPO", _simpo),
    "cpo": TrlLoss("CPO", _cpo),
    "orpo_full_nll": TrlLoss("ORPO", dict),
}
# Losses that TRL has otherwise.
OTHERWISE = {
    "orpo": "TRL's first term spans prompt and answer: orpo_full_nll",
    "ipo_sum": "TRL's IPO is of means over tokens: ipo",
    "bco": "TRL's bco_pair has no shift of the rewards",
}


def check_trainer(name: str, row: Method, training: Training) -> None:
    """Refuse a row of `trainer: trl` that TRL cannot train as it is asked.

    Args:
        name: the row's key in `methods`.

    Raises:
        UserError: says what is wrong, and what could be.
    """
    if row.trainer != "trl":
        return
    key, loss = f"config: methods.{name}.trainer", row.loss or name
    if not isinstance(loss, str) or loss not in TRL_LOSSES:
        raise UserError(f"{key}: {_reason(loss)}; it trains: {', '.join(TRL_LOSSES)}")
    for parameter in TRL_LOSSES[loss].ignored:
        if row.hyperparameters.get(parameter):
            raise UserError(f"{key}: TRL's {loss} ignores {parameter}; leave it out, or take asft")
    for option in ("accelerate", "lora"):
        if getattr(training, option):
            raise UserError(f"{key}: TRL's rows train all weights in one process, without {option}")
    if training.processes > 1:
        raise UserError(f"{key}: TRL's rows train in one process; training: {{processes: 1}}")
    if find_spec("trl") is None:
        raise UserError(f"{key}: TRL is not installed: {INSTALL}")


def _reason(loss: Loss) -> str:
    if not isinstance(loss, str):
        return f"a weighted sum ({loss_label(loss)}) is asft's alone"
    return OTHERWISE.get(loss, f"TRL has no loss {loss!r}")


def trl_arguments(loss: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what TRL's config of a loss is told: all hyper-parameters, by TRL's names."""
    found = TRL_LOSSES[loss]
    values = METHODS[loss].hyperparameters() | given
    return found.arguments(**{k: v for k, v in values.items() if k not in found.ignored})
