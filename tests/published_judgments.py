"""Judgments as FastChat and arena-hard-auto publish them."""

import json
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def write(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def graded(question: int, turn: int, score: Any, model: str = "m", **other: Any) -> dict[str, Any]:
    """A row as FastChat's play_a_match_single writes it."""
    row = {"question_id": question, "model": model, "judge": ["gpt-4", "single-v1"]}
    row |= {"user_prompt": "[Instruction]…", "judgment": f"Fine. Rating: [[{score}]]"}
    return row | {"score": score, "turn": turn, "tstamp": 1.5} | other


def played(question: str, *scores: Any, model: str = "m", **other: Any) -> dict[str, Any]:
    """A row as arena-hard-auto at e883410 writes it."""
    games = [{"user_prompt": "…", "judgment": f"\n[[{s}]]", "score": s} for s in scores]
    row = {"question_id": question, "model": model, "judge": "gpt-4-1106-preview", "games": games}
    return row | other


def played_v2(uid: str, *scores: Any, model: str = "m", **other: Any) -> dict[str, Any]:
    """A row as arena-hard-auto writes it since 900183d; a game without a reply is null."""
    games = [s and {"score": s, "judgment": {"answer": f"[[{s}]]"}, "prompt": []} for s in scores]
    row = {"uid": uid, "category": "hard_prompt", "judge": "gpt-4.1", "model": model}
    return row | {"baseline": "o3-mini-2025-01-31", "games": games} | other
