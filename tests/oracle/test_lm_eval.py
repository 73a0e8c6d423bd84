"""`asft lm-eval` against lm-evaluation-harness's own command on the same policy."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asft.abilities.evaluate import evaluate_abilities
from asft.errors import UserError

DEMO = Path(__file__).parents[2] / "asft/demo/abilities"
OWN = sorted(DEMO.glob("*.yaml"))
HOW = {"protocol": "lm_eval", "precision": "fp32", "chat_template": True, "limit": 5}


def evaluated(policy: Path, out: Path, **given: Any) -> dict[str, bytes]:
    evaluate_abilities(json.dumps(HOW | given), policy, out / "lm_eval.csv")
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def files(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return evaluated(tiny, tmp_path_factory.mktemp("ours"), tasks=[str(path) for path in OWN])


def by_hand(policy: Path, folder: Path, tasks: list[str]) -> dict[str, Any]:
    """The command, where it is started beside the data: it takes their names from there."""
    for path in DEMO.iterdir():
        shutil.copy(path, folder)
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--device", "cpu"]
    command += ["--model_args", f"pretrained={policy},dtype=float32", "--batch_size", "16"]
    command += ["--include_path", str(folder), "--tasks", *tasks, "--apply_chat_template"]
    command += ["--limit", "5", "--output_path", str(folder / "out")]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (found,) = folder.glob("out/*/results_*.json")
    results: dict[str, Any] = json.loads(found.read_text())
    return results


@pytest.mark.timeout(600)
def test_the_values_are_those_of_the_command(
    tiny: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    ours = json.loads(files["lm_eval.results.json"])
    theirs = by_hand(tiny, tmp_path, [path.stem for path in OWN])
    assert ours["results"].keys() == theirs["results"].keys()
    for task, values in theirs["results"].items():
        assert ours["results"][task].keys() == values.keys()
        for name, value in values.items():  # some are words: names, "N/A"
            # Another number of threads, which earlier tests may have left, rounds otherwise.
            same = value if isinstance(value, str) else pytest.approx(value, rel=1e-6)
            assert ours["results"][task][name] == same, f"{task}, {name}"
    assert ours["versions"] == theirs["versions"]
    assert ours["n-shot"] == theirs["n-shot"]


def test_every_number_of_the_tasks_has_values_per_question(files: dict[str, bytes]) -> None:
    own = json.loads(files["lm_eval.results.json"])
    assert own["left_out"] == []
    sums: dict[tuple[str, str], list[float]] = {}
    for row in csv.DictReader(files["lm_eval.csv"].decode().splitlines()):
        total = sums.setdefault((row["task"], f"{row['metric']},{row['filter']}"), [0, 0, 0])
        for place, part in enumerate((float(row["sum"]), float(row["count"]), 1)):
            total[place] += part
    named = {
        (task, key): value
        for task, values in own["results"].items()
        for key, value in values.items()
        if "," in key and "_stderr" not in key
    }
    assert sums.keys() == named.keys()
    for key, (total, count, questions) in sums.items():
        assert total / count == pytest.approx(named[key])
        # Safe and unsafe prompts take turns, and each half has a number.
        halves = {"safe_answered,none": 3, "unsafe_declined,none": 2}
        assert questions == halves.get(key[1], HOW["limit"])


def test_the_same_bytes_twice_and_after_a_kill(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [str(DEMO / "asft_word_problems.yaml"), str(DEMO / "asft_truthfulness_mc1.yaml")]
    once = evaluated(tiny, tmp_path / "once", tasks=tasks, limit=20)
    from lm_eval.models.huggingface import HFLM

    compute = HFLM._loglikelihood_tokens

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(HFLM, "_loglikelihood_tokens", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluated(tiny, tmp_path / "twice", tasks=tasks, limit=20)
    assert [path.suffix for path in (tmp_path / "twice").iterdir()] != []  # what was answered
    monkeypatch.setattr(HFLM, "_loglikelihood_tokens", compute)
    asked: list[int] = []
    generate = HFLM.generate_until

    def counted(self: Any, requests: list[Any], *args: Any, **options: Any) -> Any:
        asked.append(len(requests))
        return generate(self, requests, *args, **options)

    monkeypatch.setattr(HFLM, "generate_until", counted)
    assert evaluated(tiny, tmp_path / "twice", tasks=tasks, limit=20) == once
    assert asked == []  # answered before the kill


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("gsm8kk", "lm-eval knows no 'gsm8kk'; did you mean 'gsm8k'"),
        ("nowhere.yaml", "no such file: nowhere.yaml"),
        ("empty.yaml", "it has no key task or group"),
        ("broken.yaml", "no YAML"),
        ("dataless.yaml", "dataless.yaml: .*no-such-file"),
    ],
)
def test_tasks_that_cannot_be_had(
    task: str, message: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.yaml").write_text("dataset_path: json\n")
    Path("broken.yaml").write_text("task: [\n")
    text = (DEMO / "asft_truthfulness_mc1.yaml").read_text()
    Path("dataless.yaml").write_text(text.replace("truthfulness.jsonl", "no-such-file.jsonl"))
    with pytest.raises(UserError, match=message):
        evaluated(tiny, tmp_path / "out", tasks=[task])
