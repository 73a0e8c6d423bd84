"""Tokens are counted where data are prepared, else estimated from local rows, else unknown."""

import json

import numpy as np

from asft.config import Dataset
from asft.data.tokens import TokenPair, write_tokens
from asft.planning.arithmetic import PairTokens
from asft.planning.pair_counts import count_tokens, estimate_tokens


def pair(prompt, chosen, rejected):
    ids = (np.arange(n, dtype=np.int32) for n in (prompt, chosen, rejected))
    return TokenPair(f"{prompt}", *ids)


def test_prepared_tokens_are_counted(tmp_path):
    """Trained: 1 + 2 + 3 and 4 + 5 + 6 tokens, without the rejected 3 and 9; held out 24."""
    write_tokens(
        tmp_path, ["train", "heldout", "train"], [pair(1, 2, 3), pair(7, 8, 9), pair(4, 5, 6)]
    )
    found = count_tokens(tmp_path)
    assert found[:5] == (2, 1, 21, 12, 24)
    assert 14 < found.longest <= 15
    assert found.counted


def test_rows_here_are_estimated_from_their_characters(tmp_path):
    """3.6 characters a token, five more a message: 10 + 5, 20 + 5 and 5 + 5, cut at 30 in all."""
    texts = {"prompt": "p" * 36, "chosen": "c" * 72, "rejected": "r" * 18}
    row = {
        name: [{"role": "user" if name == "prompt" else "assistant", "content": text}]
        for name, text in texts.items()
    }
    lines = [json.dumps(row | {"n": n}) for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    settings = {"format": "trl", "sources": [{"local": str(tmp_path / "rows.jsonl")}], "heldout": 1}
    found = estimate_tokens(Dataset.model_validate(settings), "toy", 30)
    assert found == PairTokens(2, 1, 2 * (15 + 15 + 10), 2 * 30, 40, 40, counted=False)


def test_rows_elsewhere_are_unknown():
    url = {"format": "trl", "sources": [{"url": "https://x.invalid/a.jsonl", "sha256": "0" * 64}]}
    assert estimate_tokens(Dataset.model_validate(url), "toy", 30) is None
