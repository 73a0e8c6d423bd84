"""Compute a policy's log-probabilities of completions that it is asked to rank.

Reads  a policy folder; <results>/benchmarks/{benchmark}/comparisons.jsonl
Writes <results>/runs/{run}/completion_logps/{benchmark}.parquet, a row per completion: sum in nats,
       tokens, whether its end was cut
By hand: asft completion-logps --policy DIR --comparisons FILE --settings '{"precision": "auto"}'
         --out FILE
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asft.config import Tokens, Training
from asft.machine import claim_gpus

if TYPE_CHECKING:
    import pyarrow as pa


class CompletionSettings(Training):
    """This step's part of the config."""

    tokens: Tokens = Tokens()


def score_completions(settings: str, policy: Path, comparisons: Path, out: Path) -> None:
    """Score completions by the same forward as training, without gradients, in the same rows.

    They are tokenised by the policy's own tokenizer and chat template, as training pairs are. Of
    equal weights the numbers are equal, in bf16 too, so that a policy that was not moved has a
    reward of 0. A prompt that leaves its completions no room is left out, and the log says so.

    Args:
        settings: this step's part of the config, as JSON

    Raises:
        UserError: no model there, or no completion can be ranked.
    """
    chosen = CompletionSettings.model_validate_json(settings)
    claim_gpus(1)
    from asft.data import encode_completions, read_comparisons
    from asft.models import default_device, load_tokenizer, resolve_precision
    from asft.parquet import write_parquet
    from asft.training.loading import load_trainable
    from asft.training.packing import PackedByLength
    from asft.training.reference_logps import score_pairs
    from asft.training.token_budget import token_budget

    asked = read_comparisons(comparisons)
    pairs, cut, unusable = encode_completions(asked, load_tokenizer(policy), chosen.tokens)
    for reason, count in unusable.items():
        print(f"left out: {count} of {len(asked)}: {reason}", file=sys.stderr, flush=True)
    precision = resolve_precision(chosen.precision)
    model = load_trainable(policy, chosen.attention, precision, pairs).to(default_device())
    rows = PackedByLength(pairs, token_budget=token_budget(chosen, model))
    write_parquet(out, _by_completion(score_pairs(model, rows, precision), cut))


def _by_completion(found: pa.Table, cut: dict[str, list[int]]) -> pa.Table:
    import pyarrow as pa

    lines: list[dict[str, Any]] = []
    for row in found.to_pylist():
        comparison, _, place = row["id"].partition("/")
        for step, side in enumerate(("chosen", "rejected")):
            if tokens := int(row[f"{side}_tokens"]):
                at = int(place) + step
                line = {"comparison": comparison, "completion": at, "sum": row[f"{side}_sum"]}
                lines.append(line | {"tokens": tokens, "cut": at in cut.get(comparison, [])})
    lines.sort(key=lambda line: (line["comparison"], line["completion"]))
    return pa.Table.from_pylist(lines)
