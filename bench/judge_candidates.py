"""Ways for a small local model to judge, against published verdicts and controls.

Each way is tried on published pairs of answers (both orders where it compares), and on answers to
the default's Arena-Hard questions against its baseline: those of policies, and of the controls
that are worth nothing. Raw log-probabilities go to OUT/{model}.jsonl, so that a run that is broken
off goes on; OUT/candidates.csv has a row for each model and way.
By hand: python bench/judge_candidates.py MODEL_FOLDER... --pairs pairs.jsonl --arena arena.jsonl
  --out FOLDER [--ways letter few_shot reasoned rating yes likelihood] [--limit 60]
Without --ways all of them are tried. A taste for a place, the same in all games of a way, is taken
away by its mean over both orders and by its median: columns that begin with games, consistency.
pairs.jsonl: rows id, question, first, second, prefers_second (0 or 1); arena.jsonl: the same
without the last, whose id is CONTESTANT:QUESTION and whose second answer is the baseline's.
"""

import argparse
import csv
import json
import math
import statistics
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from asft.config import Decoding
from asft.files import read_json_rows
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


def _expected(logps: list[float]) -> float:
    shares = torch.tensor(logps).softmax(-1)
    return float((shares * torch.arange(1, len(logps) + 1)).sum())


# From a way's log-probabilities to how far the second answer is preferred, in both orders.
Both = tuple[float, float]
MARGINS: dict[str, Callable[[list[list[float]]], Both]] = {
    **dict.fromkeys(
        ("letter", "few_shot", "reasoned"), lambda v: (v[0][1] - v[0][0], v[1][0] - v[1][1])
    ),
    "rating": lambda v: (_expected(v[1]) - _expected(v[0]),) * 2,
    "yes": lambda v: ((v[1][0] - v[1][1]) - (v[0][0] - v[0][1]),) * 2,
    "likelihood": lambda v: (v[1][0] - v[0][0],) * 2,
    "likelihood_gain": lambda v: ((v[1][0] - v[1][1]) - (v[0][0] - v[0][1]),) * 2,
}

WAYS = [name for name in MARGINS if name != "likelihood_gain"]


def judged(candidate: Candidate, rows: list[dict[str, Any]], ways: list[str], out: Path) -> None:
    """Add what is missing to the raw file, a row at once."""
    known = {(row["id"], row["way"]) for row in (read_json_rows(out) if out.exists() else [])}
    with out.open("a", encoding="utf-8") as file:
        for way in ways:
            missing = [row for row in rows if (row["id"], way) not in known]
            if way == "reasoned":
                candidate.reason(missing)
            for row in missing:
                found = getattr(candidate, way)(row["question"], row["first"], row["second"])
                file.write(json.dumps({"id": row["id"], "way": way, "logps": found}) + "\n")
                file.flush()


def _without_taste(pairs: Sequence[tuple[float, float, int]]) -> dict[str, float]:
    """Agreement game by game and consistency, with a taste for a place taken away, or not."""
    tastes = {"": 0.0}
    for name, average in (("mean", statistics.fmean), ("median", statistics.median)):
        tastes[f"_{name}"] = average(x for a, b, _ in pairs for x in (a, -b))
    found = {}
    for name, taste in tastes.items():
        sides = [(a > taste, b > -taste, bool(second)) for a, b, second in pairs]
        right = statistics.fmean((x == s) / 2 + (y == s) / 2 for x, y, s in sides)
        found[f"games{name}"] = round(right, 3)
        found[f"consistency{name}"] = round(statistics.fmean(x == y for x, y, _ in sides), 3)
    return found


def summary(raw: list[dict[str, Any]], truth: dict[str, int], name: str) -> dict[str, Any]:
    """A way's row: agreement and AUC on published pairs, then each contestant's mean share."""
    way = "likelihood" if name == "likelihood_gain" else name
    margins = {r["id"]: MARGINS[name](r["logps"]) for r in raw if r["way"] == way}
    pairs = [(*margins[key], second) for key, second in truth.items() if key in margins]
    found: dict[str, Any] = {"way": name, "pairs": len(pairs)}
    if pairs:
        right = statistics.fmean((a + b > 0) == bool(second) for a, b, second in pairs)
        won = [(a + b, c + d) for a, b, s in pairs if s for c, d, t in pairs if not t]
        found["agreement"] = round(right, 3)
        found["plus_minus"] = round(1.96 * math.sqrt(right * (1 - right) / len(pairs)), 3)
        found["auc"] = round(statistics.fmean((x > y) + 0.5 * (x == y) for x, y in won), 3)
        found |= _without_taste(pairs)
    shares: dict[str, list[float]] = {}
    for key, (a, b) in margins.items():
        if ":" in key:  # the contestant's answer is the first one
            shares.setdefault(key.split(":")[0], []).extend(
                1 / (1 + math.exp(min(50.0, max(-50.0, x)))) for x in (a, b)
            )
    return found | {f"share_{k}": round(statistics.fmean(v), 3) for k, v in shares.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--arena", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--limit", type=int)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    asked = read_json_rows(chosen.pairs)[: chosen.limit]
    arena = read_json_rows(chosen.arena) if chosen.arena else []
    table = []
    for folder in chosen.models:
        path = chosen.out / f"{folder.name}.jsonl"
        judged(Candidate(folder), asked + arena, chosen.ways, path)
        truth = {row["id"]: row["prefers_second"] for row in asked}
        raw = read_json_rows(path)
        names = [n for n in MARGINS if n.removesuffix("_gain") in chosen.ways]
        table += [{"model": folder.name} | summary(raw, truth, name) for name in names]
    columns = list(dict.fromkeys(key for row in table for key in row))
    with (chosen.out / "candidates.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
