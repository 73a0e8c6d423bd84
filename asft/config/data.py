"""Models, preference data sets and tokens in the config."""

from datetime import date
from typing import Literal, get_args

from pydantic import (
    Field,
)

from asft.config.fields import Distinct, MaxDroppedShare, Name, Section
from asft.config.sources import DataSource, DataSources, Sources

# In asft/models/templates.
CHAT_TEMPLATES = ("chatml", "gemma", "llama-3", "mistral", "zephyr")


# What a pair cannot lose unseen: turns and text, fields and columns beside them. Other fields of
# messages (names, whatever a platform exports) are counted alone.
# fmt: off
Part = Literal[
    "system", "thinking", "text", "tools", "tool_calls", "function_call", "reasoning", "images",
    "image", "videos", "video", "audios", "audio", "documents", "weight", "train",
]
# fmt: on
PARTS = frozenset(get_args(Part))


class Model(Section):
    """A base policy or local judge: where its weights come from, and how large it is."""

    sources: Sources
    chat_template: str | None = Field(
        None,
        description="Chat template in place of the model's own: the path of a Jinja file, or a "
        f"name ({', '.join(CHAT_TEMPLATES)}); null keeps the model's. Needed where it has none.",
    )
    template_date: date = Field(
        date(2024, 7, 26),
        description="Date that chat templates write which name today's, such as Llama 3.2's: "
        "prompts must be the same on every day.",
    )
    billion_parameters: float = Field(
        1,
        gt=0,
        description="Size of the model in billions of parameters, from which jobs ask a cluster "
        "for memory and time; no result depends on it.",
    )


class Policy(Model):
    """A policy that was not trained here: it answers and is scored beside those that were."""

    adapter_of: Name | None = Field(
        None,
        description="Name in `models` of the base policy that the sources hold a low-rank adapter "
        "of, as peft saves it, which is merged in; null: they hold a whole model.",
    )


class Dataset(Section):
    """A set of preference pairs: where it comes from, and which pairs are held out."""

    format: Literal[
        "ultrafeedback_binarized", "hh_rlhf", "sharegpt_ranking", "trl", "sft", "unpaired"
    ] = Field(
        description="Format of the rows, named after the data set or the tool that uses it; sft "
        "and unpaired rows hold one completion, for methods that compare none."
    )
    sources: DataSources
    columns: dict[str, str] = Field(
        default={},
        description="Names that the format knows by names that the rows have, to rename columns: "
        "`{instruction: prompt}` reads the column instruction as prompt.",
    )
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

    @property
    def has_pairs(self) -> bool:
        """Whether a row holds a chosen completion and a rejected one."""
        return self.format not in ("sft", "unpaired")


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
    keep_without: Distinct[Part] = Field(
        default=["system", "thinking"],
        description="Parts of a pair that its chat template may leave out: without one of these a "
        "pair is trained on and counted in the data card, without any other part it is dropped.",
    )
    special_tokens_in_plain_text: bool = Field(
        False,
        description="Whether a template has rendered plain strings already, so that '<|im_start|>' "
        "in them is a control token, as in TRL; false keeps it text, as in conversations.",
    )
