"""Low-rank adapters: train a few per cent of the weights, save the policy with them added.

The frozen weights stay fp32, as in full training, so that the reference's log-probabilities, which
are computed without an adapter, are exactly the policy's before its first step.
"""

from pathlib import Path
from typing import Any

from asft.config import LoRA


def adapt(policy: Any, lora: LoRA) -> Any:
    """Add untrained adapters to all linear layers of `policy` but the head; they alone train."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(policy, config)


def merged(policy: Any, adapter: Path | None) -> Any:
    """Add the adapter to the policy's weights; save it alone to `adapter`, if that is given."""
    if adapter is not None:
        policy.save_pretrained(adapter)
    return policy.merge_and_unload()
