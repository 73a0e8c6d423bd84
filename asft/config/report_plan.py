"""What the report of an experiment reads: paths below <results>, known from the config alone.

The rule's inputs and the step both ask here, so that nothing is read that Snakemake did not make.
Used while the Snakefile is parsed: imports neither torch nor transformers.
"""

from collections.abc import Iterable
from typing import NamedTuple

from asft.config import runs as experiment
from asft.config.chains import UNTRAINED
from asft.config.experiment import Config
from asft.config.figure_plan import figure_names

FIGURE_ENDINGS = ("png", "pdf", "csv")
RUN_RECORDS = ("settings.yaml", "cost.json", "history.csv")


class Contestant(NamedTuple):
    """One that answers benchmarks: a trained policy, the base policy, or a control."""

    dataset: str  # "-" where nothing was trained
    method: str
    seed: int
    folder: str  # below <results>/runs

    @property
    def is_trained(self) -> bool:
        """Whether it is a policy that was trained here."""
        return self.dataset != UNTRAINED

    def completions(self, benchmark: str) -> str:
        """Return where its answers lie, below <results>."""
        return f"runs/{self.folder}/completions/{benchmark}.jsonl"

    def scores(self, benchmark: str, scorer: str) -> str:
        """Return where its scores lie, below <results>; `scorer` is a judge or "references"."""
        return f"runs/{self.folder}/scores/{benchmark}/{scorer}.csv"

    def samples(self, benchmark: str, protocol: str) -> str:
        """Return where the records of what it was asked for Table 4 lie, below <results>."""
        return f"runs/{self.folder}/scores/{benchmark}/{protocol}.samples.jsonl"

    def verdicts(self, benchmark: str, judge: str) -> str:
        """Return where a judge's verdicts on its answers lie, below <results>."""
        return f"runs/{self.folder}/verdicts/{benchmark}/{judge}.jsonl"


class Asked(NamedTuple):
    """A benchmark that a table asks for: who answered it and who judged the answers."""

    benchmark: str
    protocol: str
    contestants: list[Contestant]
    judges: list[str]  # none: reference metrics


def asked_benchmarks(config: Config) -> list[Asked]:
    """Return the benchmarks of Tables 3 and 2, in this order."""
    name = config.tables.table3.benchmark
    runs = [Contestant(*run, run.folder) for run in experiment.table3_runs(config)]
    found = {name: Asked(name, config.benchmarks[name].protocol, runs, [])}
    judged = _table2_contestants(config)
    for name, judge in experiment.table2_columns(config):
        asked = Asked(name, config.benchmarks[name].protocol, judged, [])
        found.setdefault(name, asked).judges.append(judge)
    return list(found.values())


def table4_contestants(config: Config) -> list[Contestant]:
    """Return the rows of Table 4, once per seed."""
    return [Contestant(*run, run.folder) for run in experiment.table4_runs(config)]


def all_contestants(config: Config) -> list[Contestant]:
    """Return all that answered any benchmark, once each."""
    found = [c for asked in asked_benchmarks(config) for c in asked.contestants]
    return list(dict.fromkeys([*found, *table4_contestants(config)]))


def all_trained(config: Config) -> list[experiment.Run]:
    """Return the runs behind all that answered, a run before those that start from it."""
    runs = [experiment.Run(*c[:3]) for c in all_contestants(config) if c.is_trained]
    return experiment.with_starts(config, runs)


def shown_policies(config: Config) -> list[str]:
    """Return the policies of the tables that were not trained here, without the base policy."""
    names = [contestant.method for contestant in all_contestants(config)]
    return list(dict.fromkeys(name for name in names if name in config.policies))


def trained_on(config: Config) -> list[str]:
    """Return the data sets that a policy of the tables, or one that it started from, has seen."""
    asked = [c.dataset for c in all_contestants(config) if c.is_trained]
    return list(dict.fromkeys([*asked, *(run.dataset for run in all_trained(config))]))


def data_cards(config: Config, runs: Iterable[experiment.Run]) -> list[str]:
    """Return the cards of the data that runs and their starts have seen, below <results>.

    The base policy has seen none.
    """
    datasets = {run.dataset for run in experiment.with_starts(config, runs)}
    return [f"data/{name}/card.json" for name in config.datasets if name in datasets]


def table_files(config: Config) -> list[str]:
    """Return the names of the tables' CSV files."""
    names = ["table3.csv", "table3.differences.csv"]
    if config.tables.table2:
        names = ["table1.csv", "table2.csv", "table2.differences.csv", "table2.paper.csv", *names]
    return [*names, "table4.csv", "table4.differences.csv"] if config.tables.table4 else names


def figure_files(config: Config) -> list[str]:
    """Return the file names of the figures, each in all its formats."""
    return [f"{name}.{ending}" for name in figure_names(config) for ending in FIGURE_ENDINGS]


def record_files(config: Config) -> list[str]:
    """Return the small files that pages lead to: cards, settings and costs."""
    paths = [f"models/{name}/card.json" for name in (config.model, *shown_policies(config))]
    paths += [f"data/{dataset}/card.json" for dataset in trained_on(config)]
    paths += [f"benchmarks/{asked.benchmark}/card.json" for asked in asked_benchmarks(config)]
    paths += agreement_files(config)
    return paths + [
        f"runs/{run.folder}/{name}" for run in all_trained(config) for name in RUN_RECORDS
    ]


def agreement_files(config: Config) -> list[str]:
    """Return what judges are measured by: numbers, pairs, and the numbers to read."""
    judges = [judge for _, judge in experiment.agreements(config)]
    places = [experiment.agreement_file(judge).removesuffix("json") for judge in judges]
    return [f"{place}{ending}" for place in places for ending in ("json", "csv", "md")]


def report_inputs(config: Config) -> list[str]:
    """Return all that the report reads, once each; two kinds are folders (models/, judge/)."""
    paths = [*table_files(config), *figure_files(config)]
    paths += [f"models/{name}" for name in (config.model, *shown_policies(config))]
    paths += [f"data/{dataset}/card.json" for dataset in trained_on(config)]
    for asked in asked_benchmarks(config):
        folder = f"benchmarks/{asked.benchmark}"
        paths += [f"{folder}/questions.jsonl", f"{folder}/card.json"]
        paths += [f"{folder}/judge"] if asked.judges else []
        for contestant in asked.contestants:
            paths.append(contestant.completions(asked.benchmark))
            for judge in asked.judges:
                paths.append(contestant.verdicts(asked.benchmark, judge))
            for scorer in asked.judges or ["references"]:
                paths.append(contestant.scores(asked.benchmark, scorer))
    for contestant in table4_contestants(config):
        for benchmark in config.tables.table4.benchmarks if config.tables.table4 else []:
            paths.append(contestant.samples(benchmark, config.benchmarks[benchmark].protocol))
    for run in all_trained(config):
        paths += [f"runs/{run.folder}/{name}" for name in RUN_RECORDS]
    paths += agreement_files(config)
    return list(dict.fromkeys(paths))


def _table2_contestants(config: Config) -> list[Contestant]:
    table = config.tables.table2
    trained = table.dataset if table else UNTRAINED
    return [
        Contestant(trained if method in config.methods else UNTRAINED, method, seed, folder)
        for method, seed, folder in experiment.table2_contestants(config)
    ]
