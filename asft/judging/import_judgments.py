"""Published judgment files imported as verdicts, so that their scores can be rebuilt for free.

Reads   FastChat's {judge}_single.jsonl, or arena-hard-auto's model_judgment/{judge}/{model}.jsonl
        in its old schema (question_id, text judgments) or its new one (uid, judgments as objects)
Writes  <out>/{model}.jsonl   records.Verdict
        <out>/card.json       the files' hashes; per model: rows, duplicates, statuses

Rows of the same (question, turn or game) are resolved to the last valid one. Scores stand as
published: they are not parsed again from the judgments' text.

By hand: asft import fastchat gpt-4_single.jsonl --out verdicts
         asft import arena-hard gpt-4-1106-preview/*.jsonl --out verdicts
"""

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple, get_args

from asft.errors import UserError
from asft.files import file_sha256, read_json_rows, write_json, write_jsonl
from asft.records import Label, Verdict, VerdictStatus

API_ERROR = "$ERROR$"  # what both tools write in place of an answer
LABELS: dict[str, Label] = {label: label for label in get_args(Label)}
# Other spellings that the new arena-hard-auto accepts (show_result.py, label_to_score).
REVERSED: dict[str, Label] = {"A<B": "B>A", "A<<B": "B>>A", "B=A": "A=B", "B<A": "A>B"}
REVERSED |= {"B<<A": "A>>B"}


class Judgment(NamedTuple):
    """One verdict of a published file, with the model it is about and the judge it is by."""

    model: str
    judge: str
    verdict: Verdict


def import_fastchat(judgments: list[Path], out: Path) -> None:
    """Write the verdicts of FastChat's single-answer gradings, a file per model.

    A score of -1 is an API error where the judgment says so, else no verdict.

    Raises:
        UserError: a row lacks a key or is of a pairwise comparison, the rows are of several
            judges, or two models' names give the same file name.
    """
    rows = [found for path in judgments for found in _rows(path, "question_id")]
    found = [_fastchat(row, where) for where, row in rows]
    _write(found, judgments, out, {"format": "fastchat"}, Counter(j.model for j in found))


def import_arena_hard(judgments: list[Path], out: Path, baseline: str = "gpt-4-0314") -> None:
    """Write the verdicts of Arena-Hard's games; `baseline` is assistant A of game 1.

    A label that the file's own version of arena-hard-auto does not score is no verdict.

    Raises:
        UserError: as `import_fastchat`; or a row is of another baseline, or of the baseline itself.
    """
    rows = [found for path in judgments for found in _rows(path, "uid", "question_id")]
    found = [game for where, row in rows for game in _arena_hard(row, where, baseline)]
    counts = Counter(str(row["model"]) for _, row in rows)
    _write(found, judgments, out, {"format": "arena_hard", "baseline": baseline}, counts)


