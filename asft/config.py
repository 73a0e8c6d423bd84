"""The config: every key a user may set, its type and what it is for.

The JSON schema in `workflow/schemas/config.schema.json` is generated from these classes
(`python -m asft.config > workflow/schemas/config.schema.json`). Unknown keys are refused.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from asft.config_checks import check_benchmarks
from asft.config_faults import explain
from asft.config_names import check_names
from asft.errors import UserError
from asft.figure_settings import Figures
from asft.generation_settings import Decoding, Generation
from asft.judge_settings import Judge
from asft.source_kinds import (
    DataSource,
    DataSources,
    Distinct,
    Folder,
    Name,
    Section,
    Share,
    Sources,
)
from asft.table_settings import Tables


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


Attention = Literal["auto", "pairs", "flex", "flash"]
TokenBudget = Annotated[int, Field(gt=0)] | Literal["auto"]


class LoRA(Section):
    """Low-rank adapters on the linear layers instead of all weights (peft)."""

    rank: int = Field(16, gt=0)
    alpha: int = Field(32, gt=0, description="the adapter is scaled by alpha / rank")
    dropout: Share = 0.0
    save_adapter: bool = Field(
        False, description="keep the adapter too, in policy/adapter; the policy itself is merged"
    )


class Training(Section):
    """Optimisation, the same for every method unless the method's `training:` overrides it."""

    epochs: float = Field(2, gt=0)
    batch_size: int = Field(4, gt=0, description="pairs per optimiser step")
    learning_rate: float = Field(1e-5, gt=0)
    warmup_ratio: Share = Field(
        0.1, description="share of the steps with linear warm-up; then cosine to zero"
    )
    weight_decay: float = Field(0.0, ge=0)
    adam_beta1: float = Field(0.9, ge=0, lt=1)
    adam_beta2: float = Field(0.999, ge=0, lt=1)
    max_grad_norm: float = Field(1.0, gt=0)
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="autocast over fp32 weights"
    )
    token_budget: TokenBudget = Field(
        "auto", description="tokens per packed row: bounds memory, not the result; auto: what fits"
    )
    lora: LoRA | None = Field(None, description="null: train all weights, as the paper does")
    attention: Attention = Field(
        "auto",
        description="pairs: pair by pair; flash, flex: one kernel a row, FlashAttention 2 or "
        "FlexAttention, on CUDA alone; auto: flash on CUDA in bf16, else pairs",
    )
    processes: int = Field(
        1, ge=1, description="that train together on one machine, each on a GPU or a share of cores"
    )
    accelerate: str | None = Field(
        None, description="a config of accelerate that shards the model, as in workflow/accelerate"
    )
    gradient_checkpointing: bool = False
    optimizer: Literal["adamw", "adamw_8bit"] = Field(
        "adamw", description="adamw_8bit: its moments take 2 bytes a weight, not 8 (bitsandbytes)"
    )
    measure_every: int = Field(
        0, ge=0, description="steps between measurements on held-out pairs; 0: each epoch"
    )
    save_dtype: Literal["bfloat16", "float32"] = "bfloat16"

    @model_validator(mode="after")
    def _adapters_are_whole(self) -> "Training":
        if self.lora and self.accelerate:
            raise ValueError(
                "lora and accelerate: one of them; adapters are merged, which wants whole weights"
            )
        return self


class Method(BaseModel):
    """A training method: its loss, the loss's hyper-parameters, and overrides of `training`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    loss: str | None = Field(
        None, description="a name in asft/losses.py; default: the method's own name"
    )
    training: dict[str, Any] = {}

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


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

    @model_validator(mode="after")
    def _names_exist(self) -> "Config":
        check_names(self)
        check_benchmarks(self)
        if "base" in self.methods:
            raise ValueError("methods: 'base' is the untrained policy and cannot be redefined")
        return self


def parse(raw: dict[str, Any]) -> Config:
    """The validated config.

    Raises:
        UserError: one line per fault, each with the key and the nearest right name.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = explain(error, Config.model_json_schema())
        raise UserError("config: " + "\n        ".join(lines)) from None


def json_schema() -> str:
    """The JSON schema of `config.yaml`, for editors."""
    return json.dumps(Config.model_json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")
