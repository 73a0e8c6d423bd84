"""The losses once more, from their papers' equations in mpmath, and pairs to compare them on."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from mpmath import exp, log, mp, mpf
from torch import Tensor

from asft.losses import METHODS, CompletionLogps, Method, PairLogps
from asft.records import PairNumbers

mp.dps = 40
# Of hyper-parameters without a default.
GIVEN = {"beta": 0.3, "gamma": 0.4, "alpha": 0.25, "delta": 1.5, "sft_weight": 0.7}


def hyperparameters(method: Method) -> dict[str, float]:
    """Return a value for each hyper-parameter, its default if it has one."""
    found = method.hyperparameters().items()
    return {k: GIVEN[k] if d is inspect.Parameter.empty else d for k, d in found}


@dataclass(frozen=True)
class Pair:
    """One pair: sums s, lengths n, reference, collisions c, of chosen w, rejected l, prompt x."""

    s_w: float
    s_l: float
    n_w: int = 1
    n_l: int = 1
    ref_w: float = 0.0
    ref_l: float = 0.0
    s_x: float = -3.0
    n_x: int = 2
    c_w: float = -1.0
    c_l: float = -2.0
    margin: float = 1.5
    d_w: float = 0.75
    d_l: float = 0.5
    tail_w: float = 0.25
    tail_l: float = 0.5
    ref_tail_w: float = -0.5
    ref_tail_l: float = -0.25

    def tensors(self, sums: Tensor | None = None) -> tuple[PairLogps, PairLogps]:
        """Return policy and reference as a batch of one; `sums` in place of (s_w, s_l)."""
        if sums is None:
            sums = torch.tensor([self.s_w, self.s_l], dtype=torch.float64)
        lengths = [torch.tensor([float(n)], dtype=sums.dtype) for n in (self.n_w, self.n_l)]
        policy = [CompletionLogps(s, n) for s, n in zip(sums.view(2, 1), lengths, strict=True)]
        numbers = [[self.ref_w], [self.ref_l], [self.s_x], [self.n_x], [self.c_w], [self.c_l]]
        fixed = torch.tensor(numbers, dtype=sums.dtype)
        prompt = CompletionLogps(fixed[2], fixed[3])
        reference = [CompletionLogps(s, n) for s, n in zip(fixed[:2], lengths, strict=True)]
        hits = [CompletionLogps(s, n) for s, n in zip(fixed[4:], lengths, strict=True)]
        collisions = PairLogps(hits[0], hits[1])
        # Shares of the sums that lie beyond the shared length: policy, as it moves; reference.
        tails = torch.tensor([[self.tail_w], [self.tail_l]], dtype=sums.dtype)
        beyond = torch.tensor([[self.ref_tail_w], [self.ref_tail_l]], dtype=sums.dtype)
        least = torch.minimum(*lengths)
        shared = [CompletionLogps(s, least) for s in sums.view(2, 1) * (1 - tails)]
        known = [CompletionLogps(s, least) for s in fixed[:2] - beyond]
        apart = torch.tensor([[self.d_w], [self.d_l]], dtype=sums.dtype)
        divergences = [CompletionLogps(s, n) for s, n in zip(apart, lengths, strict=True)]
        numbers = PairNumbers(*torch.tensor([[9.0], [7.5], [self.margin], [1.0]], dtype=sums.dtype))
        filled = {"collisions": collisions, "shared": PairLogps(*shared), "numbers": numbers}
        filled["divergences"] = PairLogps(*divergences)
        return (
            PairLogps(policy[0], policy[1], prompt, **filled),
            PairLogps(reference[0], reference[1], shared=PairLogps(*known)),
        )

    def loss(self, name: str, **given: float) -> float:
        """Return the value of one of our losses on this pair."""
        return METHODS[name].loss(*self.tensors(), **given).item()

    def pushes(self, name: str, **given: float) -> list[float]:
        """Return the loss's derivatives by s_w and s_l."""
        sums = torch.tensor([self.s_w, self.s_l], dtype=torch.float64, requires_grad=True)
        METHODS[name].loss(*self.tensors(sums), **given).sum().backward()
        assert sums.grad is not None
        return sums.grad.tolist()


