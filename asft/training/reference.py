"""Compute log-probabilities of all pairs of a data set under the reference.

Reads  <results>/models/{model}/, or policy/ of a run: others start from it, or it is a trial;
       <results>/data/{dataset}/tokens/
Writes <results>/data/{dataset}/reference_logps.parquet (sums and token counts by pair id), or
       reference_logps_mismatched.parquet, with other pairs' completions too; of a policy that
       others start from below folders of these names, by its path; of a trial
       runs/{run}/logps/{dataset}.parquet, held-out pairs alone
By hand: asft reference --model DIR --tokens DIR --settings '{"precision": "auto"}' --out FILE
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from asft.config import Training
from asft.machine import claim_gpus
from asft.processes import place, ran_in_workers, split_of

if TYPE_CHECKING:
    from asft.training.packing import PackedByLength


class ReferenceSettings(Training):
    """This step's part of the config."""

    mismatched: bool = Field(
        False,
        description="Whether each prompt is scored with the completions of another pair as well.",
    )
    heldout_only: bool = Field(
        False, description="Whether the pairs that training sees are left out."
    )


def score_reference(settings: str, model: Path, tokens: Path, out: Path) -> None:
    """Score pairs by the same forward as training, without gradients.

    Args:
        settings: this step's part of the config, as JSON
    """
    training = ReferenceSettings.model_validate_json(settings)
    claim_gpus(training.processes)
    if ran_in_workers(training.processes):
        from asft.training.reference_logps import merge_reference

        return merge_reference(out, training.processes)
    from asft.data import Joined, read_tokens
    from asft.models import default_device, resolve_precision
    from asft.training.loading import load_trainable
    from asft.training.mismatched import Mismatched
    from asft.training.packing import PackedByLength
    from asft.training.reference_logps import part_of, score_pairs, write_reference
    from asft.training.token_budget import token_budget

    splits = [read_tokens(tokens, "heldout")]
    if not training.heldout_only:
        splits.insert(0, read_tokens(tokens, "train"))
    others = [Mismatched(split) for split in splits] if training.mismatched else []
    parts = [*splits, *others]
    # fp32 weights under autocast, and the held-out pairs in the rows of the trainer's measurement:
    # in bf16 too their margin over the reference is then 0 at step 0.
    device = default_device()
    precision = resolve_precision(training.precision)
    base = load_trainable(model, training.attention, precision, Joined(parts)).to(device)
    rows = PackedByLength(*parts, token_budget=token_budget(training, base))
    number, processes = place()
    if processes > 1 and number == 0:
        shares = [_size_of(rows[n::processes]) for n in range(processes)]
        print(f"scores: {split_of(shares)}", file=sys.stderr, flush=True)
    found = score_pairs(base, rows[number::processes], precision)
    write_reference(part_of(out, number) if processes > 1 else out, found)


def _size_of(rows: PackedByLength) -> dict[str, int]:
    sizes = [(len(row["ids"]), row["input_ids"].numel()) for row in rows]
    pairs, tokens = map(sum, zip(*sizes, strict=True)) if sizes else (0, 0)
    return {"rows": len(rows), "pairs": pairs, "tokens": tokens}
