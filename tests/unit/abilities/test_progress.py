"""How far lm-eval is, in lines that are not too many."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from asft.abilities.progress import SECONDS, Progress
from asft.progress import FILE


def task(kind: str, answered: int, asked: int, repeats: int = 1) -> SimpleNamespace:
    instances = [
        SimpleNamespace(
            request_type=kind, repeats=repeats, resps=["said"] * repeats * (n < answered)
        )
        for n in range(asked)
    ]
    return SimpleNamespace(instances=instances)


def test_requests_and_tasks_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = tmp_path / "job.log.progress"
    monkeypatch.setenv(FILE, str(watched))
    now = [100.0]
    tasks = [
        task("loglikelihood", 3, 3),
        task("generate_until", 0, 4, 2),
        task("generate_until", 0, 2),
    ]
    progress = Progress(tasks, clock=lambda: now[0])
    progress.begin("generate_until", 9)  # 1 of 10 answered by a job before
    assert capsys.readouterr().err == "lm-eval: 4 of 13 requests, 1 of 3 tasks done\n"
    for _ in range(5):
        now[0] += SECONDS / 4
        progress.count()
    assert capsys.readouterr().err == "lm-eval: 8 of 13 requests, 1 of 3 tasks done\n"
    for _ in range(4):
        progress.count()
    told = json.loads(watched.read_text())  # the last of all is written at once
    assert [told[name] for name in ("what", "done", "total", "unit")] == [
        "lm-eval",
        13,
        13,
        "request",
    ]
    progress.end()
    assert capsys.readouterr().err == "lm-eval: 13 of 13 requests, 1 of 3 tasks done\n"
    assert not watched.exists()
