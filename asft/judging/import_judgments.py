"""Published judgment files imported as verdicts, so that their scores can be rebuilt for free.

Reads   FastChat's {judge}_single.jsonl, or arena-hard-auto's model_judgment/{judge}/{model}.jsonl
        in its old schema (question_id, text judgments) or its new one (uid, judgments as objects)
Writes  <out>/{model}.jsonl   records.Verdict; of Arena-Hard v2.0 <out>/{category}/{model}.jsonl
        <out>/card.json       the files' hashes; per model: rows, duplicates, statuses; of games
                              the baseline by category ("": v0.1), of gradings those outside
                              1 to 10, which count as upstream counts them

Rows of the same (question, turn or game) are resolved to the last valid one.

By hand: asft import fastchat gpt-4_single.jsonl --out verdicts
         asft import arena-hard gpt-4-1106-preview/*.jsonl --out verdicts
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from asft.errors import UserError
from asft.files import file_sha256, read_json_rows, write_json, write_jsonl
from asft.judging.published_rows import Judgment, read_games, read_grading
from asft.records import Verdict

V01_BASELINE = "gpt-4-0314"  # of rows that name none


def import_fastchat(judgments: list[Path], out: Path) -> None:
    """Write the verdicts of FastChat's single-answer gradings, a file per model.

    A score of -1 is an API error where the judgment says so, else no verdict.

    Raises:
        UserError: a row lacks a key or is of a pairwise comparison, the rows are of several
            judges, or two models' names give the same file name.
    """
    rows = [found for path in judgments for found in _rows(path, "question_id")]
    found = [read_grading(row, where) for where, row in rows]
    _write(found, judgments, out, {"format": "fastchat"}, Counter(j.model for j in found))


def import_arena_hard(judgments: list[Path], out: Path, baseline: str | None = None) -> None:
    """Write the verdicts of Arena-Hard's games, a file per model.

    The baseline, assistant A of game 1, is what the rows name, gpt-4-0314 if they name none; those
    of v2.0 name one in each category. Given `baseline`, another is refused. Rows of a baseline
    against itself are left out and counted: a folder may hold them.

    Raises:
        UserError: as `import_fastchat`; or a row is of another baseline than others of its
            category, or all are of the baseline itself.
    """
    rows = [found for path in judgments for found in _rows(path, "uid", "question_id")]
    baselines: dict[str, str] = {}
    found: list[Judgment] = []
    counts: Counter[str] = Counter()
    for where, row in rows:
        games = read_games(row, where)
        if games[0].model != _baseline(games[0], where, baseline, baselines):
            found += games
            counts[games[0].model] += 1
    itself = len(rows) - counts.total()
    if rows and not found:
        raise UserError(f"{rows[0][0]}: this and all others are of a baseline against itself")
    about = {"format": "arena_hard", "baselines": baselines, "baseline_itself": itself}
    _write(found, judgments, out, about, counts)


def _baseline(game: Judgment, where: str, given: str | None, baselines: dict[str, str]) -> str:
    """Whom a game is against; entered as the baseline of its category."""
    category = game.verdict.category
    against = game.baseline or given or V01_BASELINE
    expected = given or baselines.get(category, against)
    if against != expected:
        why = "--baseline" if given else f"as in the rows before{category and ' of ' + category}"
        raise UserError(
            f"{where}: {game.model!r} against {against!r}; expected another model"
            f" against {expected!r} ({why})"
        )
    return baselines.setdefault(category, expected)


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
    files = file_names(sorted({judgment.model for judgment in found}))
    categories = sorted({judgment.verdict.category for judgment in found})
    models = {}
    for model, name in files.items():
        given = [judgment.verdict for judgment in found if judgment.model == model]
        kept = _last_valid(given)
        for category in categories:
            verdicts = [verdict for verdict in kept if verdict.category == category]
            write_jsonl(out / category / name, verdicts)
        models[model] = {
            "file": name,
            "rows": rows[model],
            "verdicts": len(kept),
            "duplicates": len(given) - len(kept),
            **_ratings(kept),
            "statuses": dict(sorted(Counter(verdict.status for verdict in kept).items())),
        }
    sources = [{"file": path.name, "sha256": file_sha256(path)} for path in judgments]
    card = about | {"judge": judges[0], "rows": rows.total(), "sources": sources, "models": models}
    write_json(out / "card.json", card)


def _ratings(verdicts: list[Verdict]) -> dict[str, int]:
    ratings = [verdict.rating for verdict in verdicts if verdict.rating is not None]
    outside = sum(not 1 <= rating <= 10 for rating in ratings)
    return {"out_of_range": outside} if ratings else {}


def file_names(models: list[str]) -> dict[str, str]:
    """Return a file name per model: no separators, not hidden, no two alike on any file system.

    Raises:
        UserError: a name has no letter or digit, or two models would share a file.
    """
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
