"""What a config may ask for: tables with their rows and columns, and figures."""

from typing import Annotated, Literal

from pydantic import Field

from asft.config.fields import Distinct, Name, Section, Share


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
    # Left out of what rules print while it is empty: a key more would redo their jobs.
    also: dict[Name, Annotated[Distinct[Name], Field(min_length=1)]] = Field(
        default={},
        exclude_if=lambda also: not also,
        description="judges by benchmark: further judged benchmarks, their columns come last",
    )
    controls: Distinct[Literal["null", "echo", "injection", "empty"]] = Field(
        default=["null", "echo", "injection", "empty"],
        description="worthless contestants: one that beats the base policy shows a fooled judge",
    )
    min_coverage: Share = Field(0.9, description="share of verdicts below which a cell refuses")

    @property
    def judges(self) -> dict[str, list[str]]:
        """The judges of each benchmark, in the order of the columns."""
        first = {self.arena_hard: [self.arena_hard_judge], self.mt_bench: self.mt_bench_judges}
        return first | self.also


class Tables(Section):
    """What is asked for; everything else follows from it."""

    table3: Table3
    table2: Table2 | None = None


Arm = Literal["dpo_online", "dpo_cached", "asft"]


class Margins(Section):
    """Figure 2(a): likelihood margin on held-out pairs over training."""

    dataset: Name = "ultrafeedback"
    methods: Distinct[Name] = Field(default=["asft", "orpo"], min_length=1)


class Cost(Section):
    """Figure 2(b): run time and peak memory, each arm in fresh processes of its own."""

    dataset: Name = "ultrafeedback"
    repeats: int = Field(3, ge=1)
    steps: int = Field(8, ge=3, description="optimiser steps a measurement takes")


class Figures(Section):
    """Figures 1 and 3, training curves and the pictures of the tables need nothing of their own."""

    margins: Margins | None = Margins()
    cost: Cost | None = Cost()
