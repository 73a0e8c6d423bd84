"""A transformers model as judge: it scores the allowed verdicts instead of writing one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asft.data import Unusable, encode_prompt
from asft.errors import UserError
from asft.files import file_sha256
from asft.models import (
    learnt_positions,
    load_reader,
    load_tokenizer,
    resolve_precision,
    use_threads,
)
from asft.records import Message


class LocalJudge:
    """A judge that gives log-probabilities of allowed verdicts as the assistant's next words."""

    def __init__(self, folder: Path, precision: str, threads: int | None = None) -> None:
        use_threads(threads)
        self._tokenizer = load_tokenizer(folder)
        dtype = resolve_precision(precision)  # type: ignore[arg-type]
        self._model = load_reader(folder, dtype)
        self._one_by_one = not _agree(self._model)

    def score(self, messages: list[Message], verdicts: list[str]) -> dict[str, float]:
        """Return the natural logarithm of each verdict's probability among the given ones.

        The verdicts must not be prefixes of one another, so that their probabilities exclude
        each other.

        Raises:
            UserError: the prompt is longer than the judge's context, or refused by its template.
        """
        try:
            prompt = encode_prompt(list(messages), self._tokenizer)
        except Unusable as error:
            raise UserError(
                f"the judge's chat template refuses its prompt ({error}): does it take system "
                "messages? set models.<name>.chat_template"
            ) from error
        endings = [self._tokenizer.encode(v, add_special_tokens=False) for v in verdicts]
        config = self._model.config.get_text_config()
        limits = (learnt_positions(self._model), getattr(config, "max_position_embeddings", None))
        room = min((x for x in limits if x), default=math.inf) - max(map(len, endings))
        if len(prompt) > room:
            raise UserError(
                f"a judge's prompt has {len(prompt)} tokens, its model takes {room}; "
                "lower max_new_tokens of the benchmark (of published pairs: max_characters) or take"
                " another judge"
            )
        with torch.inference_mode():
            score = _one_by_one if self._one_by_one else _together
            sums = score(self._model, prompt, endings)
        return dict(zip(verdicts, torch.stack(sums).log_softmax(-1).tolist(), strict=True))


def _together(model: Any, prompt: list[int], endings: list[list[int]]) -> list[Tensor]:
    """Log-probabilities of endings in one row behind the prompt, none of them seeing another."""
    device = model.device
    mask, positions = _apart(len(prompt), [len(e) for e in endings])
    start = model(torch.tensor([prompt], device=device), use_cache=True, logits_to_keep=1)
    logits = model(
        torch.tensor([[token for e in endings for token in e]], device=device),
        past_key_values=start.past_key_values,
        attention_mask=_additive(mask, model.dtype).to(device),
        position_ids=positions.to(device),
    ).logits
    first = start.logits[0, -1].float().log_softmax(-1)
    after = logits[0].float().log_softmax(-1).split([len(e) for e in endings])
    return [
        first[e[0]] + rows[:-1].gather(-1, torch.tensor(e[1:], device=device)[:, None]).sum()
        for e, rows in zip(endings, after, strict=True)
    ]


def _one_by_one(model: Any, prompt: list[int], endings: list[list[int]]) -> list[Tensor]:
    """The same, a forward pass for each, as the model's authors meant it."""
    sums = []
    for ending in endings:
        ids = torch.tensor([prompt + ending], device=model.device)
        rows = model(ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
        sums.append(rows.gather(-1, ids[0, len(prompt) :, None]).sum())
    return sums


def _agree(model: Any) -> bool:
    """Whether endings in one row get what they get alone; not where other than attention mixes."""
    prompt, endings = [1, 2, 3, 4, 5], [[6, 7, 8], [9, 2]]
    try:
        with torch.inference_mode():
            together, alone = (f(model, prompt, endings) for f in (_together, _one_by_one))
    except (TypeError, ValueError, KeyError, RuntimeError, AttributeError, IndexError):
        return False
    worst = float((torch.stack(together) - torch.stack(alone)).abs().max())
    return worst < (1e-3 if model.dtype == torch.float32 else 0.3)  # rounding; a leak is larger


def _apart(prompt: int, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Who sees whom, (1, 1, n, prompt + n), and positions, (1, n), of endings in one row."""
    blocks = [torch.ones(n, n).tril() for n in lengths]
    own = torch.block_diag(*blocks).bool()  # type: ignore[no-untyped-call]
    seen = torch.cat([torch.ones(len(own), prompt, dtype=torch.bool), own], dim=1)
    positions = torch.cat([torch.arange(prompt, prompt + n) for n in lengths])
    return seen[None, None], positions[None]


def _additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def judge_identity(folder: Path) -> str:
    """Return a hash of the judge's import card, which tells it from others in the store."""
    return file_sha256(folder / "card.json")
