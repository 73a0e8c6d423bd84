"""Make docs/models.md: every causal language model of transformers, tiny and random, tried.

By hand: python docs/models.py [ARCHITECTURE …]  (all: ten minutes)
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1"}

import numpy as np
import torch
import transformers
from small_models import WORDS, small
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from asft.config import LoRA, Training
from asft.data import TokenPair
from asft.errors import UserError

OUT = Path(__file__).with_suffix(".md")
SECONDS = 300  # of one architecture
LARGEST = 50_000_000  # parameters
NEAR = 1e-5  # of a log-probability


class Found(NamedTuple):
    """What was found of one architecture."""

    name: str
    trains: str
    decodes: str
    lora: str


def pairs(count: int = 3) -> list[TokenPair]:
    random = np.random.default_rng(1)
    lengths = ((9, 5, 7), (4, 8, 3), (6, 2, 10))
    return [
        TokenPair(f"{n}", *(random.integers(2, WORDS, size, dtype=np.int32) for size in lengths[n]))
        for n in range(count)
    ]


def apart(folder: Path, dtype: torch.dtype = torch.float32) -> np.ndarray[Any, Any]:
    """Log-probabilities of each completion by the model's own forward, one plain sequence each."""
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    found = []
    for side in ("chosen", "rejected"):
        for pair in pairs():
            ids = torch.tensor(np.concatenate([pair.prompt, getattr(pair, side)])).long()[None]
            with torch.no_grad():
                logp = (
                    model(input_ids=ids, use_cache=False).logits[0, :-1].to(dtype).log_softmax(-1)
                )
            scored = logp.gather(-1, ids[0, 1:, None])[len(pair.prompt) - 1 :]
            found.append(float(scored.sum()))
    return np.array(found)


