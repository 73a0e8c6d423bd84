"""Models, preference data sets and tokens in the config."""

from typing import Literal

from pydantic import (
    Field,
)

from asft.config.fields import MaxDroppedShare, Section
from asft.config.sources import DataSource, DataSources, Sources


class Model(Section):
    """A base policy or local judge: where its weights come from, and how large it is."""

    sources: Sources
    chat_template: str | None = Field(
        None,
        description="Path of a Jinja file that replaces the model's own chat template; null keeps "
        "the model's. Needed where a model has none.",
    )
    billion_parameters: float = Field(
        1,
        gt=0,
        description="Size of the model in billions of parameters, from which jobs ask a cluster "
        "for memory and time; no result depends on it.",
    )


class Dataset(Section):
    """A set of preference pairs: where it comes from, and which pairs are held out."""

    format: Literal["ultrafeedback_binarized", "hh_rlhf", "sharegpt_ranking", "trl"] = Field(
        description="Format of the rows, named after the data set or the tool that uses it."
    )
    sources: DataSources
    limit: int | None = Field(
        None, gt=0, description="Number of rows to use, from the first one; null uses all of them."
    )
    heldout: int = Field(
        0,
        ge=0,
        description="Number of pairs kept out of training, chosen by a hash of their content, on "
        "which loss and margin are measured; 0 is none, or all of `heldout_sources`.",
    )
    heldout_sources: list[DataSource] = Field(
        default=[],
        description="Sources of the held-out pairs, tried in this order; if empty they are taken "
        "out of `sources`.",
    )
    max_dropped_share: MaxDroppedShare = 0.2


class Tokens(Section):
    """How pairs become token ids, the same for every method."""

    max_length: int = Field(
        2048,
        gt=1,
        description="Largest number of tokens of a prompt and a completion together; longer "
        "completions lose their end, and the data card counts them.",
    )
    max_prompt_length: int | None = Field(
        None,
        gt=0,
        description="Largest number of tokens of a prompt, above which a pair is dropped; null "
        "drops those that leave a completion no room within `max_length`.",
    )
    special_tokens_in_plain_text: bool = Field(
        False,
        description="Whether a template has rendered plain strings already, so that '<|im_start|>' "
        "in them is a control token, as in TRL; false keeps it text, as in conversations.",
    )
