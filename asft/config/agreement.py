"""Published verdicts in the config, which tell how good a judge is."""

from typing import Literal

from pydantic import Field, model_validator

from asft.config.fields import Name, Section
from asft.config.sources import DataSource, DataSources


class Agreement(Section):
    """Published verdicts on pairs of answers, which a judge is asked about too.

    As many pairs are drawn whose first answer the published verdict prefers as whose second: a
    judge that knows nothing then agrees on half of them.
    """

    format: Literal["alpaca_eval", "arena_hard", "fastchat"] = Field(
        description="Format of the published verdicts: alpaca_eval is its annotations.json, "
        "arena_hard its model_judgment/*.jsonl, fastchat its model_judgment/*_single.jsonl or "
        "*_pair.jsonl."
    )
    sources: DataSources
    questions: list[DataSource] = Field(
        default=[],
        exclude_if=lambda sources: not sources,
        description="Sources of the questions that arena_hard's and fastchat's verdicts are on, in "
        "upstream's format, tried in this order; alpaca_eval's annotations hold theirs.",
    )
    answers: list[DataSource] = Field(
        default=[],
        exclude_if=lambda sources: not sources,
        description="Sources of the models' answers that those verdicts are on, such as "
        "model_answer/*.jsonl, tried in this order; alpaca_eval's annotations hold theirs.",
    )
    benchmark: Name | None = Field(
        None,
        description="Name in `benchmarks` of the one whose protocol and prompts the judge is asked "
        "by; null takes the first in Table 2 that it judges.",
    )
    limit: int | None = Field(
        80,
        ge=2,
        description="Number of pairs to judge, spread over the models that were compared; null "
        "judges all of which as many are on either side.",
    )
    max_characters: int | None = Field(
        None,
        gt=0,
        description="Largest number of characters of a pair, its question and both answers; longer "
        "ones are left out and counted. null takes all.",
    )

    @model_validator(mode="after")
    def _has_texts(self) -> "Agreement":
        for part in ("questions", "answers"):
            if self.format != "alpaca_eval" and not getattr(self, part):
                raise ValueError(f"the format {self.format} needs sources of the {part}")
        return self
