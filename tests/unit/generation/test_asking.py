"""Policies asked by their names: their own answers, each by its template, and conversations."""

import io
import json
import os
import pty
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from asft.errors import UserError
from asft.files import read_jsonl
from asft.generation import loading
from asft.generation.asking import ask_policies
from asft.generation.chat import chat
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy
from asft.records import Completion, Message

LENGTH = 12
NAMES = ["pairs/asft", "base"]


@pytest.fixture(autouse=True)
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """On any processor, as what is compared with."""
    monkeypatch.setattr(loading, "resolve_precision", lambda precision: torch.float32)


@pytest.fixture(scope="module")
def results(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained policy and one of larger weights, whose answers say what they were asked."""
    folder = tmp_path_factory.mktemp("experiment") / "results"
    shutil.copytree(tiny, folder / "models/tiny")
    model = load_policy(tiny, torch.float32)
    torch.manual_seed(1)
    for weight in model.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.3)
    run = folder / "runs/pairs/asft/seed7"
    shutil.copytree(tiny, run / "policy")
    model.save_pretrained(run / "policy")
    (run / "settings.yaml").write_text("model: tiny\n")
    return folder


def expected(results: Path, talk: list[Message]) -> str:
    """What transformers says, of the policy that was trained."""
    folder = results / "runs/pairs/asft/seed7/policy"
    model, tokenizer = load_policy(folder, torch.float32), load_tokenizer(folder)
    prompt = tokenizer.apply_chat_template(
        talk, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.generate(**prompt, max_new_tokens=LENGTH, do_sample=False)
    ids = out[0, prompt["input_ids"].shape[1] :]
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


TALK = [user("Name a colour."), assistant("Red."), user("And another?")]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"prompt": "Who?"}) + "\n" + json.dumps({"messages": TALK}))
    return file


def test_answers_are_the_policys_own_side_by_side(
    results: Path, prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_policies([*NAMES, str(prompts)], results, max_new_tokens=LENGTH)
    shown = capsys.readouterr().out
    parts = re.split(r"^(?:> (.*)|\[(.*)\])\n\n?", shown, flags=re.M)
    assert [part for part in parts if part in ("Who?", "And another?", *NAMES)] == [
        *("Who?", *NAMES, "And another?", *NAMES)
    ]
    for talk in ([user("Who?")], TALK):
        assert expected(results, talk) in shown
    assert expected(results, TALK) != expected(results, TALK[2:])  # what was said before is heard
    ask_policies([NAMES[0], str(prompts)], results, max_new_tokens=LENGTH)
    assert f"[{NAMES[0]}]" not in capsys.readouterr().out  # alone it needs no name


def test_out_holds_completions_as_the_step_writes_them(
    results: Path, prompts: Path, tmp_path: Path
) -> None:
    words = [str(results / "runs/pairs/asft/seed7"), str(prompts)]
    flags = {"do_sample": True, "temperature": 0.9, "max_new_tokens": LENGTH, "seed": 3}
    for name in ("a", "b"):
        ask_policies(words, results, tmp_path / name, **flags)
    asked, answers = sorted(
        (tmp_path / "a").iterdir(), key=lambda path: path.name != "questions.jsonl"
    )
    assert [row.question_id for row in read_jsonl(answers, Completion)] == ["1", "2"]
    assert json.loads(asked.read_text().splitlines()[1])["context"] == TALK[:2]
    for path in (asked, answers):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


SETTINGS = {"decoding": {"max_new_tokens": LENGTH}, "generation": {"precision": "fp32"}}


def test_a_conversation_remembers_until_it_is_cleared(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = results / "runs/pairs/asft/seed7/policy"
    lines = ["Who?", "", "Why?", "long " * 3000, "/clear", "Why?"]
    chat({"it": folder}, SETTINGS, 0, lines)
    first = expected(results, [user("Who?")])
    talk = [user("Who?"), assistant(first), user("Why?")]
    told = [first, expected(results, talk), expected(results, [user("Why?")])]
    head, rest = capsys.readouterr().out.split("\n", 1)
    replies = rest.strip().split("\n\n")
    assert "Ctrl-D ends" in head
    assert [reply.removesuffix(" […]") for reply in (*replies[:2], replies[3])] == told
    assert "context" in replies[2]
    assert replies[2].endswith("/clear begins anew")


def test_a_terminal_begins_a_conversation(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"Who?\n\x04")
    with os.fdopen(terminal, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        ask_policies(NAMES, results, max_new_tokens=LENGTH)
    os.close(keyboard)
    shown = capsys.readouterr().out
    assert f"[{NAMES[0]}]\n{expected(results, [user('Who?')])}" in shown
    assert f"[{NAMES[1]}]\n" in shown


@pytest.mark.parametrize(
    ("words", "flags", "told"),
    [
        (["pairs/astf", "-"], {}, "no policy of this name.*did you mean 'pairs/asft'"),
        (["mine.txt"], {}, "name a policy before them"),
        (["base", "none.txt"], {}, r"none\.txt: no such file"),
        (["base", "-"], {"temperature": 0.5}, "add --do-sample"),
        (["base", "-"], {"do_sample": True, "top_p": 2}, "--top-p: "),
        (["base", "-"], {}, "standard input: no prompts"),
    ],
)
def test_a_fault_says_what_to_do(
    results: Path,
    words: list[str],
    flags: dict[str, float],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(UserError, match=told):
        ask_policies(words, results, **flags)
