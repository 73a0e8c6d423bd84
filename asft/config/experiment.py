"""The config: every key a user may set, its type and what it is for.

The JSON schema in `workflow/schemas/config.schema.json` is generated from these classes
(`python -m asft.config > workflow/schemas/config.schema.json`). Unknown keys are refused; what the
classes cannot know of one another is checked in `loading`.
"""

import json
from typing import Annotated

from pydantic import (
    Field,
)

from asft.config.benchmarks import Benchmark
from asft.config.data import Dataset, Model, Tokens
from asft.config.fields import Distinct, Folder, Name, Section
from asft.config.generation import Generation
from asft.config.judges import Judge
from asft.config.outputs import Figures, Tables
from asft.config.training import Method, Training


class Statistics(Section):
    """Intervals."""

    confidence: float = Field(0.95, gt=0, lt=1)
    resamples: int = Field(2000, ge=100)
    seed: int = 0


class Config(Section):
    """The whole experiment."""

    results: Folder = Field(
        "results",
        description="folder for everything that is made; letters, digits and ./_+=@%,- alone",
    )
    note: str = Field(
        "", description="stands in every table: what the numbers may be compared with"
    )
    model: Name
    models: dict[Name, Model]
    datasets: dict[Name, Dataset]
    benchmarks: dict[Name, Benchmark]
    methods: dict[Name, Method]
    judges: dict[Name, Judge] = Field(default={})
    tokens: Tokens = Tokens()
    training: Training = Training()
    generation: Generation = Generation()
    statistics: Statistics = Statistics()
    # numpy takes no larger ones, folders of runs none below 0.
    seeds: Distinct[Annotated[int, Field(ge=0, lt=2**32)]] = Field([42], min_length=1)
    gpus: int = Field(
        0,
        ge=0,
        description="GPUs that a job with a model asks a cluster for; one of this machine is used "
        "in any case",
    )
    tables: Tables
    figures: Figures = Figures()


def json_schema() -> str:
    """The JSON schema of `config.yaml`, for editors."""
    return json.dumps(Config.model_json_schema(), indent=1) + "\n"
