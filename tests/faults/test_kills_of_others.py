"""Steps that read what a small experiment has not: killed as those of test_kills.py are."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from report_results import small, write_results
from small_steps import outputs, start

from asft.config.loading import load
from asft.config.runs import card_settings
from asft.files import write_json

ROOT = Path(__file__).parents[2]
BENCHMARK = {
    **{"protocol": "references", "format": "alpaca", "limit": 4},
    "sources": [{"local": str(ROOT / "asft/demo/alpaca_en.json")}],
}
COST = "runs/hh_rlhf/asft/seed42/cost.json"
# Step → the last file that it makes.
LAST = {
    "fetch-model": "model/card.json",
    "prepare-benchmark": "questions/card.json",
    "score-verdicts": "scores.csv",
    "table1": "table1.csv",
    "table2": "table2.csv",
    "plot figure1": "figure1.csv",
    "report": "report/index.html",
    "model-card": "model_card.md",
}


def arguments(step: str, given: Path, out: Path) -> list[str]:
    """The step's arguments: it reads the results in `given`, and writes under `out`."""
    rated = given / "benchmarks/mt_bench/questions.jsonl"
    base, table = given / "runs/base", {"model": "small", "note": ""}
    statistics = {"statistics": {}}
    score = f"base,42,mt_bench,local={base}/scores/mt_bench/local.csv"
    options = {
        "fetch-model": {"settings": {"sources": [{"random": 0}]}, "out": out / "model"},
        "prepare-benchmark": {"settings": BENCHMARK, "name": "toy", "out": out / "questions"},
        "score-verdicts": {
            **{"verdicts": base / "verdicts/mt_bench/local.jsonl", "questions": rated},
            **{"completions": base / "completions/mt_bench.jsonl", "protocol": "mt_bench"},
            "out": out / "scores.csv",
        },
        "table1": {
            "settings": table | {"benchmarks": [["a", "mt_bench", "", ["local"], str(rated)]]},
            "out": out / "table1.csv",
        },
        "table2": {"settings": table | statistics, "score": score, "out": out / "table2.csv"},
        "plot figure1": {"out": out / "figure1.pdf"},
        "report": {"settings": small(), "results": given, "out": out / "report"},
        "model-card": {
            **{"run": out / "run", "data-card": given / "data/hh_rlhf/card.json"},
            "settings": card_settings(load(small()), "hh_rlhf", "asft"),
            "out": out / "model_card.md",
        },
    }[step]
    words = step.split()
    for name, value in options.items():
        words += [f"--{name}", json.dumps(value) if isinstance(value, dict) else str(value)]
    return words


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_results(folder, small())
    for name, more in (("data/hh_rlhf/card.json", {"format": "hh_rlhf"}), (COST, {"steps": 1})):
        write_json(folder / name, json.loads((folder / name).read_text()) | more)
    return folder


@pytest.mark.parametrize("step", LAST)
def test_killed_anywhere(step: str, given: Path, chance: random.Random, tmp_path: Path) -> None:
    """At a random moment, or within the write that passes a random size; then undisturbed."""
    peace, early, out = (tmp_path / name for name in ("peace", "early", "out"))
    for folder in (peace, early, out):
        if step == "model-card":  # writes beside the policy too
            run = shutil.copytree(given / "runs/hh_rlhf/asft/seed42", folder / "run")
            (run / "policy").mkdir(exist_ok=True)
    began = time.perf_counter()
    child = start(arguments(step, given, peace))
    _, said = child.communicate()
    assert child.returncode == 0, said
    seconds, whole = time.perf_counter() - began, outputs(peace)
    assert LAST[step] in whole

    child = start(arguments(step, given, early))
    time.sleep(chance.uniform(0, seconds))
    child.kill()
    child.communicate()
    assert child.returncode in (-signal.SIGKILL, 0)
    assert outputs(early).items() <= whole.items()

    largest = max(len(content) for name, content in whole.items() if "run/" not in name)
    child = start(arguments(step, given, out), file_size=chance.randrange(largest), die=True)
    child.communicate()
    assert child.returncode == -signal.SIGXFSZ
    assert outputs(out).items() < whole.items()

    for folder in (early, out):
        child = start(arguments(step, given, folder))
        _, said = child.communicate()
        assert child.returncode == 0, said
        assert outputs(folder) == whole