def expected(folder: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the right log-probabilities, by float64 where the model can, and how near is right.

    Random weights may amplify rounding: twice the error of the model's own float32 is granted.
    """
    single = apart(folder)
    try:
        right = apart(folder, torch.float64)
    except Exception:  # it makes tensors of its own in another type
        right = single
    return right, NEAR * np.maximum(1, np.abs(right)) + 2 * np.abs(single - right).max()


def trained(folder: Path) -> tuple[Any, str]:
    """Load a model as training does, and say how it computes pairs; hold it to `apart`.

    The policy of each token budget is held to the reference of the other: DPO's loss is ln 2.
    """
    from asft.training.fused import fuse
    from asft.training.loading import load_trainable
    from asft.training.packing import PackedByLength
    from asft.training.pair_logps import pair_logps
    from asft.training.token_budget import token_budget

    policy = load_trainable(folder, "auto", torch.float32, pairs())
    reason = policy.apart_because
    try:
        token_budget(Training(), policy)
    except UserError:
        reason += "; `token_budget` must be a number"
    fuse(policy.eval())
    (right, near), flats = expected(folder), []
    for budget in (8, 4096):
        found: dict[str, list[float]] = {}
        for row in PackedByLength(pairs(), token_budget=budget):
            with torch.no_grad():
                logps = pair_logps(policy, row)
            for number, name in enumerate(row["ids"]):
                found[name] = [float(logps.chosen.sum[number]), float(logps.rejected.sum[number])]
        flat = [found[p.id][side] for side in (0, 1) for p in pairs()]
        off = np.abs(np.array(flat) - right)
        if not (off <= near).all():
            return policy, f"**wrong** by {off.max():.2g} nats at token budget {budget}"
        flats.append(flat)
    first, second = (np.array(flat).reshape(2, -1) for flat in flats)
    margins = (first[0] - first[1]) - (second[0] - second[1])
    loss = float(np.log1p(np.exp(-0.1 * margins)).mean())
    if not abs(loss - np.log(2)) < 1e-5:
        return policy, f"**wrong**: DPO's loss before the first step is {loss:.6f}"
    return policy, f"apart: {reason}" if reason else "packed"


def adapted(policy: Any) -> str:
    from asft.training.lora import adapt
    from asft.training.packing import pack
    from asft.training.pair_logps import pair_logps

    try:
        model = adapt(policy, LoRA(rank=2, alpha=4))
        model.apart_because = policy.apart_because
        pair_logps(model, pack(pairs(), 4096)[0]).chosen.sum.sum().backward()
    except Exception as error:
        return f"no ({_line(error)})"
    with_gradient = sum(p.grad is not None for p in model.parameters() if p.requires_grad)
    return "yes" if with_gradient else "no"


def made(kind: str, folder: Path) -> str:
    """Save a small model of an architecture in `folder`; return why there is none, or ""."""
    fault = "its config has no sizes known here"
    for config in small(kind):
        try:
            torch.manual_seed(0)
            with torch.device("meta"):
                sizes = transformers.AutoModelForCausalLM.from_config(config)
            if sum(p.numel() for p in sizes.parameters()) > LARGEST:
                continue
            model = transformers.AutoModelForCausalLM.from_config(config)
            model.save_pretrained(folder)
            if all(np.isfinite(apart(folder))):
                return ""
        except Exception as error:
            fault = _line(error)
    return fault


def tried(kind: str) -> Found:
    """Try one architecture."""
    from asft.generation.decoding import supports

    with tempfile.TemporaryDirectory() as name:
        if fault := made(kind, folder := Path(name)):
            return Found(kind, f"not tried: {fault}", "", "")
        try:
            policy, trains = trained(folder)
        except UserError as error:
            return Found(kind, f"refused: {error}", "", "")
        except Exception as error:
            return Found(kind, f"**fails**: {_line(error)}", "", "")
        decodes = "own" if supports(policy) else "`generate`"
        return Found(kind, trains, decodes, adapted(policy))


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:90].replace("|", "/")


def _child(kind: str, answer: Any) -> None:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        answer.send(tried(kind))


def in_a_process(kind: str) -> Found:
    """Try one architecture where it can neither hang nor fall over another."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(kind, theirs))
    process.start()
    theirs.close()
    try:
        found: Found = (
            mine.recv() if mine.poll(SECONDS) else Found(kind, "not tried: too slow", "", "")
        )
    except EOFError:
        found = Found(kind, "not tried: its process ended", "", "")
    process.kill()
    process.join()
    return found


def page(rows: list[Found]) -> str:
    tried_rows = [row for row in rows if not row.trains.startswith("not tried")]
    counts = {
        word: sum(row.trains.startswith(word) for row in rows)
        for word in ("packed", "apart", "refused", "not tried")
    }
    lines = [f"| {r.name} | {r.trains} | {r.decodes} | {r.lora} |" for r in tried_rows]
    others = "\n".join(
        f"- `{r.name}`: {r.trains.partition(': ')[2]}" for r in rows if r not in tried_rows
    )
    return f"""# Models

Every causal language model of transformers {transformers.__version__}, tiny and with random weights, as `python docs/models.py` found it:
{counts["packed"]} train packed, {counts["apart"]} one completion at a time, {counts["refused"]} are refused, {counts["not tried"]} could not be made tiny.
Log-probabilities of three pairs, at token budgets 8 and 4,096, are those of the model's own forward pass of each sequence by itself in
float64, to {NEAR} of each, or to twice the error of the model's own forward pass in float32 where that is more: random weights may amplify
rounding. "Own" decodes by this project's decoder, the others by `model.generate`. A model is tried again when it is loaded, whatever
stands here.

| architecture | training | decoding | LoRA |
|---|---|---|---|
{chr(10).join(lines)}

## Not tried

{others}
"""


def main() -> None:
    """Try the architectures that are named, or all of them, and write the page."""
    kinds = sys.argv[1:] or sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    rows = []
    for kind in kinds:
        rows.append(in_a_process(kind))
        print(*rows[-1], sep="\t", flush=True)
    if not sys.argv[1:]:
        OUT.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
