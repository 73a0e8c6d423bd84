"""Names in a config that must be defined in it: of data sets, methods, benchmarks, judges."""

from collections.abc import Iterable

from asft.config.benchmarks import Benchmark
from asft.config.data import Policy
from asft.config.experiment import Config
from asft.config.judges import check_judge
from asft.config.outputs import Table2
from asft.config.protocols import PROTOCOLS, judged_protocols
from asft.errors import UserError, nearest
from asft.losses import find_method


def check_names(config: Config) -> None:
    """Refuse a name that the config does not define.

    Raises:
        UserError: says where the name stands and which is nearest.
    """
    require_name(config.model, config.models, "model")
    table = config.tables.table3
    require_name(table.benchmark, config.benchmarks, "tables.table3.benchmark")
    for dataset in table.datasets:
        require_name(dataset, config.datasets, "tables.table3.datasets")
    for method in table.methods:
        require_name(method, [*config.methods, *config.policies, "base"], "tables.table3.methods")
    _require_table2(config)
    _require_table4(config)
    _require_figures(config)
    for name in config.statistics.baselines or []:
        require_name(name, [*config.methods, *config.policies, "base"], "statistics.baselines")
    for name, policy in config.policies.items():
        _check_policy(config, name, policy)
    if "base" in config.methods:
        raise UserError("config: methods: 'base' is the untrained policy and cannot be redefined")


def _check_policy(config: Config, name: str, policy: Policy) -> None:
    """Refuse a name that is another row's or another folder's, and an unknown base."""
    for section in ("methods", "models", "datasets"):
        if name in getattr(config, section):
            raise UserError(f"config: policies.{name}: {section} has this name too; choose another")
    if name == "base" or name.startswith("control_"):
        raise UserError(f"config: policies.{name}: the name of a row of its own; choose another")
    if policy.adapter_of:
        require_name(policy.adapter_of, config.models, f"policies.{name}.adapter_of")


def _require_table2(config: Config) -> None:
    table = config.tables.table2
    if table is None:
        return
    require_name(table.dataset, config.datasets, "tables.table2.dataset")
    for method in table.methods:
        require_name(method, [*config.methods, *config.policies, "base"], "tables.table2.methods")
    for key in (key for key in Table2.model_fields if key in PROTOCOLS):  # its benchmark's key
        name = getattr(table, key)
        require_name(name, config.benchmarks, f"tables.table2.{key}")
        if config.benchmarks[name].protocol != key:
            raise UserError(f"config: tables.table2.{key}: {name!r} has another protocol")
    for name, judges in table.also.items():
        require_name(name, config.benchmarks, "tables.table2.also")
        _check_also(table, name, config.benchmarks[name].protocol, judges)
    pairs = [(name, judge) for name, judges in table.judges.items() for judge in judges]
    for name, judge in pairs:
        require_name(judge, config.judges, "tables.table2: judge")
        check_judge(config.judges[judge], config.benchmarks[name].protocol, judge)
        if config.judges[judge].backend != "openai":
            require_name(config.judges[judge].model, config.models, f"judges.{judge}.model")
        _check_agreement(config, table, judge)


def _check_agreement(config: Config, table: Table2, judge: str) -> None:
    """Refuse a benchmark that this judge judges nothing of: its note would stand nowhere."""
    measured = config.judges[judge].agreement
    if measured is None or measured.benchmark is None:
        return
    own = [benchmark for benchmark, judges in table.judges.items() if judge in judges]
    if measured.benchmark not in own:
        raise UserError(
            f"config: judges.{judge}.agreement.benchmark: {measured.benchmark!r} is not among"
            f" those of Table 2 that it judges: {', '.join(own)}"
        )


def _require_table4(config: Config) -> None:
    table = config.tables.table4
    if table is None:
        return
    for name in table.benchmarks:
        require_name(name, config.benchmarks, "tables.table4.benchmarks")
        if isinstance(config.benchmarks[name], Benchmark):
            raise UserError(
                f"config: tables.table4.benchmarks: {name!r} has the protocol"
                f" {config.benchmarks[name].protocol}; Table 4 shows those with lm_eval or"
                " implicit_reward"
            )
    for dataset in table.datasets:
        require_name(dataset, config.datasets, "tables.table4.datasets")
    for method in table.methods:
        require_name(method, [*config.methods, *config.policies, "base"], "tables.table4.methods")


def _check_also(table: Table2, name: str, protocol: str, judges: list[str]) -> None:
    key = f"config: tables.table2.also.{name}"
    if name in (table.arena_hard, table.mt_bench):
        raise UserError(f"{key}: a benchmark of the table's own keys; name its judges there")
    if protocol not in judged_protocols():
        raise UserError(
            f"{key}: has the protocol {protocol}, which asks no judge; those that do:"
            f" {', '.join(judged_protocols())}"
        )
    if PROTOCOLS[protocol].pairwise and len(judges) > 1:
        raise UserError(f"{key}: a table holds one judge of a win rate, given: {', '.join(judges)}")


def _require_figures(config: Config) -> None:
    for name in config.figures.fields:
        require_name(name, config.methods, "figures.fields")
        if not find_method(config.methods[name].loss or name).needs_sums_alone:
            raise UserError(
                f"config: figures.fields: {name}: its loss looks at more than a pair's"
                " log-probabilities, over which Figure 1 is drawn (docs/methods.md, needs)"
            )
    if margins := config.figures.margins:
        require_name(margins.dataset, config.datasets, "figures.margins.dataset")
        for method in margins.methods:
            require_name(method, config.methods, "figures.margins.methods")
    if cost := config.figures.cost:
        require_name(cost.dataset, config.datasets, "figures.cost.dataset")
        for arm in ("dpo", "asft"):
            require_name(arm, config.methods, "figures.cost compares dpo with asft; methods")


def require_name(name: str, known: Iterable[str], key: str) -> None:
    """Refuse a name that is not among those known; `key` is where it stands.

    Raises:
        UserError: names the nearest of them.
    """
    if name not in known:
        raise UserError(f"config: {key}: unknown name {name!r}{nearest(name, list(known))}")
