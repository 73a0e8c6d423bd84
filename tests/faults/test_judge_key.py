"""The key of a judge: sent to its server, and in no message, file, log or traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from judge_calls import CANARY, GOOD, JSON, endpoint, questions
from judge_server import JudgeServer, Reply, completion, error

from asft.errors import UserError
from asft.generation.endpoint.ask import ask
from asft.generation.endpoint.replies import read_answer
from asft.generation.endpoint.scrubbing import scrubbed
from asft.generation.endpoint.store import Store

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "127.0.0.1:8000/v1"}, "http://"),
        ({"base_url": f"http://user:{CANARY}@127.0.0.1/v1"}, "api_key_env"),
        ({"base_url": f"http://127.0.0.1/v1?key={CANARY}"}, "api_key_env"),
        ({"api_key_env": CANARY}, "name of an environment variable"),
        ({"api_key_env": "ASFT_TEST_UNSET"}, "ASFT_TEST_UNSET is not set"),
        ({"parameters": {"stream": True}}, "stream"),
    ],
)
def test_bad_endpoint_is_refused_without_showing_secrets(
    change: dict[str, Any], words: str, store: Store
) -> None:
    judge = endpoint("http://127.0.0.1:1/v1").model_copy(update=change)
    with pytest.raises(UserError, match=words) as caught:
        ask(judge, questions(1), store)
    assert CANARY not in str(caught.value)


def test_nothing_but_the_named_key_comes_from_the_environment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {CANARY}\nX-Own: {CANARY}")
    monkeypatch.setenv("JUDGE_KEY", " the-named-key\n")  # as `export JUDGE_KEY=$(cat file)` may
    with JudgeServer([GOOD]) as server:
        ask(endpoint(server.url), questions(1), store)
        ask(endpoint(server.url, api_key_env="JUDGE_KEY"), questions(1, "other"), store)
        first, second = server.headers
    assert CANARY not in json.dumps(server.headers)
    assert first["authorization"] == "Bearer none"
    assert second["authorization"] == "Bearer the-named-key"
    assert not [name for name in first if name.startswith("openai-")]


def test_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", CANARY)
    assert scrubbed(f"key {CANARY}!", "JUDGE_KEY") == "key ***"
    assert scrubbed("key sk-ca*******Lp8r.", "JUDGE_KEY") == "key ***"
    assert "canary" not in scrubbed(" " * 990 + CANARY, "JUDGE_KEY")
    assert len(scrubbed("x" * 10_000_000, None)) < 300


# Each line is one scenario: the model's name is the script's.
CANARY_RUN = """
import json, logging, os, sys, traceback
logging.basicConfig(level=logging.DEBUG, handlers=[
    logging.StreamHandler(), logging.FileHandler(sys.argv[3])])
from asft.generation.endpoint.ask import ask, shortfall
from asft.errors import UserError
from asft.generation.endpoint.store import Store
sys.path[:0] = ["tests"]
from judge_calls import endpoint, questions

def show(error):
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(shown.format(chain=True)), file=sys.stderr)

url, store = sys.argv[1], Store(sys.argv[2])
for model in sys.argv[4:]:
    for attempts in (1, 2):
        judge = endpoint(url, model=model, max_attempts=attempts, timeout_s=0.3,
                         api_key_env="JUDGE_KEY")
        try:
            outcomes = ask(judge, questions(2), store)
            print(model, outcomes, judge)
            if missing := shortfall(outcomes):
                raise UserError(missing)
        except UserError as error:
            show(error)
os.environ["JUDGE_KEY"] += "\\nX-More: 1"
try:
    ask(judge, questions(1, "more"), store)
except UserError as error:
    show(error)
store.get("")
os.kill(os.getpid(), 9)  # what a job that runs leaves in the store stays for the test to read
"""


def _echoes() -> dict[str, Reply]:
    """Every fault, with the key echoed wherever a server can put it."""
    masked = f"Incorrect API key provided: {CANARY[:8]}********{CANARY[-4:]}. Find your key at …"
    replies = {"success": GOOD, "masked": error(401, masked), "hang": GOOD._replace(delay=1)}
    for status in (400, 401, 403, 404, 429, 500):
        replies[f"echo {status}"] = error(status, f"Bearer {CANARY} is not welcome", CANARY)
    replies["quota"] = error(429, f"{CANARY} has no quota", "insufficient_quota")
    replies["long wait"] = error(429, f"{CANARY} waits", Retry_After="600")
    replies["echo page"] = Reply(f"<p>{CANARY}</p>".encode(), 502, (("Content-Type", "text/html"),))
    replies["echo junk"] = Reply(f"{{{CANARY}".encode(), headers=JSON)
    replies["echo object"] = Reply(json.dumps({"error": CANARY}).encode(), headers=JSON)
    replies["reset"] = Reply(CANARY.encode() * 9, reset_after=100)
    replies["null"] = completion(None)
    return replies


def test_key_is_in_no_file_log_or_traceback(tmp_path: Path) -> None:
    replies = _echoes()
    with JudgeServer(lambda body, _: replies[body["model"]]) as server:
        log = tmp_path / "run.log"
        command = [sys.executable, "-c", CANARY_RUN, server.url]
        command += [str(tmp_path / "judge.answers"), str(log), *replies]
        environment = {**os.environ, "JUDGE_KEY": CANARY, "OPENAI_LOG": "debug"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        authorised = {header.get("authorization") for header in server.headers}
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert authorised == {f"Bearer {CANARY}"}  # it was really sent
    assert done.stderr.count(b"UserError") >= len(replies)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".jsonl", ".alive", ".log"}
    places = {"stdout": done.stdout, "stderr": done.stderr}
    places |= {path.name: path.read_bytes() for path in files}
    for name, content in places.items():
        for piece in (CANARY, CANARY[:8], CANARY[-4:]):
            assert piece.encode() not in content, name


def test_a_key_that_is_no_secret_stays_in_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local servers take any word for a key; judges use the same words."""
    keyless = endpoint("http://127.0.0.1/v1")
    keyed = keyless.model_copy(update={"api_key_env": "JUDGE_KEY"})
    for key, text in (("7", "[[7]]"), ("none", "There is none. [[3]]"), ("", "[[5]]")):
        monkeypatch.setenv("JUDGE_KEY", key)
        assert read_answer(completion(text).body, keyed).text == text
    monkeypatch.setenv("JUDGE_KEY", f" {CANARY}\n")
    assert read_answer(completion(f"<{CANARY}>").body, keyed).text == "<***>"
    assert CANARY in read_answer(completion(f"<{CANARY}>").body, keyless).text  # no key was named
