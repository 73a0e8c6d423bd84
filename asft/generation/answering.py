"""Answer benchmark questions with a policy, longest prompts first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from asft.config import Decoding
from asft.data import encode_prompt
from asft.errors import UserError
from asft.files import fingerprint
from asft.generation.decoding import Row, decode, supports
from asft.models import learnt_positions
from asft.records import Completion, Message, Question
from asft.thinking import MARKS, opened_by, split_thinking

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Batches in a share, at most: at its end no row waits for a place, and the batch runs empty.
_SHARE = 4
_TAIL = 24  # tokens of a prompt's end that hold the opening tag of thinking, if it has one


class Answer(NamedTuple):
    """One generated turn of an answer."""

    text: str
    finish_reason: str  # "stop" at an end token, "length" at max_new_tokens
    tokens: int  # generated ones, the end token included
    thinking: str = ""  # before the text, in its tags
    thinking_tokens: int = 0


class Sampling(NamedTuple):
    """How to continue some prompts, in their order."""

    decodings: list[Decoding]  # one a prompt
    seeds: list[int]  # one a prompt
    end_tokens: set[int]
    batch_size: int
    ended: Callable[[int], object]  # is told how many answers have come to their end


def shares(
    questions: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int,
    processes: int = 1,
) -> list[list[Question]]:
    """Split questions into shares of equal size, by the length of the first prompt, longest first.

    A share is answered as a whole, `batch_size` questions at a time, and survives a kill once all
    of it is answered. Shares depend on the arguments alone: a resumed run has those of the first.
    """

    def length(question: Question) -> int:
        first = Message(role="user", content=question.turns[0])
        return len(encode_prompt([*question.context, first], tokenizer))

    ordered = sorted(questions, key=lambda q: (-length(q), q.question_id))
    count = processes * ceil(len(ordered) / (processes * batch_size * _SHARE))
    size = ceil(len(ordered) / count) if ordered else 1
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]


def answer_share(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    share: Sequence[Question],
    decodings: Sequence[Decoding],
    end_tokens: set[int],
    seed: int,
    batch_size: int,
    ended: Callable[[int], object] = lambda answers: None,
) -> Iterator[Completion]:
    """Answer all turns of a share of the questions, the policy's own earlier answers in context.

    Args:
        decodings: one a question; they may differ in `do_sample` and `temperature` alone.
        batch_size: questions that are answered at a time.
        ended: is told how many answers, one a turn, have come to their end.

    Raises:
        UserError: a prompt does not fit the model's context. The longest first prompts are in the
            first share, so they are refused before anything is answered.
    """
    talks = [list(question.context) for question in share]
    answers: list[list[Answer]] = [[] for _ in share]
    for turn in range(max(len(question.turns) for question in share)):
        active = [i for i, question in enumerate(share) if turn < len(question.turns)]
        for i in active:
            talks[i].append(Message(role="user", content=share[i].turns[turn]))
        prompts = [encode_prompt(talks[i], tokenizer) for i in active]
        for i, prompt in zip(active, prompts, strict=True):
            _check_length(prompt, model, share[i].question_id, decodings[i].max_new_tokens)
        # Seeded by what is asked, not by how much was asked before or beside it.
        seeds = [_seed_of(seed, turn, share[i].question_id) for i in active]
        chosen = [decodings[i] for i in active]
        sampling = Sampling(chosen, seeds, end_tokens, batch_size, ended)
        decode_all = _decode if supports(model) else _generate_groups
        rows = decode_all(model, tokenizer, prompts, sampling)
        for i, prompt, row in zip(active, prompts, rows, strict=True):
            opening = opened_by(str(tokenizer.decode(prompt[-_TAIL:])))
            answers[i].append(_cut(row, tokenizer, end_tokens, opening))
            talks[i].append(Message(role="assistant", content=answers[i][-1].text))
    for question, turns in zip(share, answers, strict=True):
        yield Completion(
            question_id=question.question_id,
            turns=[answer.text for answer in turns],
            finish_reasons=[answer.finish_reason for answer in turns],
            tokens=[answer.tokens for answer in turns],
            thinking=[answer.thinking for answer in turns],
            thinking_tokens=[answer.thinking_tokens for answer in turns],
        )


def _check_length(prompt: list[int], model: Any, question_id: str, limit: int) -> None:
    """Refuse positions beyond the model's context: never trained, and some models have none."""
    positions = learnt_positions(model)
    if positions is not None and len(prompt) + limit > positions:
        raise UserError(
            f"question_id {question_id!r}: its prompt has {len(prompt)} tokens and its answer may"
            f" have {limit}, the model has learnt {positions} positions; lower"
            " decoding.max_new_tokens, or leave out the question"
        )
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is not None and len(prompt) >= context:
        raise UserError(
            f"question_id {question_id!r}: its prompt has {len(prompt)} tokens, the model's context"
            f" {context}; shorten or leave out the question, or take another model"
        )


