"""The config: every key a user may set, its type and what it is for.

The JSON schema in `workflow/schemas/config.schema.json` is generated from these classes
(`python -m asft.config > workflow/schemas/config.schema.json`). Unknown keys are refused; what the
classes cannot know of one another is checked in `loading`.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from asft.config.abilities import Abilities
from asft.config.benchmarks import Benchmark
from asft.config.data import Dataset, Model, Policy, Tokens
from asft.config.fields import Distinct, Folder, Name, Section, Seed
from asft.config.generation import Generation
from asft.config.implicit_reward import ImplicitReward
from asft.config.judges import Judge
from asft.config.methods import Method
from asft.config.outputs import Figures, Tables
from asft.config.search import Search
from asft.config.training import Training


class Statistics(Section):
    """How the intervals of scores are computed, and what is compared with what."""

    confidence: float = Field(
        0.95, gt=0, lt=1, description="Confidence level of all intervals, between 0 and 1."
    )
    baselines: list[str] | None = Field(
        None,
        exclude_if=lambda baselines: baselines is None,
        description="Rows of the tables that all others are compared with, corrected for the "
        "number of these comparisons; default: base and dpo, as far as a table has them.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_resamples(cls, values: Any) -> Any:
        """Intervals were of a bootstrap once."""
        for key in ("resamples", "seed"):
            if isinstance(values, dict) and key in values:
                raise ValueError(f"intervals need no resamples any more: remove {key!r}")
        return values


def _kind(value: Any) -> str:
    """A key that this kind of benchmark alone has."""
    protocol = (
        value.get("protocol") if isinstance(value, dict) else getattr(value, "protocol", None)
    )
    return {"lm_eval": "tasks", "implicit_reward": "dataset"}.get(str(protocol), "decoding")


_AnyBenchmark = Annotated[
    Annotated[Benchmark, Tag("decoding")]
    | Annotated[Abilities, Tag("tasks")]
    | Annotated[ImplicitReward, Tag("dataset")],
    Discriminator(_kind),
]


class Config(Section):
    """A whole experiment: models, data, methods, and the tables and figures that are wanted."""

    results: Folder = Field(
        "results",
        description="Folder for everything that is made, of its own for each experiment; its path "
        "may hold letters, digits and ./_+=@%,- alone.",
    )
    note: str = Field(
        "",
        description="Text printed in every table: what its numbers may be compared with.",
    )
    model: Name = Field(
        description="Name in `models` of the base policy: the start of every run, and the "
        "reference of the methods that need one."
    )
    base_models: dict[Name, dict[str, Any] | None] | None = Field(
        default=None,
        exclude_if=lambda models: not models,
        description="Several base policies by their names in `models`, in place of `model`: the "
        "whole experiment is made with each, in <results>/{name}, with the changes to this config "
        "that stand at the name, and their tables are joined in <results>.",
    )
    models: dict[Name, Model] = Field(
        description="Models by name: base policies, and local judges."
    )
    datasets: dict[Name, Dataset] = Field(
        description="Preference data sets by name; those that no table or figure names are not "
        "prepared."
    )
    benchmarks: dict[Name, _AnyBenchmark] = Field(
        description="Benchmarks by name; those that no table names are not answered."
    )
    methods: dict[Name, Method] = Field(
        description="Training methods by name, a row of a table each; those that no table or "
        "figure names are not trained."
    )
    # Left out of what rules print while there are none: a key more would redo their jobs.
    policies: dict[Name, Policy] = Field(
        default={},
        exclude_if=lambda policies: not policies,
        description="Policies that were not trained here by name, a row of a table each, beside "
        "`base` and the methods; those that no table names are not fetched.",
    )
    judges: dict[Name, Judge] = Field(
        default={}, description="Judges by name, for the benchmarks of Table 2."
    )
    search: Search | None = Field(
        None,
        exclude_if=lambda search: search is None,
        description="Settings of methods that are chosen by trials, on questions apart from the "
        "tables'; null takes each method's row as it stands.",
    )
    tokens: Tokens = Tokens()
    training: Training = Training()
    generation: Generation = Generation()
    statistics: Statistics = Statistics()
    seeds: Distinct[Seed] = Field(
        [42],
        min_length=1,
        description="Training seeds: each method is trained once per seed, and tables give the "
        "mean over seeds. With several, intervals hold the variation between them too.",
    )
    # Left out of what rules print where it says nothing: a key more would redo the report.
    keep_policies: Literal["all", "best", "none"] = Field(
        "all",
        exclude_if=lambda kept: kept == "all",
        description="Which trained policies stay: all; best, all but the trials of a search; or "
        "none. The others are deleted as soon as all that is asked of each exists (answers, cards, "
        "what starts from it), and trained again, to the same weights, when more is.",
    )
    gpus: int = Field(
        0,
        ge=0,
        description="Number of GPUs that each process of a job with a model asks a cluster for; on "
        "your own machine a job takes a GPU in any case, if there is one.",
    )
    tables: Tables
    figures: Figures = Figures()


def json_schema() -> str:
    """Return the JSON schema of `config.yaml`, for editors."""
    return json.dumps(Config.model_json_schema(), indent=1) + "\n"
