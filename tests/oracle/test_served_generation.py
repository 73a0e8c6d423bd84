"""Answers by a real server, `transformers serve`, started and stopped by the step itself."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from asft.files import read_jsonl, write_json, write_jsonl
from asft.generation.generate import generate_answers
from asft.records import Completion, Question

pytest.importorskip("fastapi", reason="needs transformers[serving]")
pytestmark = pytest.mark.model

BIN = Path(sys.executable).parent
QUESTIONS = [
    Question(question_id="a", turns=["What is the capital of France?"], category="", references=[]),
    Question(question_id="b", turns=["Name a colour.", "And another?"], category="", references=[]),
]
DECODING = {"do_sample": False, "max_new_tokens": 12}


def settings(**generation):
    return json.dumps({"decoding": DECODING, "temperatures": {}, "generation": generation})


def serve():
    command = f"{BIN}/transformers serve {{policy}} --device cpu --host {{host}} --port {{port}}"
    return {"command": command, "model": "{policy}", "ready_s": 120, "concurrency": 1}


@pytest.fixture
def quiet_home(tmp_path, monkeypatch):
    (tmp_path / "home" / "hub").mkdir(parents=True)  # without it the server answers 500
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


def ours(process):
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if process in line and "ps -eo" not in line]


def test_a_server_gives_the_answers_of_the_step(default_model, tmp_path, quiet_home):
    questions = tmp_path / "questions.jsonl"
    write_jsonl(questions, QUESTIONS)
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    generate_answers(settings(precision="bf16"), default_model, questions, here, 42)
    # As imported from the hub or a folder, the base policy is a pointer.
    write_json(tmp_path / "base" / "pointer.json", {"local": str(default_model)})
    write_json(tmp_path / "base" / "card.json", {})
    served = settings(backend="openai", server=serve())
    generate_answers(served, tmp_path / "base", questions, there, 42)
    expected, found = (read_jsonl(path, Completion) for path in (here, there))
    assert [c.question_id for c in found] == ["a", "b"]
    assert [len(c.turns) for c in found] == [1, 2]
    # Batched and single products round differently in bf16: the first answer starts alike.
    assert found[0].turns[0].split()[:4] == expected[0].turns[0].split()[:4]
    assert {r for c in found for r in c.finish_reasons} <= {"stop", "length"}
    assert not list(tmp_path.glob("*.partial*"))
    deadline = time.monotonic() + 10
    while ours(str(default_model)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours(f"serve {default_model}") == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-server {port}", "generation.server.command: no-such-server"),
        (f"{sys.executable} -c \"raise SystemExit('no room')\"", "ended with status 1: no room"),
        (f'{sys.executable} -c "import time; time.sleep(60)"', "no answer in 1 s"),
    ],
)
def test_a_server_that_does_not_come_is_one_line(tiny, tmp_path, command, said):
    write_jsonl(tmp_path / "q.jsonl", QUESTIONS)
    chosen = settings(backend="openai", server={"command": command, "ready_s": 1})
    step = [BIN / "asft", "generate", "--policy", tiny, "--questions", tmp_path / "q.jsonl"]
    step += ["--settings", chosen, "--out", tmp_path / "out.jsonl"]
    done = subprocess.run(
        list(map(str, step)), capture_output=True, text=True, env=os.environ, timeout=60
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
