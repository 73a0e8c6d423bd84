"""A reward head on a frozen model as judge, against published verdicts.

Trains a linear head (Bradley and Terry: logistic regression of the difference) on the model's last
hidden state at the end of each answer, with preference pairs that no policy to be judged has seen,
and prints its agreement on published pairs of answers, and its reward of the arena's contestants.
By hand: python bench/reward_head.py MODEL_FOLDER... --train hh_rlhf asft/demo/hh_rlhf.jsonl
  --pairs pairs.jsonl [--arena arena.jsonl] [--limit 60]
--train (again for more) has a data set's format and file; the others are judge_candidates.py's. The
head's strength is chosen by five folds of the training pairs.
"""

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV

from asft.data import FORMATS
from asft.files import read_json_rows
from asft.models import load_policy, load_tokenizer, resolve_precision

STRENGTHS = [10.0**x for x in range(-6, 1)]


class Reader:
    """A frozen model that gives what it holds at the end of a conversation."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = load_tokenizer(folder)
        self._model = load_policy(folder, resolve_precision("auto")).eval()

    def state(self, messages: list[dict[str, str]]) -> np.ndarray:
        """(hidden size,): the state behind the last token."""
        text = self._tokenizer.apply_chat_template(messages, tokenize=False)
        ids = self._tokenizer.encode(text.rstrip(), add_special_tokens=False)
        with torch.inference_mode():
            found = self._model.model(torch.tensor([ids]), use_cache=False).last_hidden_state
        return found[0, -1].float().numpy()

    def difference(self, asked: list[dict[str, str]], better: str, worse: str) -> np.ndarray:
        """Of the states behind two answers to the same conversation."""
        return self.state([*asked, _said(better)]) - self.state([*asked, _said(worse)])

    def differences(self, rows: list[dict[str, Any]], better: str, worse: str) -> np.ndarray:
        """(rows, hidden size): of two answers to each question."""
        asked = [[{"role": "user", "content": row["question"]}] for row in rows]
        found = [
            self.difference(talk, row[better], row[worse])
            for talk, row in zip(asked, rows, strict=True)
        ]
        return np.stack(found)


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def trained(features: np.ndarray) -> LogisticRegressionCV:
    """A head by which chosen answers lie above rejected ones."""
    # Every other pair the other way round: the classifier wants both classes, a place says nothing.
    signs = np.where(np.arange(len(features)) % 2 == 0, 1, -1)
    head = LogisticRegressionCV(Cs=STRENGTHS, cv=5, fit_intercept=False, max_iter=2000)
    return head.fit(features * signs[:, None], signs)


def main(args: argparse.Namespace) -> None:
    """Print two lines for each model."""
    train = [FORMATS[kind](row) for kind, path in args.train for row in read_json_rows(Path(path))]
    pairs = read_json_rows(args.pairs)[: args.limit]
    arena = read_json_rows(args.arena) if args.arena else []
    second = np.array([bool(row["prefers_second"]) for row in pairs])
    for folder in args.models:
        reader = Reader(folder)
        shown = [
            reader.difference(p.prompt, p.chosen[0]["content"], p.rejected[0]["content"])
            for p in train
        ]
        head = trained(np.stack(shown)).coef_[0]
        given = reader.differences(pairs, "second", "first") @ head
        right = float(np.mean((given > 0) == second))
        error = 1.96 * math.sqrt(right * (1 - right) / len(pairs))
        won = [(x > y) + 0.5 * (x == y) for x in given[second] for y in given[~second]]
        print(f"{folder.name}: agrees {right:.3f} +- {error:.3f}, AUC {statistics.fmean(won):.3f}")
        shares: dict[str, list[float]] = {}
        margins = reader.differences(arena, "first", "second") @ head if arena else []
        for row, margin in zip(arena, margins, strict=True):
            shares.setdefault(row["id"].split(":")[0], []).append(1 / (1 + math.exp(-margin)))
        print({name: round(statistics.fmean(found), 3) for name, found in shares.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument(
        "--train", nargs=2, action="append", required=True, metavar=("FORMAT", "FILE")
    )
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--arena", type=Path)
    parser.add_argument("--limit", type=int)
    main(parser.parse_args())
