"""What the config says of training, in the words of transformers' Trainer."""

import sys

import torch
from transformers import TrainingArguments

from asft.config import Training
from asft.processes import is_worker


def training_arguments(training: Training, seed: int, output_dir: str) -> TrainingArguments:
    """Arguments of one run; its checkpoints go to `output_dir`."""
    together_on_cpus = is_worker() and not torch.cuda.is_available()
    return TrainingArguments(
        output_dir=output_dir,
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,  # shared by all: see `_collate`
        learning_rate=training.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=training.warmup_ratio,  # a number below 1 is a share of the steps
        weight_decay=training.weight_decay,
        adam_beta1=training.adam_beta1,
        adam_beta2=training.adam_beta2,
        max_grad_norm=training.max_grad_norm,
        ddp_find_unused_parameters=False,
        use_cpu=together_on_cpus,
        ddp_backend="gloo" if together_on_cpus else None,
        activation_checkpointing=training.gradient_checkpointing,
        optim="adamw_torch_fused",
        bf16=False,  # see PairTrainer.autocast_smart_context_manager
        seed=seed,
        data_seed=seed,
        remove_unused_columns=False,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=not sys.stderr.isatty(),
    )
