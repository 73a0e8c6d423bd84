"""Outputs in the config: tables with their rows and columns, and figures."""

from typing import Annotated, Literal

from pydantic import Field

from asft.config.fields import Distinct, Name, Section, Share

Methods = Annotated[
    Distinct[Name],
    Field(
        min_length=1,
        description="Names in `methods` or `policies`, a row each; `base` is the untrained policy.",
    ),
]


class Table3(Section):
    """Table 3: BLEU and ROUGE against gold answers, a row for each data set and method."""

    benchmark: Name = Field(
        "alpaca_en",
        description="Name in `benchmarks` of the questions; its protocol must be references.",
    )
    datasets: Distinct[Name] = Field(
        min_length=1, description="Names in `datasets`: each method is trained on each of them."
    )
    methods: Methods


class Table2(Section):
    """Table 2: judged benchmarks, a row for each method, all trained on one data set."""

    dataset: Name = Field(
        "ultrafeedback", description="Name in `datasets` that every method is trained on."
    )
    methods: Methods
    arena_hard: Name = Field(
        "arena_hard", description="Name in `benchmarks` of one with the protocol arena_hard."
    )
    arena_hard_judge: Name = Field(
        description="Name in `judges` of the one that compares answers with the baseline's."
    )
    baseline: str = Field(
        "gpt-4-0314",
        description="Name of the model whose answers arena_hard compares with; where the file of "
        "answers names one, it must be the same.",
    )
    mt_bench: Name = Field(
        "mt_bench", description="Name in `benchmarks` of one with the protocol mt_bench."
    )
    mt_bench_judges: Distinct[Name] = Field(
        min_length=1, description="Names in `judges` of those that rate answers, a column each."
    )
    # Left out of what rules print while it is empty: a key more would redo their jobs.
    also: dict[Name, Annotated[Distinct[Name], Field(min_length=1)]] = Field(
        default={},
        exclude_if=lambda also: not also,
        description="Names in `judges` by name in `benchmarks`, for further judged benchmarks; "
        "their columns stand behind the others.",
    )
    controls: Distinct[Literal["null", "echo", "injection", "empty"]] = Field(
        default=["null", "echo", "injection", "empty"],
        description="Worthless contestants, judged like methods: one that beats the base policy "
        "shows that the judge was fooled.",
    )
    min_coverage: Share = Field(
        0.9,
        description="Smallest share of verdicts, from 0 to 1, with which a cell shows a number; "
        "with fewer it is empty and says why.",
    )

    @property
    def judges(self) -> dict[str, list[str]]:
        """The judges of each benchmark, in the order of the columns."""
        first = {self.arena_hard: [self.arena_hard_judge], self.mt_bench: self.mt_bench_judges}
        return first | self.also


class Table4(Section):
    """Table 4: abilities, a row for each data set and method, a column for each task's numbers."""

    benchmarks: Distinct[Name] = Field(
        default=["abilities"],
        min_length=1,
        description="Names in `benchmarks` of those with the protocol lm_eval or implicit_reward, "
        "a job of a policy each.",
    )
    datasets: Distinct[Name] = Field(
        min_length=1, description="Names in `datasets`: each method is trained on each of them."
    )
    methods: Methods


class Tables(Section):
    """Tables that are wanted; what is trained, answered and judged follows from them."""

    table3: Table3
    table2: Table2 | None = Field(
        None,
        description="Table 2: judged benchmarks; null leaves it out, with Table 1 and the figures "
        "that show verdicts.",
    )
    table4: Table4 | None = Field(
        None,
        exclude_if=lambda table: table is None,  # a key more would redo the report
        description="Table 4: abilities (mathematics, instructions, truthfulness) by tasks of "
        "lm-evaluation-harness, and policies as reward models; null leaves it out.",
    )


Arm = Literal["dpo_online", "dpo_cached", "dpo_trl", "asft"]


class Margins(Section):
    """Figure 2(a): likelihood margin on held-out pairs over training."""

    dataset: Name = Field(
        "ultrafeedback", description="Name in `datasets` of one with held-out pairs."
    )
    methods: Distinct[Name] = Field(
        default=["asft", "orpo"],
        min_length=1,
        description="Names in `methods`, a curve each; trained even if no table names them.",
    )


class Cost(Section):
    """Figure 2(b): run time and peak memory, each arm in fresh processes of its own."""

    dataset: Name = Field(
        "ultrafeedback", description="Name in `datasets` of the pairs that are trained on."
    )
    repeats: int = Field(
        3, ge=1, description="Number of measurements of each arm, each in a fresh process."
    )
    steps: int = Field(
        8,
        ge=3,
        description="Number of optimiser steps of one measurement; the first two are not timed.",
    )


class Figures(Section):
    """Figures that take settings; 3, training curves and pictures of tables take none."""

    fields: Distinct[Name] = Field(
        default=[],
        exclude_if=lambda fields: not fields,  # a key more would redo the report
        description="Names in `methods` whose losses Figure 1 draws, a row each; none draws the "
        "paper's two.",
    )
    refusals: Literal["both", "judge"] = Field(
        "both",
        exclude_if=lambda shown: shown == "both",
        description="Which numbers the figure of refusals shows where a judge classifies them: both"
        " those by words and the judge's, or the judge's alone.",
    )
    margins: Margins | None = Field(
        Margins(),
        description="Figure 2(a), likelihood margin over training; null leaves it out.",
    )
    cost: Cost | None = Field(
        Cost(), description="Figure 2(b), run time and peak memory; null leaves it out."
    )
