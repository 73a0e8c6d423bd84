"""A benchmark of completions that policies rank by their own log-probabilities."""

from typing import Literal

from pydantic import Field, model_validator

from asft.config.fields import MaxDroppedShare, Name, Section
from asft.config.sources import DataSource


class ImplicitReward(Section):
    """Completions of a prompt, better and worse ones: nothing is generated, nobody judges."""

    protocol: Literal["implicit_reward"] = Field(
        description="Protocol that scores: implicit_reward, whether a policy ranks a chosen "
        "completion above the rejected ones by its own log-probabilities."
    )
    dataset: Name | None = Field(
        None,
        description="Name in `datasets` of one whose held-out pairs are ranked; null takes those "
        "of `sources`.",
    )
    format: (
        Literal["best_of_n", "ultrafeedback_binarized", "hh_rlhf", "sharegpt_ranking", "trl"] | None
    ) = Field(
        None,
        description="Format of the rows of `sources`: best_of_n (RewardBench 2: chosen and "
        "rejected completions as lists), or one of pairs.",
    )
    sources: list[DataSource] = Field(
        default=[], description="Sources of the rows, tried in this order."
    )
    limit: int | None = Field(
        None, gt=0, description="Number of rows to rank, the first usable ones; null ranks all."
    )
    max_dropped_share: MaxDroppedShare = 0.2

    @model_validator(mode="after")
    def _from_one_place(self) -> "ImplicitReward":
        if self.dataset and (self.sources or self.format):
            raise ValueError("dataset names what is ranked: leave out format and sources")
        if not self.dataset and not (self.sources and self.format):
            raise ValueError("needs a dataset, or sources and their format")
        return self
