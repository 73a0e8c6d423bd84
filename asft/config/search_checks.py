"""Check a search before any job: its spaces, its budget, that no trial sees a table's questions."""

import inspect
from collections.abc import Sequence
from typing import Any

from asft.config.benchmarks import Benchmark
from asft.config.experiment import Config
from asft.config.search import BUDGET, PAIR_METRICS, REFERENCE_METRICS, Search
from asft.config.search_plan import choices
from asft.config.sources import Source
from asft.config.training import Training
from asft.config.training_rows import training_of
from asft.errors import UserError, nearest
from asft.losses import find_method


def check_search(config: Config, search: Search) -> dict[str, dict[str, float]]:
    """Refuse a search that cannot be made, or whose result could not be believed.

    Returns each searched method's own settings, as far as its space names them.

    Raises:
        UserError: says which key, and what to do.
    """
    own = {}
    for method, space in search.methods.items():
        where = f"config: search.methods.{method}"
        if method not in config.methods:
            raise UserError(f"{where}: no such method{nearest(method, list(config.methods))}")
        own[method] = {key: _own(config, method, key, f"{where}.{key}") for key in space}
        if not space:
            raise UserError(f"{where}: an empty space; leave the method out, or name what is tried")
    for name in search.row_names():
        if name in config.policies:
            raise UserError(f"config: policies.{name}: a trial of `search` is named so; rename it")
    _check_budget(config, search)
    if search.halving != sorted(set(search.halving)):
        raise UserError("config: search.halving: shares of the steps that grow, such as 0.25, 0.5")
    if 2 ** len(search.halving) > search.trials:
        raise UserError(
            f"config: search.halving: {search.trials} trials cannot be halved"
            f" {len(search.halving)} times"
        )
    _check_questions(config, search)
    if both := sorted({*search.seeds} & {*config.seeds}):
        raise UserError(
            f"config: search.seeds: {', '.join(map(str, both))} also in seeds, but what is chosen"
            " is trained afresh, with other seeds than its trials"
        )
    return own


def _own(config: Config, method: str, key: str, where: str) -> float:
    """The value of a key in the method's own row."""
    row = config.methods[method]
    known = find_method(row.loss or method).hyperparameters()
    value: Any
    if key in known:
        value = row.hyperparameters.get(key, known[key])
    elif key in BUDGET:
        raise UserError(f"{where}: would give some trials more tokens than others; leave it out")
    elif key in Training.model_fields:
        value = getattr(training_of(config, method), key)
    else:
        names = [*known, *Training.model_fields]
        raise UserError(
            f"{where}: neither a hyper-parameter of its loss ({', '.join(known) or 'it has none'})"
            f" nor a key of training{nearest(key, names)}"
        )
    if value is inspect.Parameter.empty:
        raise UserError(f"{where}: methods.{method} needs a value of its own, the first trial's")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{where}: {value!r} in the method's own row, and a space needs numbers")
    return value


def _check_budget(config: Config, search: Search) -> None:
    tokens = {name: training_of(config, name).epochs for name in search.methods}
    if len(set(tokens.values())) > 1:
        said = ", ".join(f"{name} {epochs:g}" for name, epochs in tokens.items())
        raise UserError(f"config: search.methods: unequal budgets, in epochs: {said}")


def _check_questions(config: Config, search: Search) -> None:
    """Refuse selection on what a table asks, by the parts of its benchmark."""
    name, where = search.select.benchmark, "config: search.select.benchmark"
    if name is None:
        return _check_pairs(config, search)
    if name not in config.benchmarks:
        raise UserError(f"{where}: no benchmark {name!r}{nearest(name, list(config.benchmarks))}")
    chosen = config.benchmarks[name]
    if not isinstance(chosen, Benchmark):
        raise UserError(
            f"{where}: {name} has the protocol {chosen.protocol}; trials answer questions"
        )
    if chosen.part is None or chosen.part.of != "selection":
        raise UserError(f"{where}: {name} is no part for it; give it part: {{of: selection}}")
    table2 = config.tables.table2
    asked = [config.tables.table3.benchmark, *(table2.judges if table2 else ())]
    for other in dict.fromkeys(asked):
        benchmark = config.benchmarks[other]
        if not isinstance(benchmark, Benchmark) or not _share(benchmark.sources, chosen.sources):
            continue
        part = benchmark.part
        if other == name or part is None or part.of != "test" or part.share != chosen.part.share:
            raise UserError(
                f"{where}: {name} and the tables' {other} are of the same questions; give {other}"
                f" part: {{of: test, share: {chosen.part.share:g}}}"
            )
    _check_metric(config, search, chosen.protocol)


def _check_metric(config: Config, search: Search, protocol: str) -> None:
    known = list(REFERENCE_METRICS) if protocol == "references" else list(config.judges)
    _require_metric(search, "metric" if protocol == "references" else "judge", known)


def _check_pairs(config: Config, search: Search) -> None:
    for dataset in dict.fromkeys(dataset for dataset, _ in choices(config)):
        row = config.datasets[dataset]
        if not row.has_pairs or not (row.heldout or row.heldout_sources):
            raise UserError(
                f"config: search.select: without a benchmark held-out pairs decide, and {dataset}"
                f" has none; set datasets.{dataset}.heldout, or name a benchmark"
            )
    _require_metric(search, "metric of pairs", list(PAIR_METRICS))


def _require_metric(search: Search, kind: str, known: list[str]) -> None:
    if (metric := search.select.metric) not in known:
        raise UserError(
            f"config: search.select.metric: no {kind} {metric!r}{nearest(metric, known)}"
        )


def _share(first: Sequence[Source], second: Sequence[Source]) -> bool:
    return any(source in second for source in first)
