"""Which figures an experiment has, and which runs they show. Used while the Snakefile is parsed."""

import re
from collections.abc import Iterable
from typing import Any, get_args

from asft.config.abilities import REFUSALS, Abilities
from asft.config.chains import starts_named
from asft.config.experiment import Config
from asft.config.local_files import find_path
from asft.config.outputs import Arm
from asft.config.runs import (
    Run,
    run_settings,
    table2_columns,
    table2_contestants,
    table3_runs,
    table4_runs,
    with_starts,
)
from asft.config.search_plan import choices

ARMS: tuple[Arm, ...] = get_args(Arm)
BY_TRL: Arm = "dpo_trl"
_INCLUDES = re.compile(r"^include:", re.MULTILINE)  # a task that is another, changed


def figure_names(config: Config) -> list[str]:
    """Return the figures' file names below <results>, without their endings (pdf, png, csv).

    A figure is left out if the config cannot fill it: margins need held-out pairs, the case study
    and what judges said need Table 2, differences need two methods in a table, and what shows
    abilities needs such tasks in Table 4.
    """
    names = ["figure1"]
    if margin_runs(config):
        names.append("figure2a")
    if config.figures.cost:
        names.append("figure2b")
    if config.tables.table2:
        names += ["figure3", "figure_mt_bench", "figure_length"]
    names += [f"figure_training_{dataset}" for dataset in trained_datasets(config)]
    if _compares(config):
        names.append("figure_differences")
    if with_refusals(config):
        names.append("figure_refusals")
    if with_choices(config):
        names.append("figure_calibration")
    if choices(config):
        names.append("figure_search")
    return names


def with_refusals(config: Config) -> list[str]:
    """Return Table 4's benchmarks that may tell refusals of safe and of unsafe prompts apart."""
    return [
        name
        for name, texts in _tasks_of_table4(config)
        if any(
            text and (_INCLUDES.search(text) or all(map(text.count, REFUSALS))) for text in texts
        )
    ]


def with_choices(config: Config) -> list[str]:
    """Return Table 4's benchmarks in which an option may be chosen by its log-probability.

    What a task is that the config names by lm-eval's name only lm-eval can tell: it may.
    """
    return [
        name
        for name, texts in _tasks_of_table4(config)
        if any(
            text is None or _INCLUDES.search(text) or "multiple_choice" in text for text in texts
        )
    ]


def _tasks_of_table4(config: Config) -> list[tuple[str, list[str | None]]]:
    """Each benchmark, and the text of its tasks' YAML; None of lm-eval's own."""
    table = config.tables.table4
    found = [(name, config.benchmarks[name]) for name in (table.benchmarks if table else [])]
    return [
        (name, [_yaml_of(task) for task in benchmark.tasks])
        for name, benchmark in found
        if isinstance(benchmark, Abilities)
    ]


def _yaml_of(task: str) -> str | None:
    if not task.endswith((".yaml", ".yml")):
        return None
    path = find_path(task)  # one that is not there: require_file says so
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def margin_runs(config: Config) -> list[Run]:
    """Return the runs of Figure 2(a), which needs pairs that are kept out of training."""
    margins = config.figures.margins
    if margins is None or not _measures_heldout(config, margins.dataset):
        return []
    return [
        Run(margins.dataset, method, seed) for method in margins.methods for seed in config.seeds
    ]


def cost_arms(config: Config) -> list[Arm]:
    """Return the arms of Figure 2(b): TRL's is one where the config has a row of its DPO."""
    rows = config.methods.items()
    asked = any(row.trainer == "trl" and (row.loss or name) == "dpo" for name, row in rows)
    return [arm for arm in ARMS if asked or arm != BY_TRL]


def training_runs(config: Config, dataset: str) -> list[Run]:
    """Return the runs on one data set that a table or Figure 2(a) needs, in the config's order.

    Runs that another one starts from are among them, whatever that is trained on.
    """
    table2, first = config.tables.table2, config.seeds[0]
    shown = table3_runs(config) + table4_runs(config) + margin_runs(config)
    if table2:
        shown += [Run(table2.dataset, name, first) for name in table2.methods]
    wanted = {run.method for run in with_starts(config, shown) if run.dataset == dataset}
    methods = [method for method in config.methods if method in wanted]
    return [Run(dataset, method, seed) for method in methods for seed in config.seeds]


def runs_of(config: Config, method: str) -> list[Run]:
    """Return the runs of a method that a table or figure needs; if none does, on Table 3's data."""
    runs = [run for dataset in config.datasets for run in training_runs(config, dataset)]
    asked = [run for run in runs if run.method == method]
    datasets = config.tables.table3.datasets
    return asked or [Run(data, method, seed) for data in datasets for seed in config.seeds]


def trained_datasets(config: Config) -> list[str]:
    """Return the data sets on which a method is trained, in the order of the config."""
    return [dataset for dataset in config.datasets if training_runs(config, dataset)]


def case_runs(config: Config) -> list[tuple[str, int, str]]:
    """Return Figure 3's methods, Table 2's at the first seed, as (method, seed, folder)."""
    return [row for row in _contestants(config) if row[1] == config.seeds[0]]


def judged_cells(config: Config, figure: str = "") -> list[tuple[str, int, str, str, str]]:
    """Return Table 2's cells without the controls, as (method, seed, benchmark, judge, folder).

    Figure `mt_bench`, by category, has the benchmark of Table 2's key `mt_bench`, no further one.
    """
    table = config.tables.table2
    further = table.also if table and figure == "mt_bench" else {}
    columns = [column for column in table2_columns(config) if column[0] not in further]
    return [
        (m, seed, *column, folder) for m, seed, folder in _contestants(config) for column in columns
    ]


def starts_shown(config: Config, runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    """Return what was trained before each of the methods, for the names in a figure's legend."""
    chains = {run.method: starts_named(config, run.dataset, run.method) for run in runs}
    chains = {method: names for method, names in chains.items() if names}
    return {"starts": chains} if chains else {}


def loss_fields(config: Config) -> dict[str, dict[str, Any]]:
    """Return the losses that Figure 1 shows in place of the paper's, if the config names some."""
    rows = {name: config.methods[name] for name in config.figures.fields}
    return {
        name: {"loss": row.loss or name, "hyperparameters": row.hyperparameters}
        for name, row in rows.items()
    }


def cost_settings(config: Config, dataset: str, arm: str) -> dict[str, Any]:
    """Return all of the config that a measurement of Figure 2(b) depends on, beside its arm."""
    cost = config.figures.cost
    run = run_settings(config, dataset, "asft" if arm == "asft" else "dpo", config.seeds[0])
    return {
        "training": run["training"],
        "hyperparameters": run["hyperparameters"],
        "steps": cost.steps if cost else None,
        "seed": run["seed"],
    }


def _contestants(config: Config) -> list[tuple[str, int, str]]:
    return [row for row in table2_contestants(config) if not row[0].startswith("control_")]


def _measures_heldout(config: Config, dataset: str) -> bool:
    data = config.datasets[dataset]
    return data.heldout > 0 or bool(data.heldout_sources)


def _compares(config: Config) -> bool:
    table2, table3 = config.tables.table2, config.tables.table3
    return len(set(table3.methods)) > 1 or (table2 is not None and len(set(table2.methods)) > 1)
