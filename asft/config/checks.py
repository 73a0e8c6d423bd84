"""Check a config beyond types: names that nothing defines, benchmarks that cannot be scored."""

from collections.abc import Iterable
from itertools import product

from asft.config.benchmarks import Benchmark
from asft.config.chains import chain_of
from asft.config.data import Policy
from asft.config.experiment import Config
from asft.config.implicit_reward import ImplicitReward
from asft.config.judges import check_judge
from asft.config.outputs import Table2
from asft.config.protocols import PROTOCOLS, judged_protocols
from asft.config.sources import HubSource
from asft.errors import UserError, nearest
from asft.losses import METHODS, find_method


def check_names(config: Config) -> None:
    """Refuse a name that the config does not define.

    Raises:
        UserError: says where the name stands and which is nearest.
    """
    _require(config.model, config.models, "model")
    table = config.tables.table3
    _require(table.benchmark, config.benchmarks, "tables.table3.benchmark")
    for dataset in table.datasets:
        _require(dataset, config.datasets, "tables.table3.datasets")
    for method in table.methods:
        _require(method, [*config.methods, *config.policies, "base"], "tables.table3.methods")
    _require_table2(config)
    _require_table4(config)
    _require_figures(config)
    for name in config.statistics.baselines or []:
        _require(name, [*config.methods, *config.policies, "base"], "statistics.baselines")
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
        _require(policy.adapter_of, config.models, f"policies.{name}.adapter_of")


def _require_table2(config: Config) -> None:
    table = config.tables.table2
    if table is None:
        return
    _require(table.dataset, config.datasets, "tables.table2.dataset")
    for method in table.methods:
        _require(method, [*config.methods, *config.policies, "base"], "tables.table2.methods")
    for key in (key for key in Table2.model_fields if key in PROTOCOLS):  # its benchmark's key
        name = getattr(table, key)
        _require(name, config.benchmarks, f"tables.table2.{key}")
        if config.benchmarks[name].protocol != key:
            raise UserError(f"config: tables.table2.{key}: {name!r} has another protocol")
    for name, judges in table.also.items():
        _require(name, config.benchmarks, "tables.table2.also")
        _check_also(table, name, config.benchmarks[name].protocol, judges)
    pairs = [(name, judge) for name, judges in table.judges.items() for judge in judges]
    for name, judge in pairs:
        _require(judge, config.judges, "tables.table2: judge")
        check_judge(config.judges[judge], config.benchmarks[name].protocol, judge)
        if config.judges[judge].backend != "openai":
            _require(config.judges[judge].model, config.models, f"judges.{judge}.model")
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
        _require(name, config.benchmarks, "tables.table4.benchmarks")
        if isinstance(config.benchmarks[name], Benchmark):
            raise UserError(
                f"config: tables.table4.benchmarks: {name!r} has the protocol"
                f" {config.benchmarks[name].protocol}; Table 4 shows those with lm_eval or"
                " implicit_reward"
            )
    for dataset in table.datasets:
        _require(dataset, config.datasets, "tables.table4.datasets")
    for method in table.methods:
        _require(method, [*config.methods, *config.policies, "base"], "tables.table4.methods")


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
        _require(name, config.methods, "figures.fields")
        if not find_method(config.methods[name].loss or name).needs_sums_alone:
            raise UserError(
                f"config: figures.fields: {name}: its loss looks at more than a pair's"
                " log-probabilities, over which Figure 1 is drawn (docs/methods.md, needs)"
            )
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
        raise UserError(f"config: {key}: unknown name {name!r}{nearest(name, list(known))}")


def check_benchmarks(config: Config) -> None:
    """Refuse benchmarks that cannot be scored, and a Table 3 without reference answers.

    Raises:
        UserError: says which key is at fault.
    """
    for name, benchmark in config.benchmarks.items():
        if isinstance(benchmark, Benchmark):
            _check(benchmark, f"benchmarks.{name}")
        elif isinstance(benchmark, ImplicitReward) and benchmark.dataset:
            _check_heldout(config, benchmark.dataset, f"benchmarks.{name}.dataset")
    asked = config.tables.table3.benchmark
    if config.benchmarks[asked].protocol != "references":
        others = [n for n, b in config.benchmarks.items() if b.protocol == "references"]
        raise UserError(
            f"config: tables.table3.benchmark: {asked!r} has the protocol"
            f" {config.benchmarks[asked].protocol}, but Table 3 needs one with the protocol"
            f" references; there is: {', '.join(others) or 'none'}"
        )


def _check_heldout(config: Config, dataset: str, key: str) -> None:
    _require(dataset, config.datasets, key)
    row = config.datasets[dataset]
    if not row.has_pairs or not (row.heldout or row.heldout_sources):
        raise UserError(
            f"config: {key}: {dataset} has no held-out pairs; set datasets.{dataset}.heldout"
        )


def _check(benchmark: Benchmark, key: str) -> None:
    protocol = PROTOCOLS[benchmark.protocol]
    if benchmark.format not in protocol.formats:
        raise UserError(
            f"config: {key}.format: {benchmark.format!r} cannot be scored by the protocol"
            f" {benchmark.protocol}, which takes {' or '.join(protocol.formats)}"
        )
    for part in protocol.needs:
        if not getattr(benchmark, part):
            raise UserError(
                f"config: {key}.{part}: the protocol {benchmark.protocol} needs a source here"
            )
    if benchmark.decisive_weight != 3 and not protocol.weighs:
        raise UserError(
            f"config: {key}.decisive_weight: the protocol {benchmark.protocol} weighs no games"
        )
    for part in ("prompts", "system_prompts", "references"):
        for number, source in enumerate(getattr(benchmark, part)):
            if isinstance(source, HubSource) and source.file is None:
                raise UserError(
                    f"config: {key}.{part}.{number}.file: needed, the path of the one file"
                )


def check_pairs(config: Config) -> None:
    """Refuse methods that compare two completions on data whose rows hold one, starts included.

    Raises:
        UserError: names the method and the data set.
    """
    tables, figures = config.tables, config.figures
    wanted = [(tables.table3.datasets, tables.table3.methods, "tables.table3")]
    if tables.table2:
        wanted.append(([tables.table2.dataset], tables.table2.methods, "tables.table2"))
    if tables.table4:
        wanted.append((tables.table4.datasets, tables.table4.methods, "tables.table4"))
    if figures.margins:
        wanted.append(([figures.margins.dataset], figures.margins.methods, "figures.margins"))
    if figures.cost:
        wanted.append(([figures.cost.dataset], ["dpo", "asft"], "figures.cost"))
    for datasets, methods, key in wanted:
        trained = [name for name in methods if name in config.methods]
        for dataset, method in (
            link for pair in product(datasets, trained) for link in chain_of(config, *pair)
        ):
            if not config.datasets[dataset].has_pairs:
                _check_singles(config, method, dataset, key)


def _check_singles(config: Config, method: str, dataset: str, key: str) -> None:
    wanted = find_method(config.methods[method].loss or method)
    form = config.datasets[dataset].format
    labelled = form == "unpaired"
    if not wanted.paired or (labelled and wanted.takes_singles):
        return
    able = [n for n, m in METHODS.items() if not m.paired or (labelled and m.takes_singles)]
    raise UserError(
        f"config: {key}: {method} compares two completions, and a row of datasets.{dataset}"
        f" ({form}) holds one; losses that take such rows: {', '.join(able)}"
    )
