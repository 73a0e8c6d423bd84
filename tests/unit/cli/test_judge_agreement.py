"""The command judge-agreement: a real server or a local model judges published pairs."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from alpaca_annotations import JUDGE, annotated, write_annotations
from judge_server import JudgeServer, Reply, completion, error
from small_steps import done_here, failed_here

ROOT = Path(__file__).parents[3]
PROMPTS = {
    "arena_hard": ROOT / "asft/prompts/demo_judge_config.yaml",
    "mt_bench": ROOT / "asft/prompts/demo_judge_prompts.jsonl",
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Annotations of two models; outputs are letters b of the baseline, m of a model."""
    for seed, model in enumerate(("one", "two")):
        rows = annotated(seed, 2.0 * seed - 1, n=30, model=model)
        write_annotations(tmp_path / f"{model}.json", rows)
    return tmp_path


def words(folder: Path, judge: dict[str, Any], out: Path, protocol: str, *more: Any) -> list[str]:
    asked = {"format": "alpaca_eval", "sources": [{"local": f"{folder}/*.json"}], "limit": 16}
    found = ["judge-agreement", "--settings", json.dumps(judge), "--published", json.dumps(asked)]
    found += ["--protocol", protocol, "--prompts", PROMPTS[protocol], "--out", out, *more]
    return [*map(str, found), "--store", str(folder / "judge.answers")]


def server_judge(url: str) -> dict[str, Any]:
    quick = {"timeout_s": 5, "max_attempts": 1, "backoff_s": 0.01, "concurrency": 1}
    return {"backend": "openai", "model": "x", "base_url": url, "api_key_env": None, **quick}


def longer(body: dict[str, Any], before: int) -> Reply:
    """A judge that prefers the longer answer, in whatever place."""
    text = body["messages"][-1]["content"]
    first, second = re.findall("b{9,}|m{9,}", text)
    return completion("[[A>B]]" if len(first) > len(second) else "[[B>>A]]")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_judge_of_length(published: Path, capfd: pytest.CaptureFixture[str]):
    """It agrees as who prefers the longer does, whatever the order; nothing is asked twice."""
    out = published / "out/agreement.json"
    down = [error(500)]

    def script(body: dict[str, Any], before: int) -> Reply:
        return down[0] if len(server.bodies) > 9 and down else longer(body, before)

    with JudgeServer(script) as server:
        step = words(published, server_judge(server.url), out, "arena_hard")
        assert "rerun to continue" in failed_here(step, capfd)
        assert not out.exists()
        down.clear()
        stored = 9
        before = len(server.bodies)
        done_here(step)
        assert len(server.bodies) == before + 32 - stored
        first = bytes_of(out.parent)
        done_here(step)
        assert bytes_of(out.parent) == first
        done_here([*step, "--limit", "20"])  # the first 16 are among them
        assert len(server.bodies) == before + 40 - stored
    found = json.loads(first["agreement.json"])
    assert sorted(first) == [f"agreement.{end}" for end in ("csv", "json", "md", "verdicts.jsonl")]
    assert (found["pairs"], found["judged"], found["published"]["judge"]) == (16, 16, JUDGE)
    measures = found["measures"]
    assert measures["agreement"] == measures["longer_answer"]
    assert measures["always_first"]["value"] == 0.5
    assert measures["swap_consistency"]["value"] == 1
    assert measures["first_position_rate"]["value"] == 0.5
    rows = list(csv.DictReader(first["agreement.csv"].decode().splitlines()))
    assert {row["model_2"] for row in rows} == {"one", "two"}
    assert sum(float(row["published"]) > 0.5 for row in rows) == 8
    agrees = sum(float(row["agrees"]) for row in rows) / 16
    assert agrees == pytest.approx(measures["agreement"]["value"], abs=1e-4)
    assert "Do thing" not in first["agreement.csv"].decode()  # whoever's texts: not ours to copy
    text = first["agreement.md"].decode()
    assert f"It agrees with {JUDGE} on {100 * agrees:.0f} % [" in text
    assert "16 pairs of " in text


def test_a_local_judge_s_probabilities(published: Path, tiny: Path):
    (tiny / "card.json").write_text("{}")
    judge = {"backend": "local", "model": "tiny", "precision": "fp32", "calibrate": True}
    out = published / "out/agreement.json"
    step = [*words(published, judge, out, "arena_hard"), "--judge-model", str(tiny)]
    done_here([*step, "--limit", "4"])
    found = json.loads(out.read_text())
    assert (found["judge"], found["judged"], found["rules"]) == ("tiny", 4, "paper")
    assert 0 <= found["measures"]["auc"]["value"] <= 1


def test_a_judge_that_rates_is_compared_by_its_ratings(published: Path):
    def rate(body: dict[str, Any], before: int) -> Reply:
        return completion("[[8]]" if "mmmm" in body["messages"][-1]["content"] else "[[4]]")

    out = published / "out/agreement.json"
    with JudgeServer(rate) as server:
        done_here(words(published, server_judge(server.url), out, "mt_bench"))
        assert len(server.bodies) <= 32
    found = json.loads(out.read_text())
    assert found["prefers"] == {"first": 0, "neither": 0, "second": 16}
    assert found["measures"]["agreement"]["value"] == 0.5
    assert found["outcome"] == "not told apart from chance"
    assert "swap_consistency" not in found["measures"]


def test_no_verdict_at_all_is_no_number(published: Path, capfd: pytest.CaptureFixture[str]):
    out = published / "out/agreement.json"
    with JudgeServer([completion("Hard to say.")]) as server:
        step = words(published, server_judge(server.url), out, "arena_hard")
        assert "gave no verdict on any of 16 pairs" in failed_here(step, capfd)
    assert not out.exists()
