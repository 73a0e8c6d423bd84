"""What a config may ask for: the tables, their rows and their columns."""

from typing import Literal

from pydantic import Field

from asft.source_kinds import Distinct, Name, Section, Share


class Table3(Section):
    """Reference metrics: one row per (dataset, method)."""

    benchmark: Name = "alpaca_en"
    datasets: Distinct[Name] = Field(min_length=1)
    methods: Distinct[Name] = Field(
        min_length=1, description="rows; `base` is the untrained policy"
    )


class Table2(Section):
    """Judged benchmarks: one row per method, trained on one data set, and controls."""

    dataset: Name = "ultrafeedback"
    methods: Distinct[Name] = Field(
        min_length=1, description="rows; `base` is the untrained policy"
    )
    arena_hard: Name = "arena_hard"
    arena_hard_judge: Name
    baseline: str = Field("gpt-4-0314", description="whose answers arena_hard compares with")
    mt_bench: Name = "mt_bench"
    mt_bench_judges: Distinct[Name] = Field(min_length=1)
    controls: Distinct[Literal["null", "echo", "injection", "empty"]] = Field(
        default=["null", "echo", "injection", "empty"],
        description="worthless contestants: one that beats the base policy shows a fooled judge",
    )
    min_coverage: Share = Field(0.9, description="share of verdicts below which a cell refuses")


class Tables(Section):
    """What is asked for; everything else follows from it."""

    table3: Table3
    table2: Table2 | None = None
