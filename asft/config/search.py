"""Settings that are searched for: each method's trials, by one budget, chosen on questions apart.

A trial is a row of `methods` like any other, named after its method: dpo_trial1 and so on. The
first is the method's row as it stands, the published centre. Used while the Snakefile is parsed.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from asft.config.base_models import merged
from asft.config.fields import Distinct, Name, Section, Seed
from asft.config.training import Training

# Metrics of Table 3 of which more is better.
REFERENCE_METRICS = (
    *("bleu4", "rouge1", "rouge2", "rougeL"),
    *("lf_bleu4", "lf_rouge1", "lf_rouge2", "lf_rougeL"),
)
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

    benchmark: Name = Field(
        description="Name in `benchmarks` of the questions that trials answer: the part "
        "`selection` of a benchmark, of which the tables ask the part `test`."
    )
    metric: str = Field(
        "rougeL",
        description="Metric of Table 3 that decides; of a judged benchmark the name of its judge, "
        "whose score does.",
    )


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
    select: Selection

    @property
    def summary(self) -> str:
        """What a table must say of settings that were chosen."""
        seeds = ", ".join(map(str, self.seeds))
        return (
            f"the best of {self.trials} trials each (training seeds {seeds}), by"
            f" {self.select.metric} on {self.select.benchmark}, whose questions no table asks"
        )

    def trial_names(self, method: str) -> list[str]:
        """Return the names of a method's trials, rows of `methods`."""
        return [f"{method}_trial{number}" for number in range(1, self.trials + 1)]


def points(search: Search, method: str, centre: Mapping[str, float]) -> list[dict[str, float]]:
    """Return the settings of a method's trials: its centre's, then those of the space.

    Raises:
        ValueError: the grid has another number of points than the trials leave.
    """
    space = search.methods[method]
    first = {key: centre[key] for key in space}
    others = _sobol(search, space) if search.points == "sobol" else list(_grid(space))
    others = [point for point in others if point != first]
    if search.points == "grid" and len(others) != search.trials - 1:
        raise ValueError(
            f"{len(others)} points beside the method's own, and {search.trials - 1} trials for them"
        )
    return [first, *others[: search.trials - 1]]


def _grid(space: Space) -> Iterator[dict[str, float]]:
    lists: list[list[float]] = []
    for key, values in space.items():
        if isinstance(values, Range):
            raise ValueError(f"{key}: a grid takes lists, or choose points: sobol")
        lists.append(values)
    for point in product(*lists):
        yield dict(zip(space, point, strict=True))


def _sobol(search: Search, space: Space) -> list[dict[str, float]]:
    from scipy.stats.qmc import Sobol  # 0.5 s, of a plan with a search alone

    # One more than is asked for: a list can hold the centre itself.
    rows = Sobol(len(space), rng=search.points_seed).random_base2(search.trials.bit_length() + 1)
    found: list[dict[str, float]] = []
    for row in rows.tolist():
        cells = zip(space.items(), row, strict=True)
        point = {key: _at(values, share) for (key, values), share in cells}
        found += [point] if point not in found else []
    return found


def _at(values: list[float] | Range, share: float) -> float:
    return values.at(share) if isinstance(values, Range) else values[int(share * len(values))]


def with_trials(
    raw: Mapping[str, Any], search: Search, own: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """Return a raw config whose `methods` hold every trial.

    Args:
        own: each searched method's own settings, of its row or by default.

    Raises:
        ValueError: the space cannot fill the trials.
    """
    rows: dict[str, Any] = {}
    for method in search.methods:
        row = raw["methods"][method] or {}
        try:
            tried = points(search, method, own[method])
        except ValueError as error:
            raise ValueError(f"search.methods.{method}: {error}") from None
        if len(tried) < search.trials:
            raise ValueError(
                f"search.methods.{method}: {len(tried)} different points, {search.trials} trials"
            )
        for name, point in zip(search.trial_names(method), tried, strict=True):
            parts = split_point(point)
            changes = {"loss": row.get("loss") or method, "training": parts["training"]}
            rows[name] = merged({"training": {}, **row}, changes | parts["hyperparameters"])
    return {**raw, "methods": {**raw["methods"], **rows}}


def split_point(point: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return a point's values as a run's settings hold them: of the loss, and of training."""
    training = {key: value for key, value in point.items() if key in Training.model_fields}
    others = {key: value for key, value in point.items() if key not in training}
    return {"hyperparameters": others, "training": training}
