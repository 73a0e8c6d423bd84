"""A results folder made by hand: every file that the report of a config reads, nothing trained."""

import base64
import csv
import json
from pathlib import Path

import ability_files
import yaml

from asft.config import report_plan
from asft.config.loading import load
from asft.config.protocols import PROTOCOLS
from asft.config.runs import run_settings, table2_columns, table2_contestants, table3_runs
from asft.data.answer_formats import BaselineAnswer
from asft.files import write_json, write_jsonl, write_text
from asft.metrics.corpus import METRICS
from asft.metrics.protocols import SCORING
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.records import Completion, Question, Verdict
from asft.tables.table4 import AbilityFile, tabulate_table4

ROOT = Path(__file__).parents[1]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
LABELS = ["A>>B", "A>B", "A=B", "B>A", "B>>A"]


def config_of(table3, table2=None, table4=None, **changes):
    """The default config with other tables."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["tables"] = {"table3": table3} | ({"table2": table2} if table2 else {})
    if table4:
        raw["tables"] |= {"table4": table4}
    return raw | changes


def small():
    """All kinds of benchmark, judge and contestant, few of each."""
    table3 = {"datasets": ["hh_rlhf"], "methods": ["base", "sft", "asft"]}
    table2 = {
        "methods": ["base", "asft"],
        "arena_hard_judge": "server",
        "mt_bench_judges": ["server", "local"],
        "controls": ["injection"],
    }
    judges = {
        "local": {"backend": "local", "model": "smollm2-135m-instruct"},
        "server": {"backend": "openai", "model": "gpt-4-0613", "api_key_env": "KEY"},
    }
    table4 = {"datasets": ["hh_rlhf"], "methods": ["base", "asft"]}
    return config_of(table3, table2, table4, judges=judges)


# Of two steps: chosen and rejected answers became less likely, the rejected ones more so.
HISTORY = """step,split,loss,grad_norm,logp_chosen,logp_rejected,margin,logp_chosen_sum,\
logp_rejected_sum,margin_sum,accuracy,pairs
0,heldout,0.69,,-2,-2,0,-20,-30,10,0.5,2
1,train,0.69,5,-2,-2,0,-20,-30,10,0.5,4
2,train,0.6,4,-2.1,-2.2,0.1,-21,-33,12,0.5,4
2,heldout,0.5,,-2.25,-2.5,0.25,-22.5,-37.5,15,1,2
"""


def plain_answer(method, number, turn):
    return f"{method} answers question {number}, turn {turn}: " + "so it goes. " * (number % 5 + 1)


def write_results(folder, raw, questions=6, answer=plain_answer):
    """Write into `folder`; `answer(method, question number, turn)` is what a contestant says."""
    config = load(raw)
    write_json(folder / f"models/{config.model}/card.json", {"parameters": 1234, "sha256": "ab"})
    for name in report_plan.shown_policies(config):
        source = {"hub": "owner/policy", "revision": "main"}
        write_json(folder / f"models/{name}/card.json", {"source": source, "parameters": 99})
    for asked in report_plan.asked_benchmarks(config):
        _benchmark(folder, asked, questions, answer)
    for name in report_plan.trained_on(config):
        write_json(folder / f"data/{name}/card.json", _data_card())
    for run in report_plan.all_trained(config):
        _run(folder / "runs" / run.folder, config, run)
    _tables(folder, config)
    if config.tables.table4:
        _abilities(folder, config, questions, answer)
    for name in report_plan.figure_files(config):
        (folder / name).write_bytes(PNG if name.endswith("png") else b"benchmark,question_id\n")
    return config


def _benchmark(folder, asked, count, answer):
    place = folder / "benchmarks" / asked.benchmark
    turns = 2 if asked.protocol == "mt_bench" else 1
    rows = [
        Question(
            question_id=f"{asked.benchmark}-{n}",
            category=["maths", "writing", ""][n % 3],
            turns=[f"Question {n}, turn {turn + 1}?" for turn in range(turns)],
            references=[f"Gold answer {n}"] if asked.protocol == "references" else [],
        )
        for n in range(count)
    ]
    write_jsonl(place / "questions.jsonl", rows)
    card = {"rows": count, "dropped": {}, "kept": count, "asked": count}
    write_json(place / "card.json", card)
    (place / "judge").mkdir(exist_ok=True)
    if PROTOCOLS[asked.protocol].pairwise:
        answers = [BaselineAnswer(question_id=q.question_id, text="The baseline.") for q in rows]
        write_jsonl(place / "judge/baseline.jsonl", answers)
    if asked.protocol == "mt_bench":
        first = {"question_id": rows[0].question_id, "choices": [{"turns": ["One.", "Two."]}]}
        write_text(place / "judge/references.jsonl", json.dumps(first) + "\n")
    for place_in_table, contestant in enumerate(asked.contestants):
        path = folder / contestant.completions(asked.benchmark)
        completions = [
            Completion(
                question_id=question.question_id,
                turns=[answer(contestant.method, n, turn + 1) for turn in range(turns)],
                finish_reasons=["stop" if n % 4 else "length"] * turns,
                tokens=[10 + n] * turns,
            )
            for n, question in enumerate(rows)
        ]
        write_jsonl(path, completions)
        if not asked.judges:
            scores = folder / contestant.scores(asked.benchmark, "references")
            _reference_scores(scores, rows, place_in_table)
        for judge in asked.judges:
            verdicts = folder / contestant.verdicts(asked.benchmark, judge)
            write_jsonl(verdicts, _verdicts(asked, rows, judge, place_in_table))
            aggregate_verdicts(
                verdicts,
                place / "questions.jsonl",
                path,
                asked.protocol,
                folder / contestant.scores(asked.benchmark, judge),
                place / "judge/baseline.jsonl" if PROTOCOLS[asked.protocol].pairwise else None,
            )


def _abilities(folder, config, count, answer):
    files = []
    for shift, contestant in enumerate(report_plan.table4_contestants(config)):
        right = [(n + shift) % 3 == 0 for n in range(count)]
        path = folder / contestant.scores("abilities", "lm_eval")
        values = {("sums", "exact_match", "none"): [(float(each), 1.0) for each in right]}
        ability_files.write(path, values)
        rows = [
            ability_files.sample("sums", n, answer(contestant.method, n, 1), right=each)
            for n, each in enumerate(right)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_text(folder / contestant.samples("abilities", "lm_eval"), text)
        files.append(AbilityFile(*contestant[:3], "abilities", path))
    given = {"model": config.model, "note": "", "chat_template": {"abilities": True}}
    tabulate_table4(files, statistics=config.statistics, out=folder / "table4.csv", **given)


def _verdicts(asked, questions, judge, shift):
    found, field = [], PROTOCOLS[asked.protocol].verdict
    for n, question in enumerate(questions):
        for slot, (turn, game) in enumerate(SCORING[asked.protocol].asked(question), 1):
            # The third question of each contestant has no verdict in its first turn or game.
            failed = n == 2 and slot == 1
            value = LABELS[(n + shift + slot) % 5] if field == "label" else n % 10 + 1.0
            words = [] if judge == "local" else [f"<b>Words</b> of {judge} on {n}"]
            shares = {"[[1]]": 0.25, "[[2]]": 0.75} if judge == "local" else {}
            found.append(
                Verdict(
                    question_id=question.question_id,
                    category=question.category,
                    turn=turn,
                    game=game,
                    status="no_verdict" if failed else "ok",
                    judgments=words,
                    model="judge-model",
                    probabilities=shares,
                    **({} if failed else {field: value}),
                )
            )
    return found


def _reference_scores(path, questions, shift):
    columns = dict.fromkeys(c for metric in METRICS.values() for c in metric.columns)
    rows = []
    for n, question in enumerate(questions):
        row = {"question_id": question.question_id, "category": question.category}
        row |= {name: (n + shift) % 7 + i / 8 for i, name in enumerate(columns)}
        row |= {"tokens": 9 + n % 3 + 4 * shift, "finish_reason": "stop"}
        rows.append(row | {"bleu_signature": "none"})
    _csv(path, rows)


def _data_card():
    hits = {kind: {"questions": 1} for kind in ("exact", "ngram13")}
    card = {"rows": 9, "dropped": {"empty_answer": 2}, "kept": {"train": 5, "heldout": 2}}
    card["format"] = "hh_rlhf"
    card |= {"lengths": {part: {"50": 7} for part in ("prompt", "chosen", "rejected")}}
    card |= {"overlap": {"questions": 6, "any_turn": hits}, "chosen_longer_share": 0.5}
    return card | {"truncated_chosen": 1, "truncated_rejected": 0, "fingerprint": "f" * 64}


def _run(folder, config, run):
    settings = run_settings(config, run.dataset, run.method, run.seed)
    settings["provenance"] = {"asft": "0.0", "data": "f" * 64, "model": {"parameters": 1234}}
    write_text(folder / "settings.yaml", yaml.safe_dump(settings, sort_keys=False))
    cost = {"seconds": 12.5, "pairs_per_second": 1.25, "peak_memory_bytes": 2_500_000_000}
    cost |= {"device": "cpu", "precision": "bfloat16", "finished": "2026-01-02T03:04:05+00:00"}
    cost["steps"] = 16
    write_json(folder / "cost.json", cost)
    write_text(folder / "history.csv", HISTORY)


def _tables(folder, config):
    rows = []
    for dataset, method in dict.fromkeys(run[:2] for run in table3_runs(config)):
        row = {
            "dataset": dataset,
            "method": method,
            "benchmark": config.tables.table3.benchmark,
            "seeds": len(config.seeds),
            "n": 6,
            "avg_tokens": 12.5,
        }
        for name in METRICS:
            row |= {name: 20.25, f"{name}_low": 18.5, f"{name}_high": 23.125}
        row |= {f"paper_{name}": "" for name in ("bleu4", "rouge1", "rouge2", "rougeL")}
        rows.append(row)
    _csv(folder / "table3.csv", rows)
    difference = {"difference": 0.5, "low": -1, "high": 2, "p_value": 0.25, "n": 6}
    difference["seeds"] = len(config.seeds)
    pair = {"method_a": "sft", "method_b": "asft", "verdict": "not separable"}
    _csv(
        folder / "table3.differences.csv",
        [
            {"dataset": "hh_rlhf", "metric": "lf_rougeL", "verdict": "not separable"}
            | pair
            | difference
        ],
    )
    if config.tables.table2:
        _table2(folder, config, difference)


def _table2(folder, config, difference):
    rows = []
    for method in dict.fromkeys(row[0] for row in table2_contestants(config)):
        row = {
            "method": method,
            "seeds": len(config.seeds),
            "avg_tokens": 11,
            "refused": "",
            "fools": "",
            "warning": "",
        }
        row |= {"swap_consistency": 0.5, "first_position_rate": 0.625}
        for benchmark, judge in table2_columns(config):
            games = PROTOCOLS[config.benchmarks[benchmark].protocol].pairwise
            name = benchmark if games else f"{benchmark}_{judge}"
            row |= {f"{name}_win_rate" if games else name: 50.5 if games else 5.25}
            row |= {f"{name}_low": 4, f"{name}_high": 6, f"{name}_n": 12, f"{name}_n_unscored": 1}
            if method.startswith("control_"):
                row["fools"] = f"{row['fools']} {name}".strip()
                row["warning"] = (
                    f"{method} scores 50.50 on {benchmark} by judge {judge}, at or above base"
                    " (50.50): this judge can be fooled, do not trust this column"
                )
        rows.append(row | {"paper_mt_bench_gpt4": 7.92})
    _csv(folder / "table2.csv", rows)
    about = {"benchmark": "mt_bench", "judge": "local", "method_a": "base", "method_b": "asft"}
    _csv(
        folder / "table2.differences.csv",
        [about | {"metric": "rating", "verdict": "worse"} | difference],
    )
    pair = {"column": "arena_hard", "method_a": "asft", "method_b": "dpo", "verdict": "better"}
    _csv(folder / "table2.paper.csv", [pair | difference | {"correlation_needed": 0.99}])
    facts = {"benchmark": "mt_bench", "examples": 6, "categories": 3, "baseline": "", "judge": "x"}
    facts |= {"scoring_type": "rating", "metric": "mean", "paper_examples": 80}
    _csv(folder / "table1.csv", [facts])


def _csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
