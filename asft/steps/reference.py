"""Reference log-probabilities of all pairs of a data set under the base policy.

Reads  <results>/models/{model}/, <results>/data/{dataset}/tokens/
Writes <results>/data/{dataset}/reference_logps.parquet (sums and token counts by pair id)
By hand: asft reference --model DIR --tokens DIR --settings '{"precision": "auto"}' --out FILE
"""

import json
from pathlib import Path

from asft.attention import implementation, shares_prompts
from asft.config import Training
from asft.models import default_device, load_policy, resolve_precision
from asft.processes import place
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
    base = load_policy(model, torch.float32, implementation(training.attention, device)).to(device)
    budget = token_budget(training, base)
    rows = list(packed_by_length(pairs, budget, shared=shares_prompts(base)))
    number, processes = place()
    found = score_pairs(base, rows[number::processes], resolve_precision(training.precision))
    write_reference(part_of(out, number) if processes > 1 else out, found)
