"""A transformers model as judge: it scores the allowed verdicts instead of writing one."""

from __future__ import annotations

from pathlib import Path

import torch

from asft.errors import UserError
from asft.model_folders import load_tokenizer
from asft.models import default_device, load_policy, resolve_precision
from asft.records import Message, file_sha256
from asft.tokens import encode_prompt


class LocalJudge:
    """Log-probabilities of allowed verdicts as the assistant's next words."""

    def __init__(self, folder: Path, precision: str) -> None:
        self._tokenizer = load_tokenizer(folder)
        dtype = resolve_precision(precision)  # type: ignore[arg-type]
        self._model = load_policy(folder, dtype).to(default_device()).eval()

    def score(self, messages: list[Message], verdicts: list[str]) -> dict[str, float]:
        """Natural logarithm of each verdict's probability among the given ones.

        The verdicts must not be prefixes of one another, so that their probabilities exclude
        each other.

        Raises:
            UserError: the prompt is longer than the judge's context.
        """
        prompt = encode_prompt(list(messages), self._tokenizer)
        endings = [self._tokenizer.encode(v, add_special_tokens=False) for v in verdicts]
        room = self._model.config.max_position_embeddings - max(map(len, endings))
        if len(prompt) > room:
            raise UserError(
                f"a judge's prompt has {len(prompt)} tokens, its model takes {room}; "
                "lower max_new_tokens of the benchmark or take another judge"
            )
        device = self._model.device
        with torch.inference_mode():
            start = self._model(
                torch.tensor([prompt], device=device), use_cache=True, logits_to_keep=1
            )
            width = max(map(len, endings))
            padded = torch.tensor([e + [0] * (width - len(e)) for e in endings], device=device)
            cache = start.past_key_values
            cache.batch_repeat_interleave(len(endings))
            logits = self._model(padded[:, :-1], past_key_values=cache).logits
        first = start.logits.expand(len(endings), -1, -1)
        logps = torch.cat([first, logits], dim=1).float().log_softmax(-1)
        picked = logps.gather(-1, padded[..., None])[..., 0]
        lengths = torch.tensor([len(e) for e in endings], device=device)
        kept = torch.arange(width, device=device) < lengths[:, None]
        sums = (picked * kept).sum(-1).log_softmax(-1)
        return dict(zip(verdicts, sums.tolist(), strict=True))


def judge_identity(folder: Path) -> str:
    """What tells this judge from others in the store: a hash of its import card."""
    return file_sha256(folder / "card.json")
