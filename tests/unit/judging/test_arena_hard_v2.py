"""Arena-Hard v2.0 as a benchmark: prompts by category, the last label, scores from a judge."""

import json
from types import SimpleNamespace

import pytest
import yaml
from judge_server import JudgeServer, completion
from published_judgments import write

from asft.config import Benchmark, Judge
from asft.data.prepare_benchmark import write_benchmark
from asft.errors import UserError
from asft.files import read_jsonl, write_jsonl
from asft.judging.arena_hard_v2 import PATTERNS, load_category_prompts, parse_last_label
from asft.judging.judge import judge_answers
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.metrics.verdict_scores import read_verdict_scores
from asft.records import Completion, Verdict

NOTHING = ("no_verdict", None)
TEMPLATE = "Q {QUESTION}\nA {ANSWER_A}\nB {ANSWER_B}"
SETTINGS = {"prompt_template": TEMPLATE, "regex_patterns": PATTERNS, "reference": None}


@pytest.mark.parametrize(
    ("text", "paper", "hardened"),
    [
        ("So: [[A>>B]]", ("ok", "A>>B"), ("ok", "A>>B")),
        ("so: [[b>a]]", ("ok", "B>A"), ("ok", "B>A")),
        ("[[A>B]]? No.\n[[B>A]]", ("ok", "B>A"), ("ok", "B>A")),
        ("[[A>B]], no, [[B>A]]", ("ok", "B>A"), ("conflicting", None)),
        ("Verdict: [A=B]", ("ok", "A=B"), NOTHING),
        # Single brackets are read only where there are no double ones.
        ("[[A>B]]\nor [B>A]", ("ok", "A>B"), NOTHING),
        ("[[A<<B]]", ("ok", "B>>A"), NOTHING),
        # Upstream stops at these.
        ("[[A>>>B]]", NOTHING, NOTHING),
        ("Both [A] and [B]", NOTHING, NOTHING),
        ("", NOTHING, NOTHING),
    ],
)
def test_the_last_label(text, paper, hardened):
    assert parse_last_label([text], "paper") == paper
    assert parse_last_label([text], "hardened") == hardened


def test_settings_that_are_not_done_are_refused(tmp_path):
    path = tmp_path / "prompts.yaml"

    def load(**changes):
        path.write_text(yaml.safe_dump(SETTINGS | changes))
        return load_category_prompts(path)

    assert [*load(system_prompt="Judge.")] == [""]
    for changes, message in [
        ({}, "key 'system_prompt': expected a text"),
        ({"reference": ["o1"]}, r"key 'reference': \['o1'\] is not supported"),
        ({"regex_patterns": ["x"]}, "key 'regex_patterns'"),
        ({"prompt_template": "{QUESTION} {ANSWER_A}"}, r"does not show \{ANSWER_B\}"),
        ({"prompt_template": TEMPLATE + "{REFERENCE}"}, r"unknown placeholder \{REFERENCE\}"),
    ]:
        with pytest.raises(UserError, match=message):
            load(**{"system_prompt": "Judge."} | changes if changes else {})


@pytest.fixture
def prepared(tmp_path):
    """Two questions of one category, of one of the other; what upstream's files look like."""
    categories = ["hard_prompt", "creative_writing", "hard_prompt"]
    questions = [
        {"uid": f"u{n}", "category": name, "subcategory": "x", "prompt": f"Question {n}?"}
        for n, name in enumerate(categories)
    ]
    settings = {name: {"system_prompt": f"Judge {name}."} for name in set(categories)}
    (tmp_path / "judge_utils.py").write_text(f"JUDGE_SETTINGS = {settings!r}")
    (tmp_path / "v2.yaml").write_text(yaml.safe_dump(SETTINGS))
    baseline = [
        {"uid": f"u{n}", "model": "o3", "messages": [{"content": {"answer": f"base {n}"}}]}
        for n in range(3)
    ]
    write(tmp_path / "question.jsonl", questions)
    write(tmp_path / "o3.jsonl", baseline)
    answers = [
        Completion(question_id=f"u{n}", turns=[f"ours {n}"], finish_reasons=["stop"], tokens=[2])
        for n in range(3)
    ]
    write_jsonl(tmp_path / "answers.jsonl", answers)
    files = {"sources": "question.jsonl", "prompts": "v2.yaml", "system_prompts": "judge_utils.py"}
    files |= {"baseline": "o3.jsonl"}
    sources = {key: [{"local": str(tmp_path / name)}] for key, name in files.items()}

    def prepare(*names):
        row = {"protocol": "arena_hard_v2", "format": "arena_hard", "categories": names}
        benchmark = Benchmark.model_validate(row | sources)
        write_benchmark(benchmark.model_dump_json(), "hard", tmp_path / "hard")

    return SimpleNamespace(folder=tmp_path, prepare=prepare)


def test_from_upstream_s_files_to_a_win_rate(prepared):
    """u0: the judge answers game 1 alone, so neither counts; u2: a win and a tie, 75 %."""
    prepared.prepare("hard_prompt")
    folder = prepared.folder
    replies = {
        ("Question 0?", "base 0", "ours 0"): "[[B>A]]",
        ("Question 0?", "ours 0", "base 0"): "I cannot say.",
        ("Question 2?", "base 2", "ours 2"): "[[b>a]]",
        ("Question 2?", "ours 2", "base 2"): "[A=B]",
    }

    def reply(body, before):
        system, user = (message["content"] for message in body["messages"])
        assert system == "Judge hard_prompt."
        parts = tuple(line[2:] for line in user.split("\n"))
        return completion(replies[parts])

    with JudgeServer(reply) as server:
        judge = Judge(backend="openai", model="j", base_url=server.url, api_key_env=None)
        files = folder / "answers.jsonl", folder / "verdicts.jsonl"
        where = folder / "hard"
        store = {"store": folder / "judge.sqlite"}
        judge_answers(judge.model_dump_json(), "arena_hard_v2", where, *files, **store)
        assert len(server.bodies) == 4  # nobody is asked twice
    labels = [verdict.label for verdict in read_jsonl(folder / "verdicts.jsonl", Verdict)]
    assert labels == ["B>A", None, "B>A", "A=B"]
    questions, out = where / "questions.jsonl", folder / "scores.csv"
    baseline = where / "judge/baseline.jsonl"
    aggregate_verdicts(files[1], questions, files[0], "arena_hard_v2", out, baseline)
    found = read_verdict_scores(out)
    assert (found.protocol, found.content.n_asked, found.content.n_scored) == (
        *("arena_hard_v2", 4, 2),
    )
    assert found.question_scores() == {"u2": 75.0}
    assert found.content.densities.shape == (2, 4)
    assert found.flags() == {"u0": "n", "u2": "d"}


def test_a_category_without_a_system_prompt_is_named(prepared):
    prepared.prepare()
    texts = prepared.folder / "hard/judge/system_prompts.json"
    texts.write_text(json.dumps({"hard_prompt": "Judge."}))
    judge = Judge(backend="openai", model="j", base_url="http://127.0.0.1:1", api_key_env=None)
    files = prepared.folder / "answers.jsonl", prepared.folder / "calls.jsonl"
    message = "question 'u1': no system prompt for category 'creative_writing'; .*: hard_prompt"
    with pytest.raises(UserError, match=message):
        judge_answers(
            *(judge.model_dump_json(), "arena_hard_v2", prepared.folder / "hard", *files),
            dry_run=True,
        )
