"""Measure training for Figure 2(b): a few steps of one arm, in a process of its own.

Reads  <results>/models/{model}/, <results>/data/{dataset}/tokens
Writes <results>/cost/{dataset}/{arm}/repeat{n}.json
By hand: asft measure-cost --settings JSON --arm asft --repeat 0 --model DIR --tokens DIR --out FILE
"""

from pathlib import Path

from asft.config import Section, Training
from asft.files import write_json
from asft.machine import claim_gpus


class CostSettings(Section):
    """This step's part of the config."""

    training: Training
    hyperparameters: dict[str, float]
    steps: int
    seed: int


def measure_training_cost(
    settings: str, arm: str, model: Path, tokens: Path, out: Path, repeat: int = 0
) -> None:
    """Measure the time and memory that a pair takes in a few optimiser steps of one arm.

    Args:
        settings: this step's part of the config, as JSON
        arm: dpo_online, dpo_cached, dpo_trl or asft

    Raises:
        UserError: there are no training pairs.
    """
    chosen = CostSettings.model_validate_json(settings)
    claim_gpus()
    from asft.training.cost_arms import measure_arm

    about = {"arm": arm, "repeat": repeat}
    write_json(out, about | measure_arm(arm, model, tokens, **dict(chosen)))
