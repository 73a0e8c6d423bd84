"""What `asft watch` shows of files that steps have written, and that it only reads."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from small_steps import done_here, failed_here

from asft.progress import Progress
from asft.training.history import HEADER
from asft.watching.steps import Step, running_steps
from asft.watching.words import spent

RUN = "runs/toy/a<b/seed1"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A training at step 40 of 100, 2 s a step, and a judge at call 3 of 8."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / RUN / "checkpoints"
    folder.mkdir(parents=True)
    now = [0.0]
    progress = Progress(folder / "progress.json", "train", 100, "step", clock=lambda: now[0])
    for step in range(41):
        now[0] = 2.0 * step
        progress.tell(step, lambda: {"tokens_per_second": 1234.5, "memory_bytes": 2_500_000_000})
    names = HEADER.split(",")
    lines = [HEADER]
    for step in range(41):
        row = {"step": step, "split": "train", "loss": 2 - step / 50, "margin": step / 10}
        lines.append(",".join(str(row.get(name, "")) for name in names))
        if step % 20 == 0:
            lines.append(lines[-1].replace("train", "heldout"))
    (folder / "history.csv").write_text("\n".join([*lines, "41,train,0.0"]))
    return tmp_path / "results"


@pytest.fixture
def judge(results):
    path, now = results / "logs/judge/toy/a/seed1/bench/gpt.log.progress", [0.0]
    path.parent.mkdir(parents=True)
    progress = Progress(path, "judge", 8, "call", clock=lambda: now[0])
    for done in range(4):
        now[0] = 1.5 * done
        progress.tell(done, lambda: {"sent": 4, "judge_tokens": 42, "uncounted": 0, "usd": 0.0153})


def test_steps_say_how_far_they_are(results, judge):
    now = time.time()
    train, judged = running_steps(results, None, now)
    assert train.name == "train toy/a<b/seed1"
    assert (train.done, train.total, train.unit) == (40, 100, "step")
    assert train.seconds_left(train.told) == pytest.approx(120)
    assert train.curves.loss[-1] == (40, 1.2)
    assert train.curves.heldout_margin == [(0, 0.0), (20, 2.0), (40, 4.0)]
    assert judged.name == "judge toy/a/seed1/bench/gpt"
    assert (judged.done, judged.total) == (3, 8)
    later = now + 3600
    assert [step.is_silent(later) for step in running_steps(results, None, later)] == [True]


def test_once_it_prints_and_writes_a_page_that_needs_nothing_else(results, judge, capsys):
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    done_here(["watch", "results", "--once"])
    shown = capsys.readouterr().out
    for word in ("train toy/a<b/seed1", "step 40 of 100", "1.2", "4", "1,234", "2.50 GB"):
        assert word in shown
    assert "call 3 of 8" in shown
    assert "4 sent, 0.015 USD" in shown
    page = (results / "live.html").read_text()
    assert "train toy/a&lt;b/seed1" in page
    assert page.count("<polyline") == 4
    assert not re.search(r"https?://|src=|<script|<link", page)
    assert 'http-equiv="refresh"' not in page
    now = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    assert now == before | {results / "live.html": now[results / "live.html"]}


def test_what_a_judge_spent_is_no_number_where_nobody_knows():
    step = Step("judge a", 3, 8, "call", sent=1200, judge_tokens=3456, uncounted=2)
    assert spent(step) == "1,200 sent, 3,456 tokens + 2 uncounted"
    assert spent(step._replace(usd=12.0, uncounted=0)) == "1,200 sent, 12.00 USD"
    assert spent(Step("judge local", 3, 8, "call")) == ""


def test_what_is_out_of_range_is_said_in_words(results, capsys):
    settings = {"loss": "dpo", "training": {"max_grad_norm": 1.0}}
    (results / RUN / "settings.yaml").write_text(yaml.safe_dump(settings))
    names = HEADER.split(",")
    rows = [
        {"step": step, "split": "heldout", "loss": 1 + step / 40, "pairs": 8} for step in (0, 20)
    ]
    lines = [",".join(str(row.get(name, "")) for name in names) for row in rows]
    (results / RUN / "checkpoints/history.csv").write_text("\n".join([HEADER, *lines, "21,tr"]))
    said = "warning: Held-out loss did not fall: 1 before, 1.5 after (8 pairs)"
    done_here(["watch", "results", "--once"])
    assert f"train toy/a<b/seed1, {said}" in capsys.readouterr().out
    assert f"<li>{said}</li>" in (results / "live.html").read_text()


def test_it_goes_on_until_it_is_told_to_end(results):
    watched = [str(Path(sys.executable).parent / "asft"), "watch", "--every", "1"]
    process = subprocess.Popen(watched, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    page, end = results / "live.html", time.monotonic() + 60
    while not (page.exists() and 'content="1"' in page.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, "")
    assert "step 40 of 100" in shown
    assert 'http-equiv="refresh"' not in page.read_text()


def test_no_folder_is_a_line(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert "nowhere: no such folder yet" in failed_here(["watch", "nowhere"], capfd)
