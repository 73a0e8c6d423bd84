"""Names in a config that point to other parts of it: each must exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from asft.errors import nearest

if TYPE_CHECKING:
    from asft.config import Config


def check_names(config: Config) -> None:
    """Refuse a name that nothing in the config bears.

    Raises:
        ValueError: says where the name stands and which is nearest.
    """
    _require(config.model, config.models, "model")
    table = config.tables.table3
    _require(table.benchmark, config.benchmarks, "tables.table3.benchmark")
    for dataset in table.datasets:
        _require(dataset, config.datasets, "tables.table3.datasets")
    for method in table.methods:
        _require(method, [*config.methods, "base"], "tables.table3.methods")
    _require_table2(config)
    _require_figures(config)


def _require_table2(config: Config) -> None:
    table = config.tables.table2
    if table is None:
        return
    _require(table.dataset, config.datasets, "tables.table2.dataset")
    for method in table.methods:
        _require(method, [*config.methods, "base"], "tables.table2.methods")
    for key in ("arena_hard", "mt_bench"):
        name = getattr(table, key)
        _require(name, config.benchmarks, f"tables.table2.{key}")
        if config.benchmarks[name].protocol != key:
            raise ValueError(f"tables.table2.{key}: {name!r} has another protocol")
    for judge in [table.arena_hard_judge, *table.mt_bench_judges]:
        _require(judge, config.judges, "tables.table2: judge")
        if config.judges[judge].backend == "local":
            _require(config.judges[judge].model, config.models, f"judges.{judge}.model")


def _require_figures(config: Config) -> None:
    if margins := config.figures.margins:
        _require(margins.dataset, config.datasets, "figures.margins.dataset")
        for method in margins.methods:
            _require(method, config.methods, "figures.margins.methods")
    if cost := config.figures.cost:
        _require(cost.dataset, config.datasets, "figures.cost.dataset")
        for arm in ("dpo", "asft"):
            _require(arm, config.methods, "figures.cost compares dpo with asft; methods")


def _require(name: str, known: Iterable[str], key: str) -> None:
    if name not in known:
        raise ValueError(f"{key}: unknown name {name!r}{nearest(name, list(known))}")
