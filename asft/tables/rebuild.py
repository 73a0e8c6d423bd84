"""Scores and a table rebuilt from published judgments, with our intervals, without asking a judge.

Reads   what `import_judgments` wrote; published answers, one file a model, for lengths and
        style; the benchmark's questions in the upstream format, for categories and so that a
        question that nobody judged is missed. Without them: the questions that the judgments name
Writes  <out>/completions/{model}.jsonl     records.Completion, of the models in the answers
        <out>/scores/{model}.csv            as asft.metrics.score_verdicts writes
        <out>/table.csv, .md, .tex, .differences.csv   as asft.tables.table2 writes

By hand: asft import arena-hard JUDGMENTS… --answers model_answer --out D
"""

from pathlib import Path
from typing import Any

from asft.config import Statistics
from asft.data import BENCHMARK_FORMATS, Unusable, load_baseline, load_completions
from asft.errors import UserError
from asft.files import read_json, read_json_rows, read_jsonl, write_jsonl
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
) -> None:
    """Score every model imported into `out` and tabulate them.

    Args:
        questions: None: those that a judgment of any of the models names, without categories.
        answers: a file or a folder of published answers. Those of the Arena-Hard baseline serve
            the length and style control; models without answers are scored without.

    Raises:
        UserError: a judgment belongs to none of the questions, or an answer is missing or unusable.
    """
    card = read_json(out / "card.json")
    asked = out / "questions.jsonl"
    judged = [out / about["file"] for about in card["models"].values()]
    write_jsonl(asked, _questions(questions, protocol) if questions else _named_by(judged))
    files = _answer_files(answers) if answers else {}
    baseline = None
    if card.get("baseline") in files:
        baseline = out / "baseline.jsonl"
        path = files[card["baseline"]]
        write_jsonl(baseline, load_baseline(read_json_rows(path), f"{path}").values())
    jobs: list[ScoreFile] = []
    for model, about in card["models"].items():
        scores = out / "scores" / Path(about["file"]).with_suffix(".csv")
        completions = None
        if model in files:
            completions = out / "completions" / about["file"]
            path = files[model]
            write_jsonl(completions, load_completions(read_json_rows(path), f"{path}").values())
        aggregate_verdicts(out / about["file"], asked, completions, protocol, scores, baseline)
        jobs.append(ScoreFile(model, 0, protocol, card["judge"], scores))
    note = "Rebuilt from published judgments; the models are those that the files name."
    if not questions:
        note += " So are the questions: one that no model was judged on is not missed."
    tabulate_table2(
        *(jobs, "Published judgments", note, statistics, out / "table.csv"),
        min_coverage=min_coverage,
        with_paper=False,
    )


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


def _named_by(paths: list[Path]) -> list[Question]:
    """The questions that verdicts are about, in order of first mention; their texts are unknown."""
    turns: dict[str, int] = {}
    for path in paths:
        for verdict in read_jsonl(path, Verdict):
            turns[verdict.question_id] = max(turns.get(verdict.question_id, 0), verdict.turn)
    return [Question(question_id=name, turns=[""] * count) for name, count in turns.items()]


def _answer_files(answers: Path) -> dict[str, Path]:
    """The file of each model's answers, by the name that its rows give."""
    paths = sorted(answers.glob("*.jsonl")) if answers.is_dir() else [answers]
    if not paths:
        raise UserError(f"{answers}: no *.jsonl in this folder")
    files: dict[str, Path] = {}
    for path in paths:
        rows: list[dict[str, Any]] = read_json_rows(path)
        names = {str(row.get("model_id") or row.get("model") or "") for row in rows}
        if len(names) != 1 or "" in names:
            raise UserError(f"{path}: expected one model's answers, found {sorted(names)}")
        name = names.pop()
        if name in files:
            raise UserError(f"{path}: {name} has answers in {files[name]} too; keep one")
        files[name] = path
    return files
