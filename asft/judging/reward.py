"""A reward model as judge: a scalar for each answer, and the higher one wins.

A sequence classifier of transformers with one output scores question and answer, rendered by its
own chat template up to the token that ends a turn. Of two answers the second is the better one with
the probability of Bradley and Terry, the sigmoid of the difference of their rewards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from asft.config import PROTOCOLS, Judge, Tokens, check_judge
from asft.data import Comparison, encode_completions
from asft.errors import UserError
from asft.generation import Reply, Store, call_key, describe_call
from asft.judging.calls import Call
from asft.judging.local import judge_identity
from asft.judging.material import Material
from asft.judging.protocols import JUDGING
from asft.models import (
    default_device,
    load_reward_model,
    load_tokenizer,
    resolve_precision,
    use_threads,
)
from asft.progress import Bar
from asft.records import Verdict


class RewardModel:
    """A classifier with one output, and its tokenizer."""

    def __init__(self, folder: Path, judge: Judge) -> None:
        use_threads(judge.threads)
        self._tokenizer = load_tokenizer(folder)
        model = load_reward_model(folder, resolve_precision(judge.precision))
        self._model = model.to(default_device()).eval()
        limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._room = int(limit or 10**9)

    def score(self, question: str, answer: str) -> float:
        """Return the reward of an answer.

        Raises:
            UserError: both together are longer than the model's context.
        """
        prompt = [{"role": "user", "content": question}]
        talk = Comparison(question_id="", prompt=prompt, chosen=[[_said(answer)]], rejected=[])
        found = encode_completions([talk], self._tokenizer, Tokens(max_length=self._room))
        if found.cut:
            raise UserError(
                f"an answer is too long for the reward model, which takes {self._room} tokens;"
                " lower max_new_tokens of the benchmark or take another judge"
            )
        (pair,) = found.pairs
        ids = torch.tensor([[*pair.prompt, *pair.chosen]], device=self._model.device)
        with torch.inference_mode():
            return float(self._model(input_ids=ids.long(), use_cache=False).logits[0, 0])


def _said(answer: str) -> dict[str, Any]:
    return {"role": "assistant", "content": answer}


def judge_by_reward(
    protocol: str, calls: list[Call], material: Material, judge: Judge, folder: Path, store: Store
) -> list[Verdict]:
    """Return a verdict for each call of a protocol that compares with a baseline's answer.

    A label says no more than which is higher; both orders agree by nature.

    Raises:
        UserError: the protocol compares nothing, or the model cannot be loaded.
    """
    check_judge(judge, protocol, judge.model)
    reward, asked = _kept(judge, folder, store), {q.question_id: q for q in material.questions}
    verdicts = []
    for call in Bar(calls, desc="judge", unit="call"):
        question = asked[call.question_id].turns[0]
        baseline = material.baseline[call.question_id].text
        answer = material.answers[call.question_id].turns[0]
        order = (baseline, answer) if call.game == 1 else (answer, baseline)
        scored = [reward(question, text) for text in order]
        (key_1, first), (key_2, second) = scored
        about = {"keys": [key_1, key_2], "model": judge.model}
        verdicts.append(call.verdict("ok", **_verdict(protocol, second - first), **about))
    return verdicts


def _verdict(protocol: str, difference: float) -> dict[str, Any]:
    """The verdict of a game by how much the second answer's reward is higher."""
    share = 1 / (1 + math.exp(-max(-700.0, min(700.0, difference))))
    if PROTOCOLS[protocol].verdict == "rating":
        shares = dict(zip(JUDGING[protocol].verdicts, (1 - share, share), strict=True))
        return {"rating": share, "probabilities": shares}
    label = "B>A" if difference > 0 else "A>B" if difference < 0 else "A=B"
    return {"label": label, "probabilities": {"[[A>B]]": 1 - share, "[[B>A]]": share}}


def _kept(judge: Judge, folder: Path, store: Store) -> Callable[[str, str], tuple[str, float]]:
    """From question and answer to the reward, and its key in the store."""
    identity, loaded = judge_identity(folder), list[RewardModel]()

    def reward(question: str, answer: str) -> tuple[str, float]:
        messages: Any = [{"role": "user", "content": question}, _said(answer)]
        parameters = {"precision": judge.precision}
        request = describe_call("reward_model", identity, messages, parameters, 0)
        key = call_key(**request)
        kept = store.get(key)
        if kept is None:
            if not loaded:
                loaded.append(RewardModel(folder, judge))
            text = json.dumps({"reward": loaded[0].score(question, answer)})
            now = datetime.now(UTC).isoformat(timespec="seconds")
            kept = Reply(text, "stop", judge.model, None, None, "", now)
            store.put(key, request, kept)
        return key, float(json.loads(kept.text)["reward"])

    return reward
