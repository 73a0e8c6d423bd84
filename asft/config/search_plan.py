"""What a search asks for: its trials' runs, and what is chosen from them.

Used while the Snakefile is parsed: imports neither torch nor transformers.
"""

from typing import Any

from asft.config.experiment import Config
from asft.config.runs import Run
from asft.config.search import Search
from asft.config.training_rows import training_of


def is_searched(config: Config, method: str) -> bool:
    """Return whether a method's settings are chosen by trials."""
    return config.search is not None and method in config.search.methods


def trial_names(config: Config) -> list[str]:
    """Return the rows of `methods` that are trials."""
    search = config.search
    names = search.methods if search else ()
    return [trial for method in names for trial in _search(config).trial_names(method)]


def trial_runs(config: Config, dataset: str, method: str) -> list[Run]:
    """Return the runs that a method's settings on a data set are chosen from."""
    search = _search(config)
    names = search.trial_names(method)
    return [Run(dataset, name, seed) for name in names for seed in search.seeds]


def selection_scores(config: Config, run: Run) -> str:
    """Return where a trial's scores on the selection's questions lie, below <results>."""
    select = _search(config).select
    protocol = config.benchmarks[select.benchmark].protocol
    scorer = "references" if protocol == "references" else select.metric
    return f"runs/{run.folder}/scores/{select.benchmark}/{scorer}.csv"


def choice_settings(config: Config, method: str) -> dict[str, Any]:
    """Return all of the config that a choice depends on, and nothing else."""
    search = _search(config)
    trials = {}
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
