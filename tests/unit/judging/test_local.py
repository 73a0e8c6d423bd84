"""The local judge: its probabilities against plain forward passes, and calibration."""

import json
import math
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from judge_store import stored_request
from transformers import AutoConfig, AutoModelForCausalLM

from asft.config import loading
from asft.data.encoding import encode_prompt
from asft.data.prepare_benchmark import write_benchmark
from asft.errors import UserError
from asft.files import read_jsonl, write_jsonl
from asft.generation.endpoint.store import Store
from asft.judging.judge import judge_answers
from asft.judging.local import LocalJudge
from asft.judging.protocols import LABELS, RATINGS
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy
from asft.records import Completion, Message, Question, Verdict

ROOT = Path(__file__).parents[3]
LETTERS = ROOT / "asft/prompts/demo_judge_letters.yaml"
MESSAGES = [Message(role="user", content="Rate this answer: it is Paris.")]


@pytest.fixture(scope="module")
def folder(tiny: Path) -> Path:
    (tiny / "card.json").write_text("{}")
    return tiny


def alone(folder: Path, verdicts: list[str]) -> torch.Tensor:
    """Log-probabilities of the verdicts, each in a text of its own."""
    tokenizer, model = load_tokenizer(folder), load_policy(folder, torch.float32).eval()
    prompt = encode_prompt(MESSAGES, tokenizer)
    found = []
    for verdict in verdicts:
        ending = tokenizer.encode(verdict, add_special_tokens=False)
        with torch.no_grad():
            logps = model(torch.tensor([prompt + ending])).logits[0].log_softmax(-1)
        rows = logps[len(prompt) - 1 : -1]
        found.append(rows[range(len(ending)), ending].sum())
    return torch.stack(found).log_softmax(0)


@pytest.mark.parametrize("verdicts", [RATINGS, LABELS, ["a", "bc"]])
def test_scores_are_those_of_one_text_after_the_other(folder: Path, verdicts: list[str]) -> None:
    found = LocalJudge(folder, "fp32").score(MESSAGES, verdicts)
    assert list(found) == verdicts
    scores = torch.tensor(list(found.values()))
    torch.testing.assert_close(scores, alone(folder, verdicts), atol=1e-4, rtol=0)


SIZES = {
    **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3},
}
CONVOLVED = {
    **{"conv_L_cache": 3, "layer_types": ["conv", "full_attention"]},
    "block_auto_adjust_ff_dim": False,
}
RECURRENT = {"state_size": 4, "num_attention_heads": None, "num_key_value_heads": None}


