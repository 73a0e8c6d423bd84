"""What a search asks for: its trials' runs, and what is chosen from them.

Used while the Snakefile is parsed: imports neither torch nor transformers.
"""

from collections.abc import Iterable
from typing import Any

from asft.config.experiment import Config
from asft.config.runs import Run
from asft.config.search import Search
from asft.config.training_rows import training_of


def is_searched(config: Config, method: str) -> bool:
    """Return whether a method's settings are chosen by trials."""
    return config.search is not None and method in config.search.methods


def trial_names(config: Config) -> list[str]:
    """Return the rows of `methods` that are trials, and those that they are trained by."""
    return config.search.row_names() if config.search else []


def rung_names(config: Config) -> list[str]:
    """Return the rows of `methods` that stop before the end, and go on in another if at all."""
    return list(config.search.stops) if config.search else []


def rung_before(config: Config, method: str) -> str | None:
    """Return the row whose training a row continues."""
    names = trial_names(config)  # a trial's one after the other
    before = dict(zip(names[1:], names[:-1], strict=True)).get(method)
    return before if before in rung_names(config) else None


def trial_runs(
    config: Config, dataset: str, trials: Iterable[str], rung: int
) -> list[tuple[str, Run]]:
    """Return the runs that trials are compared by on a data set, at a rung counted from 1."""
    search = _search(config)
    rows = [(trial, search.rung_names(trial)[rung - 1]) for trial in trials]
    return [(trial, Run(dataset, row, seed)) for trial, row in rows for seed in search.seeds]


def selection_scores(config: Config, run: Run) -> str:
    """Return where a trial's scores on the selection's questions or pairs lie, below <results>."""
    select = _search(config).select
    if select.benchmark is None:
        return f"runs/{run.folder}/scores/{run.dataset}/pairs.csv"
    protocol = config.benchmarks[select.benchmark].protocol
    scorer = "references" if protocol == "references" else select.metric
    return f"runs/{run.folder}/scores/{select.benchmark}/{scorer}.csv"


def choice_settings(config: Config, method: str) -> dict[str, Any]:
    """Return all of the config that a choice depends on, and nothing else."""
    search = _search(config)
    trials: dict[str, dict[str, Any]] = {}
    for name in search.trial_names(method):
        row, training = config.methods[name], training_of(config, name)
        known = row.hyperparameters | training.model_dump()
        trials[name] = {key: known[key] for key in search.methods[method]}
    return {
        "method": method,
        "select": search.select.model_dump(),
        "trials": trials,
        "learning_rates": {name: training_of(config, name).learning_rate for name in trials},
        "statistics": config.statistics.model_dump(),
    }


def choice_file(config: Config, dataset: str, method: str) -> str:
    """Return where a choice lies, below <results>.

    After halving its name has the shares: before a checkpoint has run Snakemake takes any file that
    is there for the one that is to be made.
    """
    halved = "-".join(f"{share:g}" for share in _search(config).halving)
    return f"search/{dataset}/{method}{f'.halved-{halved}' if halved else ''}.json"


def choices(config: Config) -> list[tuple[str, str]]:
    """Return the choices that the tables rest on, as (data set, method)."""
    if config.search is None:
        return []
    table2, table3 = config.tables.table2, config.tables.table3
    asked = [(dataset, method) for dataset in table3.datasets for method in table3.methods]
    asked += [(table2.dataset, method) for method in table2.methods] if table2 else []
    return [each for each in dict.fromkeys(asked) if each[1] in config.search.methods]


def _search(config: Config) -> Search:
    if config.search is None:
        raise ValueError("no search in this config")
    return config.search
