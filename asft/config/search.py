"""Settings that are searched for: each method's trials, by one budget, chosen on questions apart.

A trial is a row of `methods` like any other, named after its method: dpo_trial1 and so on. The
first is the method's row as it stands, the published centre. Used while the Snakefile is parsed.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from asft.config.fields import Distinct, Name, Section, Seed

# Metrics of Table 3 of which more is better.
REFERENCE_METRICS = (
    *("bleu4", "rouge1", "rouge2", "rougeL"),
    *("lf_bleu4", "lf_rouge1", "lf_rouge2", "lf_rougeL"),
)
# What a policy prefers of pairs, by its log-probabilities; more is better in each. With the ends of
# its scale, where it has any.
PAIR_METRICS: dict[str, tuple[float, float] | None] = {
    "accuracy": (0, 100),
    "margin": None,
    "reward_accuracy": (0, 100),
    "reward_margin": None,
}
# What would give a trial more tokens than another has.
BUDGET = ("epochs",)


class Range(Section):
    """The values of a hyper-parameter between two ends."""

    low: float = Field(gt=0, description="Smallest value that is tried.")
    high: float = Field(gt=0, description="Largest value that is tried.")
    log: bool = Field(
        True, description="Whether points lie evenly over the logarithm, else over the value."
    )

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low must be below high, given {self.low:g} and {self.high:g}")
        return self

    def at(self, share: float) -> float:
        """Return the value at a share of the way, in three digits."""
        if self.log:
            value = self.low * math.exp(share * math.log(self.high / self.low))
        else:
            value = self.low + share * (self.high - self.low)
        return float(f"{value:.3g}")


Space = dict[Name, Annotated[list[float], Field(min_length=1)] | Range]


class Selection(Section):
    """What trials are compared by."""

    benchmark: Name | None = Field(
        None,
        description="Name in `benchmarks` of the questions that trials answer: the part "
        "`selection` of a benchmark, of which the tables ask the part `test`. Without one the "
        "held-out pairs of the data set decide.",
    )
    metric: str = Field(
        "rougeL",
        description="Metric of Table 3 that decides; of a judged benchmark the name of its judge, "
        "whose score does; of held-out pairs accuracy or margin (log-probabilities per token), "
        "reward_accuracy or reward_margin (DPO's implicit reward).",
    )

    @property
    def asked(self) -> str:
        """What trials are asked."""
        return asked_of_trials(self.benchmark)


def asked_of_trials(benchmark: str | None) -> str:
    """Return what trials are asked, in words."""
    return f"questions of {benchmark}" if benchmark else "held-out pairs"


def shares_in_words(shares: Sequence[float]) -> str:
    """Return shares of a training's steps as text."""
    return f"{' and '.join(f'{100 * share:g} %' for share in shares)} of the steps"


class Search(Section):
    """How settings are chosen: a space per method, the same number of trials for each."""

    methods: dict[Name, Space] = Field(
        min_length=1,
        description="Methods whose settings are searched, each with a space: hyper-parameters of "
        "its loss and keys of `training`, as lists of values or ranges {low, high}.",
    )
    trials: int = Field(
        ge=2,
        description="Number of trials of each method; the first is its row in `methods` as it "
        "stands.",
    )
    points: Literal["sobol", "grid"] = Field(
        "sobol",
        description="How the other trials are placed: sobol spreads them (scrambled Sobol points), "
        "grid takes every combination of lists.",
    )
    points_seed: int = Field(0, ge=0, description="Seed of the scrambled Sobol points.")
    seeds: Distinct[Seed] = Field(
        [1],
        min_length=1,
        description="Training seeds of each trial; other ones than `seeds`, with which what is "
        "chosen is trained afresh.",
    )
    halving: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        [],
        description="Shares of its steps after which the worse half of a method's trials stops, "
        "such as [0.25, 0.5]; the others go on from where they were. Without any, all are trained "
        "to the end.",
        exclude_if=lambda shares: not shares,
    )
    select: Selection

    @property
    def summary(self) -> str:
        """What a table must say of settings that were chosen."""
        seeds = ", ".join(map(str, self.seeds))
        halved = f", halved after {shares_in_words(self.halving)}" if self.halving else ""
        return (
            f"the best of {self.trials} trials each (training seeds {seeds}{halved}), by"
            f" {self.select.metric} on {self.select.asked}, which no table asks"
        )

    def trial_names(self, method: str) -> list[str]:
        """Return the names of a method's trials, rows of `methods`."""
        return [f"{method}_trial{number}" for number in range(1, self.trials + 1)]

    def rung_names(self, trial: str) -> list[str]:
        """Return the rows that a trial is trained by, each on from the one before, itself last."""
        stops = range(1, len(self.halving) + 1)
        return [*(f"{trial}_rung{number}" for number in stops), trial]

    def row_names(self) -> list[str]:
        """Return the rows of `methods` that the search makes."""
        trials = (trial for method in self.methods for trial in self.trial_names(method))
        return [name for trial in trials for name in self.rung_names(trial)]

    @property
    def stops(self) -> dict[str, float]:
        """The rows that stop before the end, each with the share of its steps that it makes."""
        trials = (trial for method in self.methods for trial in self.trial_names(method))
        rungs = (zip(self.rung_names(trial), self.halving, strict=False) for trial in trials)
        return {row: share for rows in rungs for row, share in rows}