@pytest.mark.parametrize(("kind", "more"), [("lfm2", CONVOLVED), ("mamba", RECURRENT)])
def test_verdicts_do_not_see_one_another_where_tokens_mix_outside_attention(
    kind: str, more: dict[str, Any], tiny: Path, tmp_path: Path
) -> None:
    tokenizer = load_tokenizer(tiny)
    sizes = {k: v for k, v in (SIZES | more).items() if v is not None}
    config = AutoConfig.for_model(
        kind, **sizes, vocab_size=len(tokenizer), eos_token_id=1, pad_token_id=1
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    found = LocalJudge(tmp_path, "fp32").score(MESSAGES, RATINGS)
    scores = torch.tensor(list(found.values()))
    torch.testing.assert_close(scores, alone(tmp_path, RATINGS), atol=1e-4, rtol=0)


def judged(folder: Path, out: Path, benchmark: str, *, calibrate: bool | str) -> list[Verdict]:
    config = loading.load(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    settings = config.benchmarks[benchmark].model_copy(update={"limit": 3})
    write_benchmark(settings.model_dump_json(), benchmark, out / "benchmark")
    answers = [
        Completion(
            question_id=question.question_id,
            turns=[f"Answer {n}."] * len(question.turns),
            finish_reasons=["stop"] * len(question.turns),
            tokens=[3] * len(question.turns),
        )
        for n, question in enumerate(read_jsonl(out / "benchmark/questions.jsonl", Question))
    ]
    write_jsonl(out / "answers.jsonl", answers)
    row = {"backend": "local", "model": "tiny", "precision": "fp32", "calibrate": calibrate}
    judge_answers(
        json.dumps(row),
        benchmark,
        out / "benchmark",
        out / "answers.jsonl",
        out / "verdicts.jsonl",
        folder,
        out / "judge.answers",
    )
    return read_jsonl(out / "verdicts.jsonl", Verdict)


@pytest.mark.parametrize("benchmark", ["mt_bench", "arena_hard"])
def test_calibration_divides_by_what_is_said_of_nothing(
    folder: Path, tmp_path: Path, benchmark: str
) -> None:
    plain = judged(folder, tmp_path, benchmark, calibrate=False)
    verdicts = judged(folder, tmp_path, benchmark, calibrate=True)
    assert [v.question_id for v in verdicts] == [v.question_id for v in plain]
    with Store(tmp_path / "judge.answers", read_only=True) as store:
        for before, after in zip(plain, verdicts, strict=True):
            own, habits = (store.get(key) for key in after.keys)
            assert after.keys[0] == before.keys[0]
            assert own is not None
            assert habits is not None
            request = stored_request(store.path, after.keys[1])
            text = json.dumps(request["messages"])
            assert "N/A" in text
            weights = {
                name: math.exp(value - json.loads(habits.text)[name])
                for name, value in json.loads(own.text).items()
            }
            total = sum(weights.values())
            for name, weight in weights.items():
                assert after.probabilities[name] == pytest.approx(weight / total, rel=1e-6)
    assert {key for verdict in verdicts for key in verdict.keys[1:]} != set()
    assert len({verdict.keys[1] for verdict in verdicts}) < len(verdicts)  # asked once for all


def test_a_job_that_goes_on_finds_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Whichever answers the store has already, of this job or of another."""
    verdicts = judged(folder, tmp_path, "arena_hard", calibrate=True)
    whole = (tmp_path / "verdicts.jsonl").read_bytes()
    [kept] = (tmp_path / "judge.answers").glob("*.jsonl")
    lines = kept.read_text().splitlines(keepends=True)
    for part in (lines[1::2], lines[-1:]):
        shutil.rmtree(tmp_path / "judge.answers")
        kept.parent.mkdir()
        kept.write_text("".join(part))
        assert judged(folder, tmp_path, "arena_hard", calibrate=True) == verdicts
        assert (tmp_path / "verdicts.jsonl").read_bytes() == whole


def test_a_taste_for_a_place_is_the_mean_over_both_orders(folder: Path, tmp_path: Path) -> None:
    plain = judged(folder, tmp_path, "arena_hard", calibrate=False)
    verdicts = judged(folder, tmp_path, "arena_hard", calibrate="orders")
    logps = [{name: math.log(p) for name, p in v.probabilities.items()} for v in plain]
    taste = {name: statistics.fmean(row[name] for row in logps) for name in logps[0]}
    for before, after in zip(logps, verdicts, strict=True):
        weights = {name: math.exp(value - taste[name]) for name, value in before.items()}
        shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
        assert after.probabilities == pytest.approx(shares, rel=1e-9)
    assert [v.keys for v in verdicts] == [v.keys for v in plain]  # nothing more is asked


def test_replies_that_prompts_name_stand_for_labels(folder: Path, tmp_path: Path) -> None:
    judged(folder, tmp_path, "arena_hard", calibrate=False)
    shutil.copy(LETTERS, tmp_path / "benchmark/judge/prompts.yaml")
    row = {"backend": "local", "model": "tiny", "precision": "fp32", "protocol": "hardened"}
    given = (tmp_path / "benchmark", tmp_path / "answers.jsonl", tmp_path / "verdicts.jsonl")
    judge_answers(json.dumps(row), "arena_hard", *given, folder, tmp_path / "judge.answers")
    for verdict in read_jsonl(tmp_path / "verdicts.jsonl", Verdict):
        with Store(tmp_path / "judge.answers", read_only=True) as store:
            reply = store.get(verdict.keys[0])
        assert reply is not None
        shares = {name: math.exp(logp) for name, logp in json.loads(reply.text).items()}
        assert sum(shares.values()) == pytest.approx(1, rel=1e-6)
        expected = dict.fromkeys(LABELS, 0.0) | {"[[A>B]]": shares["A"], "[[B>A]]": shares["B"]}
        assert verdict.probabilities == pytest.approx(expected, rel=1e-6)
        assert verdict.label == ("A>B" if shares["A"] >= shares["B"] else "B>A")
    served = {"backend": "openai", "model": "gpt", "api_key_env": None}
    with pytest.raises(UserError, match="prompts that name `verdicts` are for a local judge"):
        judge_answers(json.dumps(served), "arena_hard", *given, store=tmp_path / "served")


def test_places_are_no_answers(folder: Path, tmp_path: Path) -> None:
    """Of single answers there are no two orders, and the mean would be the contestant's own."""
    with pytest.raises(UserError, match=r"calibrate: orders needs .* mt_bench shows one"):
        judged(folder, tmp_path, "mt_bench", calibrate="orders")


def test_nothing_is_scored_as_nothing(folder: Path, tmp_path: Path) -> None:
    """Of empty content a calibrated judge has no opinion: all verdicts are alike."""
    judged(folder, tmp_path, "arena_hard", calibrate=False)
    answers = read_jsonl(tmp_path / "answers.jsonl", Completion)
    questions = read_jsonl(tmp_path / "benchmark/questions.jsonl", Question)
    write_jsonl(
        tmp_path / "benchmark/questions.jsonl",
        [q.model_copy(update={"turns": ["N/A"]}) for q in questions],
    )
    write_jsonl(
        tmp_path / "answers.jsonl", [a.model_copy(update={"turns": ["N/A"]}) for a in answers]
    )
    baseline = tmp_path / "benchmark/judge/baseline.jsonl"
    rows = [json.loads(line) | {"text": "N/A"} for line in baseline.read_text().splitlines()]
    baseline.write_text("".join(json.dumps(row) + "\n" for row in rows))
    row = {"backend": "local", "model": "tiny", "precision": "fp32", "calibrate": True}
    given = (tmp_path / "benchmark", tmp_path / "answers.jsonl")
    out = tmp_path / "verdicts.jsonl"
    store = tmp_path / "judge.answers"
    judge_answers(json.dumps(row), "arena_hard", *given, out, folder, store)
    for verdict in read_jsonl(out, Verdict):
        assert list(verdict.probabilities.values()) == pytest.approx([0.2] * 5)
