"""The ways of a small local model to judge that `judge_candidates.py` compares."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from asft.config import Decoding
from asft.generation.answering import answer_share, shares
from asft.models import load_policy, load_tokenizer, resolve_precision
from asft.records import Message, Question

COMPARE = (
    "You compare two answers to the same question and say which of them serves the user better: is"
    " it true, does it do what the user asked, is it clear? Length and order do not count."
)
GRADE = (
    "You grade answers of an assistant. Grade 1: useless or wrong. Grade 10: correct, complete,"
    " clear."
)
CHECK = "You check answers of an assistant."
LETTER = "Which answer is better? Reply with one letter, A or B."
# Solved games that are shown before, either letter as often: a short true answer, a longer false
# one, one that does what is asked, one that does not.
EXAMPLES = [
    ("What is the capital of Australia?", "Sydney, which is its largest city.", "Canberra.", "B"),
    ("Give three fruits, in one line.", "Pears, plums, figs.", "Fruits are healthy.", "A"),
    ("How many legs has a spider?", "Eight.", "Spiders are insects, so they have six legs.", "A"),
    ("Thank Ann for the book.", "A book is a set of pages.", "Thank you for the book, Ann!", "B"),
]
WHY = "Compare them in one or two sentences: what is right in each, and what is wrong?"
REASON_TOKENS = 64  # of the written reasoning, at most


class Candidate:
    """A model and its ways to judge: each gives two lists of natural log-probabilities."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = load_tokenizer(folder)
        self._model = load_policy(folder, resolve_precision("auto")).eval()
        self._seen: list[int] = []  # tokens whose keys and values are kept
        self._kept = DynamicCache()
        self._reasons: dict[str, str] = {}  # by what was asked

    def letter(self, question: str, first: str, second: str) -> list[list[float]]:
        """Of the letters A and B, in both orders of the answers."""
        return [
            self._next(COMPARE, _game(question, a, b, LETTER), ["A", "B"])
            for a, b in ((first, second), (second, first))
        ]

    def few_shot(self, question: str, first: str, second: str) -> list[list[float]]:
        """The same, behind solved examples as turns before."""
        before = [turn for *game, letter in EXAMPLES for turn in (_game(*game, LETTER), letter)]
        return [
            self._next(COMPARE, _game(question, a, b, LETTER), ["A", "B"], before)
            for a, b in ((first, second), (second, first))
        ]

    def reasoned(self, question: str, first: str, second: str) -> list[list[float]]:
        """The same, behind a short reasoning that the model wrote before (`reason`)."""
        found = []
        for a, b in ((first, second), (second, first)):
            asked = _game(question, a, b, WHY)
            before = [asked, self._reasons[asked]]
            found.append(self._next(COMPARE, LETTER, ["A", "B"], before))
        return found

    def reason(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write reasonings for games in both orders, greedily, many at once."""
        asked = [
            _game(row["question"], row[a], row[b], WHY)
            for row in rows
            for a, b in (("first", "second"), ("second", "first"))
        ]
        system = [Message(role="system", content=COMPARE)]
        questions = [
            Question(question_id=str(n), turns=[text], context=system)
            for n, text in enumerate(asked)
        ]
        greedy = Decoding(do_sample=False, max_new_tokens=REASON_TOKENS)
        ends = {self._tokenizer.eos_token_id}
        for share in shares(questions, self._tokenizer, 16):
            decodings = [greedy] * len(share)
            for said in answer_share(
                self._model, self._tokenizer, share, decodings, ends, seed=0, batch_size=16
            ):
                self._reasons[asked[int(said.question_id)]] = said.turns[0].strip()

    def rating(self, question: str, first: str, second: str) -> list[list[float]]:
        """Of the digits 1 to 9 as a grade, of each answer alone."""
        ask = "Grade this answer from 1 to 9 with one digit."
        digits = [str(n) for n in range(1, 10)]
        shown = (f"Question:\n{question}\n\nAnswer:\n{x}\n\n{ask}" for x in (first, second))
        return [self._next(GRADE, text, digits) for text in shown]

    def yes(self, question: str, first: str, second: str) -> list[list[float]]:
        """Of Yes and No, of each answer alone."""
        ask = "Is this a correct and helpful answer to the question? Reply Yes or No."
        shown = (f"Question:\n{question}\n\nAnswer:\n{x}\n\n{ask}" for x in (first, second))
        return [self._next(CHECK, text, ["Yes", "No"]) for text in shown]

    def likelihood(self, question: str, first: str, second: str) -> list[list[float]]:
        """Of each answer by a token, behind the question and behind none, [given, alone]."""
        return [
            [self._mean(asked, answer) for asked in (question, "Write something.")]
            for answer in (first, second)
        ]

    def _text(self, user: str, system: str = "", before: Sequence[str] = ()) -> list[int]:
        """A prompt's tokens; `before` are the turns before it, the user's and the answer to it."""
        messages = [{"role": "system", "content": system}] if system else []
        for role, said in zip(cycle(("user", "assistant")), [*before, user]):
            messages.append({"role": role, "content": said})
        text = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _logps(self, ids: list[int], count: int) -> Tensor:
        """(count, vocabulary): of what follows the last `count` tokens.

        What these tokens begin with as the last ones did is not computed again.
        """
        both = zip(ids[: len(ids) - count], self._seen, strict=False)
        known = next((n for n, (new, old) in enumerate(both) if new != old), None)
        known = min(len(ids) - count, len(self._seen)) if known is None else known
        if known < len(self._seen):
            self._kept.crop(known - len(self._seen))
        with torch.inference_mode():
            found = self._model(
                torch.tensor([ids[known:]]), past_key_values=self._kept, logits_to_keep=count
            )
        self._seen = ids
        return found.logits[0].float().log_softmax(-1)

    def _next(
        self, system: str, user: str, words: list[str], before: Sequence[str] = ()
    ) -> list[float]:
        logps = self._logps(self._text(user, system, before), 1)[0]
        return [float(logps[self._tokenizer.encode(w, add_special_tokens=False)[0]]) for w in words]

    def _mean(self, question: str, answer: str) -> float:
        ending = self._tokenizer.encode(answer, add_special_tokens=False)
        ending = ending or [self._tokenizer.eos_token_id]
        logps = self._logps(self._text(question) + ending, len(ending) + 1)[:-1]
        return float(logps.gather(-1, torch.tensor(ending)[:, None]).mean())


def _game(question: str, a: str, b: str, asked: str) -> str:
    return f"Question:\n{question}\n\nAnswer A:\n{a}\n\nAnswer B:\n{b}\n\n{asked}"
