"""Optimisation, adapters, and the methods that override both."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from asft.config.fields import Section, Share

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
