"""Training in the config: optimisation, adapters, and the methods that override both."""

import math
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from asft.config.fields import Section, Share, as_number

Attention = Literal["auto", "pairs", "flex", "flash"]
TokenBudget = Annotated[int, Field(gt=0)] | Literal["auto"]


class LoRA(Section):
    """Low-rank adapters on the linear layers instead of all weights (peft)."""

    rank: int = Field(
        16, gt=0, description="Rank of the adapters; a higher one trains more weights."
    )
    alpha: int = Field(
        32, gt=0, description="Scale of the adapters, which are multiplied by alpha / rank."
    )
    dropout: Share = Field(
        0.0, description="Probability of dropout in the adapters during training, from 0 to 1."
    )
    save_adapter: bool = Field(
        False,
        description="Whether the adapter is also kept by itself, in policy/adapter; the policy's "
        "weights have it merged in.",
    )


class Training(Section):
    """Optimisation, the same for every method unless the method's `training:` overrides it."""

    epochs: float = Field(2, gt=0, description="Number of passes over the training pairs.")
    batch_size: int = Field(
        4, gt=0, description="Number of pairs per optimiser step, of all processes together."
    )
    learning_rate: float = Field(
        1e-5, gt=0, description="Highest learning rate, which is reached after the warm-up."
    )
    warmup_ratio: Share = Field(
        0.1,
        description="Share of the steps, from 0 to 1, in which the learning rate rises linearly, "
        "the first step's above 0; then it falls to zero along a cosine.",
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of AdamW; 0 is none.")
    adam_beta1: float = Field(
        0.9, ge=0, lt=1, description="Decay of AdamW's mean of gradients, per step."
    )
    adam_beta2: float = Field(
        0.999, ge=0, lt=1, description="Decay of AdamW's mean of squared gradients, per step."
    )
    max_grad_norm: float = Field(
        1.0, gt=0, description="Largest norm of a step's gradient, which is scaled down to it."
    )
    dropout: bool = Field(
        False,
        description="Whether the policy trains with the dropout that its model's config asks for; "
        "the reference never has any, and adapters have their own in `lora`.",
    )
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto",
        description="Number format of forward and backward pass, by autocast over fp32 weights: "
        "auto is bf16 where the hardware computes in it natively, else fp32.",
    )
    token_budget: TokenBudget = Field(
        "auto",
        description="Largest number of tokens in a packed row, which bounds memory and leaves the "
        "result as it is; auto is what fits this machine.",
    )
    lora: LoRA | None = Field(
        None,
        description="Low-rank adapters to train in place of all weights; null trains all weights, "
        "as the paper does.",
    )
    attention: Attention = Field(
        "auto",
        description="Attention over packed pairs: pairs goes pair by pair, flash (FlashAttention "
        "2) and flex (FlexAttention) take a whole row at once, on CUDA alone; auto is flash on "
        "CUDA in bf16, else pairs.",
    )
    processes: int = Field(
        1,
        ge=1,
        description="Number of processes that train one policy together on one machine, each on a "
        "GPU or a share of the cores.",
    )
    accelerate: str | None = Field(
        None,
        description="Path of a config of accelerate that shards the model over the processes, as "
        "in workflow/accelerate; null keeps a whole model in each.",
    )
    gradient_checkpointing: bool = Field(
        False,
        description="Whether activations are computed again in the backward pass, not kept: less "
        "memory, more time.",
    )
    optimizer: Literal["adamw", "adamw_8bit"] = Field(
        "adamw",
        description="Optimiser: adamw keeps 8 bytes of moments per weight, adamw_8bit keeps 2 and "
        "needs bitsandbytes.",
    )
    measure_every: int = Field(
        0,
        ge=0,
        description="Number of optimiser steps between measurements on the held-out pairs; 0 "
        "measures after each epoch.",
    )
    save_dtype: Literal["bfloat16", "float32"] = Field(
        "bfloat16", description="Number format in which the policy's weights are saved."
    )

    @model_validator(mode="after")
    def _adapters_are_whole(self) -> "Training":
        if self.lora and self.accelerate:
            raise ValueError(
                "lora and accelerate: one of them; adapters are merged, which wants whole weights"
            )
        return self


def _is_weight(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf


class Method(Section):
    """A training method: its loss, the loss's hyper-parameters (such as beta), and overrides."""

    model_config = ConfigDict(extra="allow", frozen=True)

    loss: str | dict[str, float] | None = Field(
        None,
        description="Name of the loss in asft/losses, or several with weights, which are added, as "
        "in {dpo: 1.0, sft: 0.2}; null is the method's own name.",
    )
    training: dict[str, Any] = Field(
        default={}, description="Keys of the common `training` that this method overrides."
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _is_named(cls, loss: Any) -> Any:
        if loss is None or isinstance(loss, str):
            return loss
        if isinstance(loss, dict):
            loss = {name: as_number(weight) for name, weight in loss.items()}
        terms = loss.items() if isinstance(loss, dict) else ()
        if not terms or not all(isinstance(name, str) and _is_weight(w) for name, w in terms):
            raise ValueError(f"expected a name, or names with weights above 0, given {loss!r:.80}")
        return loss

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {k: v if k in cls.model_fields else as_number(v) for k, v in row.items()}

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The loss's hyper-parameters: every key but `loss` and `training`."""
        return dict(self.model_extra or {})
