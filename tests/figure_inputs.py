"""Files that the figures are drawn from, small and made up."""

import json
from pathlib import Path

import numpy as np

from asft.config.experiment import Statistics
from asft.figures.case_study import Contestant
from asft.figures.histories import HistoryFile
from asft.figures.marks import About
from asft.files import write_jsonl
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.records import Completion, Question, Verdict
from asft.tables.table2 import ScoreFile, tabulate_table2

ABOUT = About("tiny", "A note.", ("dpo", "asft"))
SETTINGS = Statistics()
HEADER = (
    "step,split,loss,learning_rate,grad_norm,logp_chosen,logp_rejected,margin,"
    "logp_chosen_sum,logp_rejected_sum,margin_sum,accuracy,pairs,tokens,completion_tokens"
)


def history(
    path: Path, *, steps: int = 4, shift: float = 0.0, rejected: bool = True, heldout: bool = True
) -> Path:
    """A history.csv as asft.training.history writes it; without `rejected` as SFT's."""
    lines = [HEADER]
    if heldout:
        lines.append(f"0,heldout,2,,,-2,-2.5,{0.5 + shift},-20,-25,{5 + shift},0.5,8,900,800")
    for step in range(1, steps + 1):
        loss = 3 / step + shift
        if rejected:
            lines.append(f"{step},train,{loss},1e-5,1.5,-2,-2.5,0.5,-20,-25,5,0.75,4,450,400")
        else:
            lines.append(f"{step},train,{loss},1e-5,1.5,-2,,,-20,,,,4,250,200")
    if heldout:
        end = f"{steps},heldout,1,,,-1,-2,{1 + shift},-10,-20,{10 + shift},1,8,900,800"
        lines.append(end)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def histories(tmp_path: Path, seeds: tuple[int, ...] = (1,), **more: int) -> list[HistoryFile]:
    return [
        HistoryFile(method, seed, history(tmp_path / method / f"{seed}.csv", shift=seed, **more))
        for method in ("asft", "orpo")
        for seed in seeds
    ]


ARMS = {
    "dpo_online": (0.4, 0.0, 5_000_000_000),
    "dpo_cached": (0.3, 0.1, 4_000_000_000),
    "asft": (0.3, 0.0, 4_000_000_000),
}


def measurements(folder: Path, repeats: int = 3, **changes: object) -> list[Path]:
    paths = []
    for arm, (seconds, reference, memory) in ARMS.items():
        for repeat in range(1, repeats + 1):
            path = folder / arm / f"repeat{repeat}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = {
                "arm": arm,
                "repeat": repeat,
                "steps": 8,
                "pairs": 32,
                "seconds_per_pair": seconds * (1 + 0.1 * (repeat - 2)),
                "reference_seconds_per_pair": reference,
                "tokens_per_second": 500.0,
                "peak_memory_bytes": memory,
                "peak_memory_is": "peak resident set of the whole process",
                "parameters": 100_000_000,
                "precision": "float32",
                "device": "cpu",
                "threads": 2,
            }
            path.write_text(json.dumps(content | changes))
            paths.append(path)
    return paths


QUESTIONS = [Question(question_id=f"q{n}", category="math", turns=["a?", "b?"]) for n in range(4)]


def contestant(*rated: float | None, words: str = "", answer: str = "Yes.") -> Contestant:
    """One rating per question's first turn, None for a failed one; the second turn is always 9."""
    verdicts = []
    for question, rating in zip(QUESTIONS, rated, strict=True):
        about = {"question_id": question.question_id, "model": "gpt"}
        status = "ok" if rating is not None else "api_error"
        verdicts.append(Verdict(status=status, rating=rating, judgments=[words], **about))
        verdicts.append(Verdict(status="ok", rating=9.0, turn=2, **about))
    completions = [
        Completion(question_id=q.question_id, turns=[answer, "b"], finish_reasons=[], tokens=[])
        for q in QUESTIONS
    ]
    return Contestant(42, completions, verdicts)


def score_files(folder: Path) -> tuple[Path, list[ScoreFile]]:
    """table2.csv and score files: 3 methods, 2 seeds; asft's ratings failed in most places."""
    rated = [
        Question(question_id=f"q{n}", category="math" if n < 6 else "stem", turns=["a?", "b?"])
        for n in range(8)
    ]
    played = [Question(question_id=f"p{n}", turns=["?"]) for n in range(8)]
    files = []
    for level, method in enumerate(("base", "dpo", "asft")):
        for seed in (1,) if method == "base" else (1, 2):
            for questions, protocol in ((rated, "mt_bench"), (played, "arena_hard")):
                out = folder / f"{method}{seed}{protocol}.csv"
                _score(questions, protocol, level, seed, out)
                files.append(ScoreFile(method, seed, protocol, "gpt", out))
    tabulate_table2([tuple(file) for file in files], "m", "n", SETTINGS, folder / "table2.csv")
    return folder / "table2.csv", files


def _score(questions: list[Question], protocol: str, level: int, seed: int, out: Path) -> None:
    random = np.random.default_rng([level, seed])
    verdicts, completions = [], []
    for number, question in enumerate(questions):
        tokens = [int(x) for x in random.integers(10, 100, len(question.turns))]
        turns = ["word " * n for n in tokens]
        completions.append(
            Completion(
                question_id=question.question_id, turns=turns, tokens=tokens, finish_reasons=[]
            )
        )
        for turn in (1, 2):
            about = {"question_id": question.question_id, "model": "gpt-4"}
            if protocol == "arena_hard":
                label = "B>A" if random.random() < 0.5 else "A>B"
                verdicts.append(Verdict(status="ok", label=label, game=turn, **about))
            elif level == 2 and number > 1:
                verdicts.append(Verdict(status="api_error", turn=turn, **about))
            else:
                rating = float(random.integers(1, 11))
                verdicts.append(Verdict(status="ok", rating=rating, turn=turn, **about))
    paths = [out.with_suffix(f".{name}.jsonl") for name in "vqc"]
    for path, records in zip(paths, (verdicts, questions, completions), strict=True):
        write_jsonl(path, records)
    aggregate_verdicts(*paths, protocol, out)


TABLE2 = "benchmark,judge,method_a,method_b,metric,difference,low,high,p_value,n"
TABLE3 = "dataset,method_a,method_b,metric,difference,low,high,p_value,separable,n,seeds"


def differences(folder: Path, verdicts: bool) -> tuple[Path, Path]:
    more = (",verdict", ",better", ',"not separable with this many questions and seeds"')
    if not verdicts:
        more = ("", "", "")
    paths = folder / "table2.differences.csv", folder / "table3.differences.csv"
    paths[0].write_text(
        f"{TABLE2}{more[0]}\narena_hard,gpt,base,asft,win_rate,-3,-5,-1,0.01,20{more[1]}\n"
        f"arena_hard,gpt,base,dpo,win_rate,,,,,20{more[2]}\n"
    )
    paths[1].write_text(
        f"{TABLE3}{more[0]}\nhh_rlhf,orpo,asft,bleu4,0.5,-1,2,0.4,False,20,1{more[2]}\n"
        f"hh_rlhf,orpo,asft,rougeL,0.5,,,0.4,False,20,1{more[2]}\n"
    )
    return paths