def sigma(x: Any) -> Any:
    return 1 / (1 + exp(-x))


def smoothed(x: Any, e: Any) -> Any:
    return -(1 - e) * log(sigma(x)) - e * log(sigma(-x))


def ell(x: Any) -> Any:
    return -log(sigma(x))


def of(pair: Pair, s_w: Any, s_l: Any) -> SimpleNamespace:
    """The quantities of the formulas, where the policy has the sums s_w and s_l."""
    q = SimpleNamespace(s_w=s_w, s_l=s_l, n_w=pair.n_w, n_l=pair.n_l)
    q.r_w, q.r_l = s_w - mpf(pair.ref_w), s_l - mpf(pair.ref_l)
    q.delta, q.m_w, q.m_l = q.r_w - q.r_l, s_w / pair.n_w, s_l / pair.n_l
    q.d_norm = q.r_w / pair.n_w - q.r_l / pair.n_l
    p_w, p_l = exp(q.m_w), exp(q.m_l)
    q.f_w, q.f_l = log(p_w / (1 - p_w)), log(p_l / (1 - p_l))
    q.odds = q.f_w - q.f_l
    tails = s_w * mpf(pair.tail_w), s_l * mpf(pair.tail_l)
    q.t_w, q.t_l = tails[0] - mpf(pair.ref_tail_w), tails[1] - mpf(pair.ref_tail_l)
    q.d_w, q.d_l = mpf(pair.d_w), mpf(pair.d_l)
    q.margin = mpf(pair.margin)
    q.full = (mpf(pair.s_x) + s_w) / (pair.n_x + pair.n_w)
    # Weights are held: they carry no gradient.
    agree = mpf(pair.s_w) - mpf(pair.c_w), mpf(pair.s_l) - mpf(pair.c_l)
    q.weight = exp(agree[0] / pair.n_w + agree[1] / pair.n_l)
    return q


def _exo(q: Any, h: Any) -> Any:
    target, found = (1 - h.e, h.e), (sigma(h.b * q.delta), sigma(-h.b * q.delta))
    return sum(p * log(p / t) for p, t in zip(found, target, strict=True))


def _robust(q: Any, h: Any) -> Any:
    flipped = h.e * ell(-h.b * q.delta)
    return ((1 - h.e) * ell(h.b * q.delta) - flipped) / (1 - 2 * h.e)


def _discopop(q: Any, h: Any) -> Any:
    x = h.b * q.delta
    gate = sigma(x / h.tau)
    return (1 - gate) * ell(x) + gate * exp(-x)


def _squares(q: Any, h: Any) -> Any:
    return (q.r_w - 1 / (2 * h.b)) ** 2 + (q.r_l + 1 / (2 * h.b)) ** 2


def _power(x: Any, a: Any) -> Any:
    return (1 - exp(x) ** -a) / a


def _js(r: Any) -> Any:
    return log(2 * exp(r) / (1 + exp(r)))


