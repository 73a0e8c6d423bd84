"""Reference log-probabilities of all pairs of a data set under the base policy.

Reads  <results>/models/{model}/, <results>/data/{dataset}/tokens/
Writes <results>/data/{dataset}/reference_logps.parquet (sums and token counts by pair id)
By hand: asft reference --model DIR --tokens DIR --settings '{"precision": "auto"}' --out FILE
"""

import json
import sys
from pathlib import Path

from asft.attention import implementation
from asft.config import Training
from asft.models import default_device, load_policy, resolve_precision
from asft.packing import PackedRow
from asft.processes import place, split_of
from asft.reference import part_of, score_pairs, write_reference
from asft.token_budget import token_budget
from asft.tokens import read_tokens
from asft.trainer import packed_by_length


def reference(model: Path, tokens: Path, settings: str, out: Path) -> None:
    """Score train and held-out pairs by the same forward as training, without gradients."""
    import torch

    training = Training.model_validate(json.loads(settings))
    pairs = [*read_tokens(tokens, "train"), *read_tokens(tokens, "heldout")]
    # fp32 weights under autocast, as in training: the margin over the reference is then 0 at step
    # 0.
    device = default_device()
    precision = resolve_precision(training.precision)
    attention = implementation(training.attention, device, precision)
    base = load_policy(model, torch.float32, attention).to(device)
    budget = token_budget(training, base)
    rows = list(packed_by_length(pairs, budget))
    number, processes = place()
    if processes > 1 and number == 0:
        shares = [_size_of(rows[n::processes]) for n in range(processes)]
        print(f"scores: {split_of(shares)}", file=sys.stderr, flush=True)
    found = score_pairs(base, rows[number::processes], precision)
    write_reference(part_of(out, number) if processes > 1 else out, found)


def _size_of(rows: list[PackedRow]) -> dict[str, int]:
    return {
        "rows": len(rows),
        "pairs": sum(len(row["ids"]) for row in rows),
        "tokens": sum(row["input_ids"].numel() for row in rows),
    }
