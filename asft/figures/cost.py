"""The numbers of Figure 2(b): what DPO and ASFT cost, and what an operation count predicts.

Three arms: DPO with the reference in memory, which is what the paper compares with; DPO with
cached reference log-probabilities, the cost of the cache shown apart; ASFT. Where the config asks
for it also TRL's trainer of DPO, with the reference as TRL caches it, in the process that trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asft.config import Arm
from asft.errors import UserError

ARMS: dict[str, str] = {
    "dpo_online": "DPO,\nreference\nin memory",
    "dpo_cached": "DPO,\nreference\ncached",
    "dpo_trl": "DPO by TRL,\nreference\ncached",
    "asft": "ASFT",
}
IF_ASKED = {"dpo_trl"}  # where a method of the config is trained by TRL
ALIKE = ("parameters", "precision", "device", "threads", "peak_memory_is")
# Bytes a parameter: fp32 weights, gradients and Adam's two moments; a reference has weights only,
# in the precision of training.
TRAINED = 16
FROZEN = {"bfloat16": 2, "float16": 2, "float32": 4}


class Measurement(BaseModel):
    """One measurement of one arm, made in a process of its own."""

    model_config = ConfigDict(frozen=True)

    arm: Arm
    repeat: int
    steps: int
    pairs: int
    seconds_per_pair: float = Field(gt=0, allow_inf_nan=False)
    reference_seconds_per_pair: float = Field(ge=0, allow_inf_nan=False)
    tokens_per_second: float = Field(gt=0, allow_inf_nan=False)
    peak_memory_bytes: int = Field(gt=0)
    peak_memory_is: str
    peak_reserved_bytes: int | None = None  # by torch's allocator, on CUDA
    parameters: int
    precision: Literal["bfloat16", "float16", "float32"]
    device: str
    threads: int


def read_measurements(paths: Sequence[Path]) -> list[Measurement]:
    """Read the measurements of all arms.

    Raises:
        UserError: a file is no measurement, an arm has none, or they are of different machines.
    """
    found = []
    for path in paths:
        try:
            found.append(Measurement.model_validate_json(path.read_bytes()))
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise UserError(f"{path}, key {key!r}: {first['msg']}; measure again") from error
    for arm in (arm for arm in ARMS if arm not in IF_ASKED):
        if not any(each.arm == arm for each in found):
            raise UserError(f"no measurement of arm {arm!r} among {len(paths)} files")
    for path, each in zip(paths, found, strict=True):
        for key in ALIKE:
            ours, theirs = getattr(each, key), getattr(found[0], key)
            if ours != theirs:
                raise UserError(
                    f"{path}: {key} is {ours!r}, but {theirs!r} in {paths[0]}; measure all arms"
                    " on one machine"
                )
    return found


def costs(measurements: Sequence[Measurement], checkpointing: bool) -> pd.DataFrame:
    """Return one row per measurement, arms in order, with the arm's median and what was expected.

    Time is expected from the number F of operations of one forward pass over a pair: a backward
    pass takes 2F (3F with gradient checkpointing), a reference F. ASFT's median gives F's seconds.
    Memory is expected to be at least that of weights, gradients and moments. Of TRL's arm nothing
    is expected: how many tokens it computes depends on how it pads.
    """
    rows = [m.model_dump() for m in sorted(measurements, key=lambda m: list(ARMS).index(m.arm))]
    table = pd.DataFrame(rows)
    arms = table.groupby("arm", sort=False)
    for name in ("seconds_per_pair", "reference_seconds_per_pair", "peak_memory_bytes"):
        table[f"median_{name}"] = arms[name].transform("median")
    training = 4 if checkpointing else 3
    asft = table.loc[table["arm"] == "asft", "median_seconds_per_pair"].iloc[0]
    online = table["arm"] == "dpo_online"
    forward = asft / training
    table["expected_seconds_per_pair"] = forward * (training + online)
    table["expected_reference_seconds_per_pair"] = forward * (table["arm"] == "dpo_cached")
    per_parameter = TRAINED + online * table["precision"].map(FROZEN)
    table["expected_memory_bytes"] = table["parameters"] * per_parameter
    for name in ("seconds_per_pair", "reference_seconds_per_pair", "memory_bytes"):
        table[f"expected_{name}"] = table[f"expected_{name}"].mask(table["arm"].isin([*IF_ASKED]))
    return table