# q: of(); h: hyper-parameters, b = beta, e = label_smoothing, others by name.
FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "sft": lambda q, h: -q.m_w,
    "dpo": lambda q, h: smoothed(h.b * q.delta, h.e),
    "ipo": lambda q, h: (q.d_norm - 1 / (2 * h.b)) ** 2,
    "ipo_sum": lambda q, h: (q.delta - 1 / (2 * h.b)) ** 2,
    "orpo": lambda q, h: -q.m_w + h.b * ell(q.odds),
    "orpo_full_nll": lambda q, h: -q.full + h.b * ell(q.odds),
    "asft": lambda q, h: -q.m_w + h.b * (ell(q.f_w) + ell(-q.f_l)),
    "orpo_tempered": lambda q, h: -h.sft_weight * q.m_w + h.weight * ell(h.b * q.odds),
    "asft_tempered": lambda q, h: (
        -h.sft_weight * q.m_w + h.weight * (ell(h.b * q.f_w) + ell(-h.b * q.f_l))
    ),
    "robust_dpo": _robust,
    "dpo_norm": lambda q, h: ell(h.b * q.d_norm),
    "r_dpo": lambda q, h: ell(h.b * q.delta - (h.alpha * q.n_l - h.alpha * q.n_w)),
    "dpop": lambda q, h: ell(h.b * (q.delta - h.penalty * max(mpf(0), -q.r_w))),
    "odpo": lambda q, h: ell(h.b * q.delta - h.alpha * log(q.margin)),
    "odpo_linear": lambda q, h: ell(h.b * q.delta - h.alpha * q.margin),
    "hinge": lambda q, h: max(mpf(0), 1 - h.b * q.delta),
    "exo": _exo,
    "discopop": _discopop,
    "gpo_exponential": lambda q, h: exp(-h.b * q.delta),
    "gpo_truncated": lambda q, h: max(mpf(0), 1 - h.b * q.delta) ** 2,
    "gpo_savage": lambda q, h: 1 / (1 + exp(h.b * q.delta)) ** 2,
    "focalpo": lambda q, h: sigma(h.b * q.delta) ** h.gamma * ell(h.b * q.delta),
    "dpo_alpha": lambda q, h: ell(h.b * (_power(q.r_w, h.alpha) - _power(q.r_l, h.alpha))),
    "dpo_forward_kl": lambda q, h: ell(h.b * (exp(-q.r_l) - exp(-q.r_w))),
    "dpo_js": lambda q, h: ell(h.b * (_js(q.r_w) - _js(q.r_l))),
    "apo_zero": lambda q, h: 1 - sigma(h.b * q.r_w) + sigma(h.b * q.r_l),
    "apo_down": lambda q, h: sigma(h.b * q.r_w) + 1 - sigma(h.b * q.delta),
    "nca": lambda q, h: ell(h.b * q.r_w) + (ell(-h.b * q.r_w) + ell(-h.b * q.r_l)) / 2,
    "sppo_hard": _squares,
    "cal_dpo": lambda q, h: ell(q.delta) + _squares(q, h),
    "simpo": lambda q, h: smoothed(h.b * (q.m_w - q.m_l - h.gamma / h.b), h.e),
    "alphapo": lambda q, h: ell(h.b * (_power(q.m_w, h.alpha) - _power(q.m_l, h.alpha)) - h.gamma),
    "cpo": lambda q, h: smoothed(h.b * (q.s_w - q.s_l), h.e) - h.sft_weight * q.m_w,
    "slic_hf": lambda q, h: max(mpf(0), h.delta - q.s_w + q.s_l) - h.sft_weight * q.s_w,
    "rrhf": lambda q, h: max(mpf(0), q.m_l - q.m_w) - h.sft_weight * q.s_w,
    "ld_dpo": lambda q, h: ell(
        h.b * (q.r_w - q.t_w + h.alpha * q.t_w - (q.r_l - q.t_l + h.alpha * q.t_l))
    ),
    "tdpo1": lambda q, h: ell(h.b * (q.r_w + q.d_w) - h.b * (q.r_l + q.d_l)),
    "tdpo2": lambda q, h: ell(h.b * (q.delta - h.alpha * (q.d_l - q.d_w))),
    "tr_dpo": lambda q, h: smoothed(h.b * q.delta, h.e),
    "wpo": lambda q, h: q.weight * ell(h.b * q.delta),
}


def formula(name: str, pair: Pair, given: dict[str, float]) -> Callable[[Any, Any], Any]:
    """Return the formula of a method as a function of the policy's two sums."""
    values = {key: mpf(value) for key, value in given.items()}
    values |= {"b": values.get("beta"), "e": values.get("label_smoothing")}
    return lambda s_w, s_l: FORMULAS[name](of(pair, s_w, s_l), SimpleNamespace(**values))
