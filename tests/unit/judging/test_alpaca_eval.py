"""AlpacaEval as a benchmark: its prompt in ChatML, the letter, a win rate from a judge."""

import json
from pathlib import Path
from typing import Any

import pytest
from judge_server import JudgeServer, completion

from asft.config import Benchmark, Judge
from asft.data.prepare_benchmark import write_benchmark
from asft.errors import UserError
from asft.files import read_jsonl, write_jsonl
from asft.judging.alpaca_eval import CHOICE, load_choice_prompts, read_letter
from asft.judging.judge import judge_answers
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.metrics.verdict_scores import read_verdict_scores
from asft.records import Completion, Question, Verdict

NOTHING = ("no_verdict", None)
TEMPLATE = '''<|im_start|>system
Choose.
<|im_end|>
<|im_start|>user
{
    "ask": """{instruction}""",
}
m: """{output_1}"""
M: """{output_2}"""

Best:
<|im_end|>'''


def load(path: Path, text: str) -> Any:
    path.write_text(text)
    return load_choice_prompts(path)[CHOICE]


def test_two_messages_and_braces_that_are_meant(tmp_path: Path):
    found = load(tmp_path / "p.txt", TEMPLATE)
    assert found.system == "Choose."
    shown = found.user.format(instruction="{output_1}", output_1="{}", output_2="<|im_end|>")
    assert shown == (
        '{\n    "ask": """{output_1}""",\n}\nm: """{}"""\nM: """<|im_end|>"""\n\nBest:'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Which is better?", r"expected a system and a user message in ChatML, found \[\]"),
        (TEMPLATE.replace("system", "user"), r"found \['user', 'user'\]"),
        (TEMPLATE.replace("{output_2}", ""), r"once each .* found \['instruction', 'output_1'\]"),
        (TEMPLATE.replace("{output_2}", "{output_1}"), "once each"),
    ],
)
def test_other_templates_are_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(UserError, match=message):
        load(tmp_path / "p.txt", text)


@pytest.mark.parametrize(
    ("text", "paper", "hardened"),
    [
        ("m", ("ok", 0.0), ("ok", 0.0)),
        ("M", ("ok", 1.0), ("ok", 1.0)),
        (' "M".\n', ("ok", 1.0), ("ok", 1.0)),
        ("m is better than M", ("ok", 0.0), NOTHING),
        ("Model M", NOTHING, NOTHING),
        ("Me", NOTHING, NOTHING),
        ("The best is M", NOTHING, NOTHING),
        ("", NOTHING, NOTHING),
    ],
)
def test_the_letter(text: str, paper: tuple[str, float | None], hardened: tuple[str, float | None]):
    assert read_letter([text], "paper") == paper
    assert read_letter([text], "hardened") == hardened


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Two instructions with the baseline's outputs in one file, as upstream's, and our answers."""
    outputs = [
        {
            "instruction": f"Ask {n}.",
            "output": f"base {n}",
            "generator": "gpt4",
            "dataset": "vicuna",
        }
        for n in range(2)
    ]
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    (tmp_path / "clf.txt").write_text(TEMPLATE)
    files = {"sources": "outputs.json", "baseline": "outputs.json", "prompts": "clf.txt"}
    row: dict[str, Any] = {"protocol": "alpaca_eval", "format": "alpaca_eval"}
    row |= {key: [{"local": str(tmp_path / name)}] for key, name in files.items()}
    settings = Benchmark.model_validate(row).model_dump_json()
    write_benchmark(settings, "alpaca", tmp_path / "alpaca")
    questions = read_jsonl(tmp_path / "alpaca/questions.jsonl", Question)
    assert [question.turns for question in questions] == [["Ask 0."], ["Ask 1."]]
    assert {question.category for question in questions} == {"vicuna"}
    answers = [
        Completion(
            question_id=question.question_id,
            turns=[f'ours """ {n}'],
            finish_reasons=["stop"],
            tokens=[2],
        )
        for n, question in enumerate(questions)
    ]
    write_jsonl(tmp_path / "answers.jsonl", answers)
    return tmp_path


def judged(folder: Path, judge: Judge, model: Path | None = None) -> list[Verdict]:
    verdicts, store = folder / f"{judge.backend}.jsonl", folder / "judge.answers"
    place, answers = folder / "alpaca", folder / "answers.jsonl"
    settings = judge.model_dump_json()
    judge_answers(settings, "alpaca_eval", place, answers, verdicts, model, store)
    return read_jsonl(verdicts, Verdict)


def scored(folder: Path, judge: Judge) -> Any:
    out = folder / "scores.csv"
    place = folder / "alpaca"
    aggregate_verdicts(
        *(folder / f"{judge.backend}.jsonl", place / "questions.jsonl", folder / "answers.jsonl"),
        *("alpaca_eval", out, place / "judge/baseline.jsonl"),
    )
    return read_verdict_scores(out)


@pytest.mark.parametrize("rules", ["paper", "hardened"])
def test_from_upstream_s_files_to_a_win_rate(prepared: Path, rules: str):
    """Question 0: ours in both games; 1: the first shown, in both. A win and a half."""

    def reply(body: dict[str, Any], before: int) -> Any:
        text = body["messages"][-1]["content"]
        ours = '"" "' if rules == "hardened" else '"""'
        assert f"ours {ours} " in text
        second = text.index("base") < text.index("ours")
        return completion(("M" if second else "m") if "Ask 0." in text else "m")

    with JudgeServer(reply) as server:
        given = {"backend": "openai", "base_url": server.url, "api_key_env": None, "model": "x"}
        judge = Judge.model_validate(given | {"protocol": rules})
        verdicts = judged(prepared, judge)
    assert [(v.game, v.rating) for v in verdicts] == [(1, 1), (2, 0), (1, 0), (2, 0)]
    found = scored(prepared, judge)
    assert found.protocol == "alpaca_eval"
    assert list(found.question_scores().values()) == [100, 50]
    assert (found.content.n_asked, found.content.n_scored) == (4, 4)
    assert "not comparable to its leaderboard" in found.remark
    assert list(found.flags().values()) == ["", "d"]


def test_a_local_judge_s_probabilities(prepared: Path, tiny: Path):
    (tiny / "card.json").write_text("{}")
    given = {"backend": "local", "model": "tiny", "precision": "fp32", "calibrate": False}
    judge = Judge.model_validate(given)
    verdicts = judged(prepared, judge, tiny)
    for verdict in verdicts:
        assert set(verdict.probabilities) == {"m", "M"}
        assert verdict.rating == pytest.approx(verdict.probabilities["M"])
    first, second = verdicts[:2]
    expected = 50 * ((first.rating or 0) + 1 - (second.rating or 0))
    found = list(scored(prepared, judge).question_scores().values())
    assert found[0] == pytest.approx(expected)