def _seed_of(*parts: int | str) -> int:
    return int(fingerprint(list(parts))[:15], 16)


def _decode(
    model: Any, tokenizer: Any, prompts: list[list[int]], sampling: Sampling
) -> list[list[int]]:
    first = sampling.decodings[0]
    limit = first.max_new_tokens
    rows = [
        Row(
            prompt,
            decoding.temperature if decoding.do_sample else None,
            torch.rand(limit, generator=torch.Generator().manual_seed(seed), dtype=torch.float64),
        )
        for prompt, decoding, seed in zip(prompts, sampling.decodings, sampling.seeds, strict=True)
    ]
    return decode(
        model,
        rows,
        top_k=first.top_k,
        top_p=first.top_p,
        max_new_tokens=limit,
        end_tokens=sampling.end_tokens,
        batch_size=sampling.batch_size,
        ended=sampling.ended,
    )


def _generate_groups(
    model: Any, tokenizer: Any, prompts: list[list[int]], sampling: Sampling
) -> list[list[int]]:
    """`model.generate`, each decoding by itself; for caches that `decode` cannot fill."""
    found: list[list[int]] = [[] for _ in prompts]
    for decoding in dict.fromkeys(sampling.decodings):
        alike = [i for i, other in enumerate(sampling.decodings) if other == decoding]
        for first in range(0, len(alike), sampling.batch_size):
            places = alike[first : first + sampling.batch_size]
            torch.manual_seed(_seed_of(*(sampling.seeds[i] for i in places)))
            chosen = [prompts[i] for i in places]
            rows = _generate(model, tokenizer, chosen, decoding, sampling.end_tokens)
            for i, row in zip(places, rows, strict=True):
                found[i] = row
            sampling.ended(len(places))
    return found


def _generate(
    model: Any,
    tokenizer: Any,
    prompts: list[list[int]],
    decoding: Decoding,
    end_tokens: set[int],
) -> list[list[int]]:
    from transformers import GenerationConfig

    width = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=model.device)
    # By position, not by id: where pad = eos an end token inside a prompt is no padding.
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=ids.device)
    sampling = (
        {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": decoding.top_k}
        if decoding.do_sample
        else {}
    )
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=decoding.do_sample,
        max_new_tokens=decoding.max_new_tokens,
        eos_token_id=sorted(end_tokens),
        pad_token_id=pad,
        **sampling,
    )
    with torch.inference_mode():
        output = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
    rows: list[list[int]] = output[:, width:].tolist()
    return rows


def _cut(row: list[int], tokenizer: Any, end_tokens: set[int], opening: str = "") -> Answer:
    """The generated tokens up to the first end token; what follows it is padding.

    `opening` is the tag with which the prompt has begun the policy's thinking, if it has.
    """
    end = next((i for i, token in enumerate(row) if token in end_tokens), None)
    kept = row if end is None else row[:end]
    thinking, text, _ = split_thinking(opening + _decoded(kept, tokenizer).strip())
    tokens = len(row) if end is None else end + 1
    # Counted anew: a token may hold the end of the one and the beginning of the other.
    thought = len(tokenizer.encode(thinking, add_special_tokens=False)) if thinking else 0
    return Answer(text, "length" if end is None else "stop", tokens, thinking, thought)


@lru_cache(maxsize=4)
def _marks(tokenizer: Any) -> dict[int, str]:
    """The tokens that mark thinking by themselves, which not all tokenizers have."""
    found = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in MARKS}
    # A mark that is none has the id of the unknown token, or none.
    known = {mark: token for mark, token in found.items() if token is not None}
    return {t: m for m, t in known.items() if tokenizer.convert_ids_to_tokens(t) == m}


def _decoded(row: list[int], tokenizer: Any) -> str:
    """The text of tokens without control tokens, but for those that mark thinking."""
    marks, texts, begin = _marks(tokenizer), [], 0
    for at, token in enumerate(row):
        if token in marks:
            texts += [tokenizer.decode(row[begin:at], skip_special_tokens=True), marks[token]]
            begin = at + 1
    return "".join([*texts, tokenizer.decode(row[begin:], skip_special_tokens=True)])
