"""Scores and a table rebuilt from published judgments, with our intervals, without asking a judge.

Reads   what `import_judgments` wrote; published answers, one file a model, for lengths and
        style; the benchmark's questions in the upstream format, for categories and so that a
        question that nobody judged is missed. Without them: the questions that the judgments name
Writes  <out>/completions/{model}.jsonl     records.Completion, of the models in the answers
        <out>/scores/{model}.csv            as asft.metrics.score_verdicts writes; of Arena-Hard
                                            v2.0 <out>/scores/{category}/{model}.csv
        <out>/table.csv, .md, .tex, .differences.csv   as asft.tables.table2 writes

By hand: asft import arena-hard JUDGMENTS… --answers model_answer --out D
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from asft.config import Statistics
from asft.data import BENCHMARK_FORMATS, Unusable, load_baseline, load_completions
from asft.errors import UserError
from asft.files import read_json, read_json_rows, read_jsonl, write_json, write_jsonl
from asft.metrics import aggregate_verdicts
from asft.records import Question, Verdict
from asft.tables.table2 import ScoreFile, tabulate_table2


def rebuild_scores(
    out: Path,
    protocol: str,
    questions: Path | None,
    answers: Path | None,
    statistics: Statistics,
    min_coverage: float = 0.95,
    decisive_weight: int = 3,
) -> None:
    """Score every model imported into `out` and tabulate them.

    Args:
        questions: None: those that a judgment of any of the models names, without categories.
        answers: a file or a folder of published answers, a model's file named after it or naming
            it in its rows. Those of the Arena-Hard baseline serve the length and style control;
            models without answers are scored without.

    Raises:
        UserError: a judgment belongs to none of the questions, or an answer is missing or unusable.
    """
    card = read_json(out / "card.json")
    files = _answer_files(answers, _contestants(card)) if answers else {}
    for model, about in card["models"].items():
        if model in files:
            rows = read_json_rows(files[model])
            found = load_completions(rows, f"{files[model]}")
            write_jsonl(out / "completions" / about["file"], found.values())
            repeated = len(rows) - len(found)
            about["answers"] = {"file": files[model].name, "rows": len(rows), "repeated": repeated}
    write_json(out / "card.json", card)
    jobs: list[ScoreFile] = []
    for category, baseline in _baselines(card):
        scored_by = f"{protocol}_v2" if category else protocol
        verdicts = {m: out / category / about["file"] for m, about in card["models"].items()}
        asked = _write_questions(out / category, protocol, questions, category, verdicts.values())
        opponent = _write_baseline(out / category, files.get(baseline))
        for model, about in card["models"].items():
            scores = out / "scores" / category / Path(about["file"]).with_suffix(".csv")
            completions = out / "completions" / about["file"] if model in files else None
            aggregate_verdicts(
                *(verdicts[model], asked, completions, scored_by, scores, opponent),
                decisive_weight=decisive_weight,
                token_lengths=bool(category),
            )
            name = f"{scored_by}_{category}" if category else scored_by
            jobs.append(ScoreFile(model, 0, name, card["judge"], scores))
    note = " ".join(_notes(card, questions, answers))
    tabulate_table2(
        *(jobs, "Published judgments", note, statistics, out / "table.csv"),
        min_coverage=min_coverage,
        with_paper=False,
    )


def _notes(card: dict[str, Any], questions: Path | None, answers: Path | None) -> Iterator[str]:
    yield "Rebuilt from published judgments; the models are those that the files name."
    if not questions:
        yield "So are the questions: one that no model was judged on is not missed."
    games = [f"{category} against {name}" for category, name in _baselines(card) if category]
    if games:
        yield f"Games: {', '.join(games)}."
    if itself := card.get("baseline_itself"):
        yield f"Left out: {itself} rows of a baseline against itself."
    known = {name: about["answers"] for name, about in card["models"].items() if "answers" in about}
    unknown = [name for name in card["models"] if name not in known]
    if answers and unknown:
        yield f"Without answers: {', '.join(unknown)}."
    repeated = [f"{name} {about['repeated']}" for name, about in known.items() if about["repeated"]]
    if repeated:
        yield f"Repeated answers, of which the last valid one is taken: {', '.join(repeated)}."


def _contestants(card: dict[str, Any]) -> list[str]:
    return [*card["models"], *(name for _, name in _baselines(card) if name)]


def _baselines(card: dict[str, Any]) -> list[tuple[str, str]]:
    """Each category with its baseline; ratings have neither."""
    return list(card.get("baselines", {"": ""}).items())


def _write_questions(
    folder: Path, protocol: str, given: Path | None, category: str, verdicts: Iterable[Path]
) -> Path:
    """Write the questions of a category ("": all), as given or as the verdicts name them."""
    path = folder / "questions.jsonl"
    if given is None:
        write_jsonl(path, _named_by(verdicts))
        return path
    asked = [q for q in _questions(given, protocol) if category in ("", q.category)]
    if not asked:
        raise UserError(f"{given}: no questions of category {category!r}, which was judged")
    write_jsonl(path, asked)
    return path


def _write_baseline(folder: Path, answers: Path | None) -> Path | None:
    if answers is None:
        return None
    path = folder / "baseline.jsonl"
    write_jsonl(path, load_baseline(read_json_rows(answers), f"{answers}", last=True).values())
    return path


def _questions(path: Path, protocol: str) -> list[Question]:
    found = []
    for number, row in enumerate(read_json_rows(path), 1):
        try:
            found.append(BENCHMARK_FORMATS[protocol](row))
        except Unusable as fault:
            raise UserError(
                f"{path}, row {number}: no question of {protocol} ({fault.reason})"
            ) from fault
    return found


def _named_by(paths: Iterable[Path]) -> list[Question]:
    """The questions that verdicts are about, in order of first mention; their texts are unknown."""
    turns: dict[str, int] = {}
    for path in paths:
        for verdict in read_jsonl(path, Verdict):
            turns[verdict.question_id] = max(turns.get(verdict.question_id, 0), verdict.turn)
    return [Question(question_id=name, turns=[""] * count) for name, count in turns.items()]


def _answer_files(answers: Path, models: list[str]) -> dict[str, Path]:
    """The file of each model's answers: named after it, as upstream finds it, or naming it."""
    paths = sorted(answers.glob("*.jsonl")) if answers.is_dir() else [answers]
    if not paths:
        raise UserError(f"{answers}: no *.jsonl in this folder")
    named, naming = {path.stem: path for path in paths}, defaultdict[str, list[Path]](list)
    for path in paths:
        rows: list[dict[str, Any]] = read_json_rows(path)
        names = {str(row.get("model_id") or row.get("model") or "") for row in rows}
        if len(names) != 1 or "" in names:
            raise UserError(f"{path}: expected one model's answers, found {sorted(names)}")
        naming[names.pop()].append(path)
    files = {}
    for model in models:
        found = [named[model]] if model in named else naming[model]
        if len(found) > 1:
            raise UserError(f"{found[1]}: {model} has answers in {found[0]} too; keep one")
        if found:
            files[model] = found[0]
    return files
