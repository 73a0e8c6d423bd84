"""Training in the config: optimisation, adapters, and the methods that override both."""

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from asft.config.fields import Distinct, Section, Share
from asft.config.trackers import Tracker

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
    # Never written out: no result depends on it, so it stands in no run's settings and in nothing
    # that a rule prints but the flags of `train`.
    report_to: Distinct[Tracker] = Field(
        [],
        exclude=True,
        description="Trackers in which trainings can be followed as well, by transformers' names; "
        "tensorboard writes files into the folder `tensorboard` of each run, others read their "
        "keys from the environment. Changing it trains nothing again.",
    )

    @model_validator(mode="after")
    def _adapters_are_whole(self) -> "Training":
        if self.lora and self.accelerate:
            raise ValueError(
                "lora and accelerate: one of them; adapters are merged, which wants whole weights"
            )
        return self
