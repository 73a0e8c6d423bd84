"""A transformers model as judge: it scores the allowed verdicts instead of writing one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asft.data import Unusable, encode_prompt
from asft.errors import UserError
from asft.files import file_sha256
from asft.judging.local_alike import cuts
from asft.judging.local_row import SharedKeys
from asft.models import (
    attention_window,
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
        self._room = _room(self._model)
        self._keys = SharedKeys(self._model)
        # In one row all see all: what a narrower layer must not see is left to the model itself.
        self._row = _narrowest(self._model) if _agree(self._model) else 0

    def score(
        self,
        messages: list[Message],
        verdicts: list[str],
        alike: Sequence[list[Message]] = (),
    ) -> dict[str, float]:
        """Return the natural logarithm of each verdict's probability among the given ones.

        The verdicts must not be prefixes of one another, so that their probabilities exclude
        each other.

        Args:
            alike: prompts that begin as this one does: what it has in common with each is computed
                once for all. They decide the last bits of the result, so they follow from the
                messages and not from what was scored before.

        Raises:
            UserError: the prompt is longer than the judge's context, or refused by its template.
        """
        prompt = self._encode(messages)
        endings = [self._tokenizer.encode(v, add_special_tokens=False) for v in verdicts]
        longest = len(prompt) + max(map(len, endings))
        if longest > self._room:
            raise UserError(
                f"a judge's prompt has {len(prompt)} tokens, its model takes "
                f"{self._room - longest + len(prompt)}; "
                "lower max_new_tokens of the benchmark (of published pairs: max_characters) or take"
                " another judge"
            )
        with torch.inference_mode():
            if longest <= self._row:
                where = cuts(prompt, [self._encode(other) for other in alike])
                sums = self._keys.logps(prompt, endings, where)
            else:
                sums = _one_by_one(self._model, prompt, endings)
        return dict(zip(verdicts, torch.stack(sums).log_softmax(-1).tolist(), strict=True))

    def _encode(self, messages: list[Message]) -> list[int]:
        try:
            return encode_prompt(list(messages), self._tokenizer)
        except Unusable as error:
            raise UserError(
                f"the judge's chat template refuses its prompt ({error}): does it take system "
                "messages? set models.<name>.chat_template"
            ) from error


def _one_by_one(model: Any, prompt: list[int], endings: list[list[int]]) -> list[Tensor]:
    """Log-probabilities of endings, a forward pass for each, as the model's authors meant it."""
    sums = []
    for ending in endings:
        ids = torch.tensor([prompt + ending], device=model.device)
        rows = model(ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
        sums.append(rows.gather(-1, ids[0, len(prompt) :, None]).sum())
    return sums


def _agree(model: Any) -> bool:
    """Whether endings in one row get what they get alone; not where other than attention mixes."""
    prompt, endings = [1, 2, 3, 4, 5], [[6, 7, 8], [6, 2, 3], [9, 2, 4]]
    try:
        with torch.inference_mode():
            together = SharedKeys(model).logps(prompt, endings, (2, 3))
            alone = _one_by_one(model, prompt, endings)
    except (TypeError, ValueError, KeyError, RuntimeError, AttributeError, IndexError):
        return False
    worst = float((torch.stack(together) - torch.stack(alone)).abs().max())
    return worst < (1e-3 if model.dtype == torch.float32 else 0.3)  # rounding; a leak is larger


def _room(model: Any) -> float:
    config = model.config.get_text_config()
    limits = (learnt_positions(model), getattr(config, "max_position_embeddings", None))
    return min((limit for limit in limits if limit), default=math.inf)


def _narrowest(model: Any) -> float:
    """How long a text may be for all of its tokens to see one another in every layer."""
    config = model.config.get_text_config()
    limits = (attention_window(model), getattr(config, "attention_chunk_size", None))
    return min((limit for limit in limits if limit), default=math.inf)


def judge_identity(folder: Path) -> str:
    """Return a hash of the judge's import card, which tells it from others in the store."""
    return file_sha256(folder / "card.json")
