"""A real OpenAI-compatible server: `transformers serve` on the default model, as judge."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from asft.config import loading
from asft.data.prepare_benchmark import write_benchmark
from asft.files import read_jsonl, write_jsonl
from asft.generation.endpoint.store import Store
from asft.records import Completion, Question, Verdict

pytestmark = pytest.mark.model
pytest.importorskip("fastapi", reason="needs transformers[serving]")

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SECONDS_TO_START = 120


@contextmanager
def served(model: Path, home: Path) -> Iterator[str]:
    """The URL of a server of `model` that ends with the `with` block; its files go to `home`."""
    (home / "hub").mkdir(parents=True)  # without it the server answers 500
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(BIN / "transformers"), "serve", str(model), "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, home / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                if reply.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} in {SECONDS_TO_START} s: {log.read_text()}")


def test_the_served_default_model_judges(default_model: Path, tmp_path: Path) -> None:
    config = loading.load(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    settings = config.benchmarks["mt_bench"].model_copy(update={"limit": 2})
    folder, out = tmp_path / "mt_bench", tmp_path / "verdicts.jsonl"
    write_benchmark(settings.model_dump_json(), "mt_bench", folder)
    answers = [
        Completion(
            question_id=question.question_id,
            turns=["It is Paris."] * 2,
            finish_reasons=["stop"] * 2,
            tokens=[4, 4],
        )
        for question in read_jsonl(folder / "questions.jsonl", Question)
    ]
    write_jsonl(tmp_path / "completions.jsonl", answers)
    store = tmp_path / "judge.answers"
    with served(default_model, tmp_path / "serve") as url:
        judge = {"backend": "openai", "model": str(default_model), "base_url": url}
        judge |= {"parameters": {"temperature": 0, "max_tokens": 24}, "concurrency": 2}
        command = [str(BIN / "asft"), "judge", "--settings", json.dumps(judge)]
        command += ["--protocol", "mt_bench", "--benchmark", str(folder), "--store", str(store)]
        command += ["--completions", str(tmp_path / "completions.jsonl"), "--out", str(out)]
        subprocess.run(command, check=True, cwd=ROOT)
    verdicts = read_jsonl(out, Verdict)
    assert len(verdicts) == 4
    assert all(verdict.judgments[0].strip() for verdict in verdicts)
    # 135M parameters need not find a rating in 24 tokens; what they say must come back whole.
    assert {verdict.status for verdict in verdicts} <= {"ok", "no_verdict", "truncated"}
    with Store(store, read_only=True) as kept:
        stored = [kept.get(verdict.keys[0]) for verdict in verdicts]
    for answer in stored:
        assert answer is not None
        assert answer.finish_reason in ("stop", "length")
        assert answer.prompt_tokens is not None
        assert answer.prompt_tokens > 100
        assert 0 < (answer.completion_tokens or 0) <= 24
    first = out.read_bytes()
    subprocess.run(command, check=True, cwd=ROOT)  # the server is gone: nothing is asked twice
    assert out.read_bytes() == first
