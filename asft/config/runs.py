"""The experiment that a config describes: which runs its tables ask for, and each run's settings.

Used while the Snakefile is parsed: imports neither torch nor transformers.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from asft.config.chains import UNTRAINED, chain_of, origin_of, start_of
from asft.config.experiment import Config
from asft.config.outputs import Table3, Table4
from asft.config.resources import training_mb
from asft.config.sources import HubSource, Source
from asft.config.training_rows import training_of
from asft.losses import find_method

BASE = "base"  # the row of the untrained policy


class Run(NamedTuple):
    """One trained policy; with dataset "-" the base policy, or another not trained here."""

    dataset: str
    method: str
    seed: int

    @property
    def folder(self) -> str:
        """Path below <results>/runs."""
        return self.method if self.dataset == UNTRAINED else f"{self.group}/seed{self.seed}"

    @property
    def group(self) -> str:
        """Path below <results>/runs of the runs that differ in their seeds alone."""
        return f"{self.dataset}/{self.method}"


def run_settings(config: Config, dataset: str, method: str, seed: int) -> dict[str, Any]:
    """Return all of the config that one training run depends on, and nothing else.

    What its start depends on is not in it: `asft settings` adds the start's own settings.
    """
    row, start = config.methods[method], start_of(config, dataset, method)
    chained: dict[str, Any] = {}
    if start:
        trained = {"dataset": start[0], "method": start[1]}
        chained["start"] = {"policy": start[1]} if start[0] == UNTRAINED else trained
        chained |= {"reference": row.reference} if needs_reference(config, method) else {}
    # Left out of ours: a key more would redo every run.
    trainer = {} if row.trainer == "asft" else {"trainer": row.trainer}
    until = config.search.stops.get(method) if config.search else None
    return {
        "model": config.model,
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "loss": row.loss or method,
        "hyperparameters": row.hyperparameters,
        "training": training_of(config, method).model_dump(),
        **chained,
        **trainer,
        **({"until": until} if until else {}),
    }


def needs_reference(config: Config, method: str) -> bool:
    """Return whether the method's loss looks at the reference's cached log-probabilities."""
    row = config.methods[method]  # TRL's trainers compute their own
    loss = find_method(row.loss or method)
    return row.trainer == "asft" and loss.needs_reference and not loss.needs_model


def run_mb(config: Config, method: str, billions: float, gpus: int) -> int:
    """Estimate the memory in MB of training one policy by a method, in one process."""
    row = config.methods[method]
    by_trl = row.trainer == "trl"
    return training_mb(
        billions,
        config.training.token_budget,
        gpus,
        by_trl=by_trl,
        second_model=not by_trl and find_method(row.loss or method).needs_model,
    )


def needs_mismatched(config: Config, method: str) -> bool:
    """Return whether it also looks at those of prompts with another pair's completions."""
    loss = config.methods[method].loss or method
    return needs_reference(config, method) and find_method(loss).needs_mismatched


def start_run(config: Config, run: Run) -> Run | None:
    """Return the run that a run starts from; None is the base policy.

    It is of the same seed, or a policy that was not trained here.
    """
    start = start_of(config, run.dataset, run.method)
    return Run(*start, run.seed) if start else None


def compared_with(config: Config, run: Run) -> Run | None:
    """Return the run whose policy is a trained run's reference; None is the base policy."""
    return None if config.methods[run.method].reference == "base" else start_run(config, run)


def with_starts(config: Config, runs: Iterable[Run]) -> list[Run]:
    """Return runs and all that they start from, once each, a start before what follows it."""
    found = [
        Run(*link, run.seed) for run in runs for link in chain_of(config, run.dataset, run.method)
    ]
    return list(dict.fromkeys(found))


def reference_file(config: Config, run: Run) -> str | None:
    """Return where the log-probabilities of a run's reference lie, below <results>.

    None where its loss needs none. Those of the base policy are shared by all runs on a data set.
    """
    return start_logps(config, run) if needs_reference(config, run.method) else None


def start_logps(config: Config, run: Run) -> str:
    """Return where those lie that a run's policy is compared with, whether its loss does or not."""
    kind = "_mismatched" if needs_mismatched(config, run.method) else ""
    start = compared_with(config, run)
    return f"data/{run.dataset}/reference_logps{kind}{f'/{start.folder}' if start else ''}.parquet"


