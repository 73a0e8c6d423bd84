"""A benchmark: its questions, the protocol that scores them, how they are answered."""

from typing import Literal

from pydantic import (
    Field,
)

from asft.config.fields import Section, Share
from asft.config.generation import Decoding
from asft.config.sources import DataSource, DataSources


class Benchmark(Section):
    """Questions that policies answer, and how the answers are scored."""

    protocol: Literal["references", "mt_bench", "arena_hard"] = Field(
        description="references: BLEU and ROUGE against gold answers; mt_bench: a judge rates each "
        "turn; arena_hard: a judge compares with a baseline's answer, in both orders"
    )
    format: Literal["alpaca", "mt_bench", "arena_hard"]
    sources: DataSources
    limit: int | None = Field(None, gt=0, description="ask N of the questions")
    sample_seed: int | None = Field(
        None, description="draw the N at random with this seed; null: the first N"
    )
    max_dropped_share: Share = Field(0.2, description="fail if more rows than this are unusable")
    prompts: list[DataSource] = Field(
        default=[], description="the judge's prompts, upstream's format"
    )
    references: list[DataSource] = Field(default=[], description="mt_bench: the judge's references")
    baseline: list[DataSource] = Field(default=[], description="arena_hard: the baseline's answers")
    decoding: Decoding = Decoding()
    temperatures: dict[str, float] = Field(
        default={}, description="by category, over `decoding`; 0: greedy; not named: 0.7"
    )
