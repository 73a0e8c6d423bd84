"""Check a config beyond types: benchmarks that cannot be scored, methods without their data."""

from itertools import product

from asft.config.benchmarks import Benchmark
from asft.config.chains import chain_of
from asft.config.experiment import Config
from asft.config.implicit_reward import ImplicitReward
from asft.config.names import require_name
from asft.config.protocols import PROTOCOLS
from asft.config.sources import HubSource
from asft.errors import UserError
from asft.losses import METHODS, find_method


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
    require_name(dataset, config.datasets, key)
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