def table2_contestants(config: Config) -> list[tuple[str, int, str]]:
    """Return the rows of Table 2 as (method, seed, folder below <results>/runs), controls last."""
    table = config.tables.table2
    if table is None:
        return []
    rows = []
    for method in table.methods:
        trained = method in config.methods
        dataset, seeds = (table.dataset, config.seeds) if trained else (UNTRAINED, config.seeds[:1])
        rows += [(method, seed, Run(dataset, method, seed).folder) for seed in seeds]
    names = [f"control_{kind}" for kind in table.controls]
    return rows + [(name, config.seeds[0], name) for name in names]


def table2_columns(config: Config) -> list[tuple[str, str]]:
    """Return the columns of Table 2 as (benchmark, judge)."""
    table = config.tables.table2
    judges = table.judges if table else {}
    return [(benchmark, judge) for benchmark, names in judges.items() for judge in names]


def agreement_file(judge: str) -> str:
    """Return where a judge's agreement with published verdicts lies, below <results>."""
    return f"judges/{judge}/agreement.json"


def agreements(config: Config) -> list[tuple[str, str]]:
    """Return the judges of Table 2 that are measured by published verdicts, as (benchmark, judge).

    Each is asked by that benchmark's protocol and prompts.
    """
    first: dict[str, str] = {}
    for benchmark, judge in table2_columns(config):
        first.setdefault(judge, benchmark)
    asked = [(own, judge, config.judges[judge].agreement) for judge, own in first.items()]
    return [(measured.benchmark or own, judge) for own, judge, measured in asked if measured]


def table1_rows(config: Config) -> list[tuple[str, str, str, list[str]]]:
    """Rows of Table 1 as (benchmark, protocol, baseline, models of the judges).

    The baseline is "" where nothing is compared, or whoever the baseline's answers name.
    """
    table = config.tables.table2
    judges = table.judges if table else {}
    return [
        (
            benchmark,
            config.benchmarks[benchmark].protocol,
            table.baseline if table and benchmark == table.arena_hard else "",
            [config.judges[name].model for name in names],
        )
        for benchmark, names in judges.items()
    ]


def untrained_in(config: Config, methods: Iterable[str]) -> dict[str, Any]:
    """Return what a table is told of its rows that were not trained here; nothing without any."""
    found = [name for name in methods if name in config.policies]
    note = config.note
    if config.search and (searched := [x for x in methods if x in config.search.methods]):
        note += f" Settings of {', '.join(searched)}: {config.search.summary}."
    if not found:
        return {"note": note}
    return {"note": f"{note} Not trained here: {', '.join(found)}.", "untrained": found}


def tables_of(config: Config, dataset: str) -> list[str]:
    """Return the tables that show policies trained on a data set."""
    tables = config.tables
    found = ["table3"] if dataset in tables.table3.datasets else []
    found += ["table2"] if tables.table2 and tables.table2.dataset == dataset else []
    return found + (["table4"] if tables.table4 and dataset in tables.table4.datasets else [])


def card_settings(config: Config, dataset: str, method: str) -> dict[str, Any]:
    """Return what a model card says of a policy of `method` on `dataset` beside its run's files."""
    origin = origin_of(config, dataset, method)
    base = _hub_names((config.policies[origin] if origin else config.models[config.model]).sources)
    trained_on = [config.datasets[name] for name, _ in chain_of(config, dataset, method)]
    return {
        "base": base[0] if base else "",
        "datasets": _hub_names(source for data in trained_on for source in data.sources),
        "columns": table2_columns(config),
        "note": config.note,
        "confidence": config.statistics.confidence,
    }


def _hub_names(sources: Iterable[Source]) -> list[str]:
    return list(dict.fromkeys(source.hub for source in sources if isinstance(source, HubSource)))


def table3_runs(config: Config) -> list[Run]:
    """Return the rows of Table 3, once per seed.

    What was not trained here comes first, `base` before others, once, with the first seed.
    """
    return _runs_of(config, config.tables.table3)


def table4_runs(config: Config) -> list[Run]:
    """Return the rows of Table 4 likewise; none where there is no such table."""
    return _runs_of(config, config.tables.table4) if config.tables.table4 else []


def _runs_of(config: Config, table: Table3 | Table4) -> list[Run]:
    methods = [name for name in table.methods if name in config.methods]
    others = [name for name in table.methods if name not in config.methods]
    others.sort(key=lambda name: name != BASE)
    return [Run(UNTRAINED, name, config.seeds[0]) for name in others] + [
        Run(dataset, method, seed)
        for dataset in table.datasets
        for method in methods
        for seed in config.seeds
    ]
