"""The points of a search: what each trial of a method is set to, and the rows that trials are."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from asft.config.base_models import merged
from asft.config.search import Range, Search, Space
from asft.config.training import Training


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
            found = points(search, method, own[method])
        except ValueError as error:
            raise ValueError(f"search.methods.{method}: {error}") from None
        if len(found) < search.trials:
            raise ValueError(
                f"search.methods.{method}: {len(found)} different points, {search.trials} trials"
            )
        for name, point in zip(search.trial_names(method), found, strict=True):
            parts = split_point(point)
            changes = {"loss": row.get("loss") or method, "training": parts["training"]}
            tried = merged({"training": {}, **row}, changes | parts["hyperparameters"])
            rows |= dict.fromkeys(search.rung_names(name), tried)
    return {**raw, "methods": {**raw["methods"], **rows}}


def split_point(point: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return a point's values as a run's settings hold them: of the loss, and of training."""
    training = {key: value for key, value in point.items() if key in Training.model_fields}
    others = {key: value for key, value in point.items() if key not in training}
    return {"hyperparameters": others, "training": training}