def _rows(path: Path, *identifiers: str) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a file with what to call them in an error; keys that all formats need exist."""
    rows = [(f"{path}, row {n}", row) for n, row in enumerate(read_json_rows(path), 1)]
    for where, row in rows:
        if "model_1" in row or "g1_winner" in row:
            raise UserError(f"{where}: a pairwise comparison; only single-answer gradings are read")
        if not any(key in row for key in identifiers):
            raise UserError(f"{where}: no key {identifiers[-1]!r}")
        for key in ("model", "judge"):
            if not row.get(key):
                raise UserError(f"{where}: no key {key!r}")
    return rows


def _fastchat(row: dict[str, Any], where: str) -> Judgment:
    for key in ("score", "turn"):
        if key not in row:
            raise UserError(f"{where}: no key {key!r}")
    score, turn, text = row["score"], row["turn"], _text(row.get("judgment"))
    if type(turn) is not int or turn < 1:
        raise UserError(f"{where}, key 'turn': expected 1 or 2, found {turn!r}")
    number = isinstance(score, int | float) and not isinstance(score, bool)
    ok = number and math.isfinite(score) and score != -1
    judge = row["judge"][0] if isinstance(row["judge"], list) else row["judge"]
    verdict = Verdict(
        question_id=str(row["question_id"]),
        turn=turn,
        status="ok" if ok else _failure(text),
        rating=float(score) if ok else None,
        judgments=[text] if text else [],
        model=str(judge),
        detail="" if ok else f"score {score!r} in the published file",
    )
    return Judgment(str(row["model"]), str(judge), verdict)


def _arena_hard(row: dict[str, Any], where: str, baseline: str) -> list[Judgment]:
    model, judge, games = str(row["model"]), str(row["judge"]), row.get("games")
    if model == baseline or row.get("baseline", baseline) != baseline:
        raise UserError(
            f"{where}: {model!r} against {row.get('baseline', baseline)!r}; expected another model"
            f" against {baseline!r} (--baseline)"
        )
    if not isinstance(games, list) or len(games) != 2:
        raise UserError(f"{where}, key 'games': expected a list of two")
    labels = LABELS | REVERSED if "uid" in row else LABELS
    found = []
    for number, game in enumerate(games, 1):
        if game is not None and not isinstance(game, dict):
            raise UserError(f"{where}, key 'games.{number - 1}': expected an object")
        score, text = (game or {}).get("score"), _text((game or {}).get("judgment"))
        label = labels.get(score) if isinstance(score, str) else None
        verdict = Verdict(
            question_id=str(row["uid"] if "uid" in row else row["question_id"]),
            game=1 if number == 1 else 2,
            status="ok" if label else _failure(text),
            label=label,
            judgments=[text] if text else [],
            model=judge,
            detail="" if label else f"score {score!r} in the published file",
        )
        found.append(Judgment(model, judge, verdict))
    return found


def _text(judgment: Any) -> str:
    """The judge's words; the new arena-hard-auto wraps them in an object."""
    if isinstance(judgment, dict):
        judgment = judgment.get("answer")
    text = judgment if isinstance(judgment, str) else ""
    return text.encode(errors="replace").decode()  # JSON can hold lone surrogates, UTF-8 cannot


def _failure(text: str) -> VerdictStatus:
    return "api_error" if API_ERROR in text or not text.strip() else "no_verdict"


def _last_valid(verdicts: list[Verdict]) -> list[Verdict]:
    """Return one verdict per (question, turn, game): the last ok one, or the last if none is."""
    kept: dict[tuple[str, int, int], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.question_id, verdict.turn, verdict.game)
        if verdict.status == "ok" or key not in kept or kept[key].status != "ok":
            kept[key] = verdict
    return list(kept.values())


def _write(
    found: list[Judgment],
    judgments: list[Path],
    out: Path,
    about: dict[str, Any],
    rows: Counter[str],
) -> None:
    if not found:
        raise UserError(f"{', '.join(map(str, judgments)) or out}: no judgments")
    judges = sorted({judgment.judge for judgment in found})
    if len(judges) > 1:
        raise UserError(f"{judgments[0]}: several judges ({', '.join(judges)}); import each alone")
    files = _file_names(sorted({judgment.model for judgment in found}))
    models = {}
    for model, name in files.items():
        given = [judgment.verdict for judgment in found if judgment.model == model]
        kept = _last_valid(given)
        write_jsonl(out / name, kept)
        models[model] = {
            "file": name,
            "rows": rows[model],
            "verdicts": len(kept),
            "duplicates": len(given) - len(kept),
            "statuses": dict(sorted(Counter(verdict.status for verdict in kept).items())),
        }
    sources = [{"file": path.name, "sha256": file_sha256(path)} for path in judgments]
    card = about | {"judge": judges[0], "rows": rows.total(), "sources": sources, "models": models}
    write_json(out / "card.json", card)


def _file_names(models: list[str]) -> dict[str, str]:
    """A file name per model: no separators, not hidden, no two alike on any file system."""
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for model in models:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", model).strip("._")[:150]
        if not stem:
            raise UserError(f"model {model!r}: no letter or digit to make a file name of")
        other = owners.setdefault(stem.lower(), model)
        if other != model:
            raise UserError(f"models {other!r} and {model!r} would share the file {stem}.jsonl")
        names[model] = f"{stem}.jsonl"
    return names
