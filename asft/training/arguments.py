"""Translate the config's training section into arguments of transformers' Trainer."""

import math
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from transformers import TrainingArguments

from asft.config import Training
from asft.errors import UserError
from asft.processes import is_worker

OPTIMIZERS = {"adamw": "adamw_torch_fused", "adamw_8bit": "adamw_bnb_8bit"}


def training_arguments(
    training: Training,
    seed: int,
    output_dir: str,
    kind: Any = TrainingArguments,
    **changes: Any,
) -> Any:
    """Return the Trainer's arguments for one run; its checkpoints go to `output_dir`.

    Args:
        kind: what they are arguments of, if not of transformers' own Trainer.
        changes: what that one is told otherwise, or besides.

    Raises:
        UserError: the 8-bit optimizer's package is not installed.
    """
    if training.optimizer == "adamw_8bit" and find_spec("bitsandbytes") is None:
        raise UserError(
            "training.optimizer: adamw_8bit needs bitsandbytes (pip install 'asft[8bit]');"
            " or take adamw"
        )
    together_on_cpus = is_worker() and not torch.cuda.is_available()
    ours = partial(
        kind,
        output_dir=output_dir,
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,  # shared by all: see `_collate`
        learning_rate=training.learning_rate,
        lr_scheduler_type="cosine",
        # Below 1 it is a share of the steps, rounded up; 1 would be one step, not all of them.
        warmup_steps=min(training.warmup_ratio, math.nextafter(1, 0)),
        weight_decay=training.weight_decay,
        adam_beta1=training.adam_beta1,
        adam_beta2=training.adam_beta2,
        max_grad_norm=training.max_grad_norm,
        ddp_find_unused_parameters=False,
        use_cpu=together_on_cpus,
        ddp_backend="gloo" if together_on_cpus else None,
        activation_checkpointing=training.gradient_checkpointing,
        optim=OPTIMIZERS[training.optimizer],
        bf16=False,  # see PairTrainer.autocast_smart_context_manager
        seed=seed,
        data_seed=seed,
        remove_unused_columns=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        dataloader_pin_memory=torch.cuda.is_available(),
        accelerator_config={"non_blocking": torch.cuda.is_available()},
        disable_tqdm=not sys.stderr.isatty(),
    )
    arguments = ours(**changes)
    # See `reporting`; transformers adds kubeflow by itself where its variable is set.
    arguments.report_to = []
    return arguments
