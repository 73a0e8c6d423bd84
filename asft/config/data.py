"""Base policies, preference data sets, and how pairs become tokens."""

from typing import Literal

from pydantic import (
    Field,
)

from asft.config.fields import Section, Share
from asft.config.sources import DataSource, DataSources, Sources


class Model(Section):
    """A base policy."""

    sources: Sources
    chat_template: str | None = Field(
        None, description="a Jinja file that replaces the model's own template"
    )
    billion_parameters: float = Field(
        1, gt=0, description="its size, from which jobs tell a cluster what they need"
    )


class Dataset(Section):
    """Preference data."""

    format: Literal["ultrafeedback_binarized", "hh_rlhf", "sharegpt_ranking", "trl"]
    sources: DataSources
    limit: int | None = Field(None, gt=0, description="use the first N rows")
    heldout: int = Field(
        0, ge=0, description="pairs kept out of training, chosen by hash, to measure on"
    )
    heldout_sources: list[DataSource] = Field(
        default=[], description="take the held-out pairs from here instead"
    )
    max_dropped_share: Share = Field(0.2, description="fail if more rows than this are unusable")


class Tokens(Section):
    """How pairs become token ids."""

    max_length: int = Field(
        2048, gt=1, description="prompt + completion; longer completions lose their end"
    )
    max_prompt_length: int | None = Field(
        None, gt=0, description="drop pairs with longer prompts; null: max_length"
    )
    special_tokens_in_plain_text: bool = Field(
        False,
        description="true: plain strings are rendered already, and their '<|im_start|>' is a "
        "control token, as in TRL; false: it is text, as it always is in conversations",
    )
