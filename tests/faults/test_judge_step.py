"""The whole step `asft judge` against a real server that misbehaves: verdicts, requests, files."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from judge_calls import CANARY, GOOD
from judge_server import JudgeServer, Reply, completion, error

from asft.config import loading
from asft.data.answer_formats import BaselineAnswer
from asft.data.prepare_benchmark import write_benchmark
from asft.files import read_jsonl, write_jsonl
from asft.records import NO_ANSWER, Completion, Question, Verdict

ROOT = Path(__file__).parents[2]
ASFT = Path(sys.executable).parent / "asft"
CONFIG = loading.load(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two judged benchmarks of the default, eight questions each, and somebody's answers."""
    folder = tmp_path_factory.mktemp("benchmarks")
    for name in ("mt_bench", "arena_hard"):
        settings = CONFIG.benchmarks[name].model_copy(update={"limit": 8})
        write_benchmark(settings.model_dump_json(), name, folder / name)
        questions = read_jsonl(folder / name / "questions.jsonl", Question)
        answers = [
            Completion(
                question_id=q.question_id,
                turns=[f"answer {n}, turn {t}." for t in range(len(q.turns))],
                finish_reasons=["stop"] * len(q.turns),
                tokens=[4] * len(q.turns),
            )
            for n, q in enumerate(questions)
        ]
        write_jsonl(folder / name / "completions.jsonl", answers)
    return folder


def command(benchmarks: Path, benchmark: str, url: str, out: Path, **settings: Any) -> list[str]:
    judge = {"backend": "openai", "model": "gpt-4", "base_url": url, "api_key_env": "JUDGE_KEY"}
    judge |= {"timeout_s": 2, "max_attempts": 2, "backoff_s": 0.05, "concurrency": 4, **settings}
    folder = benchmarks / benchmark
    return [
        *(str(ASFT), "--log", str(out.with_suffix(".log")), "judge"),
        *("--settings", json.dumps(judge), "--protocol", benchmark, "--benchmark", str(folder)),
        *("--completions", str(folder / "completions.jsonl")),
        *("--store", str(out.parent / "cache/judge.answers"), "--out", str(out)),
    ]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"JUDGE_KEY": CANARY}
    return subprocess.run(
        arguments, cwd=ROOT, env=environment, text=True, capture_output=True, check=False
    )


def about(body: dict[str, Any]) -> tuple[int, int]:
    """The question's number and the last turn among the answers that a call shows."""
    found = re.findall(r"answer (\d+), turn (\d+)\.", json.dumps(body["messages"]))
    return max((int(n), int(t)) for n, t in found)


# By question, in turn 1 (turn 2 is always [[5]]): what the judge says, what becomes of it.
RATINGS: list[tuple[Reply, tuple[str, float | None], tuple[str, float | None]]] = [
    (completion("Good. Rating: [[7]]"), ("ok", 7), ("ok", 7)),
    (completion("[[3]] or rather [[8]]"), ("ok", 3), ("conflicting", None)),
    (completion("Rating: [[11]]"), ("ok", 11), ("out_of_range", None)),
    (completion("arr[0] is read.\nRating: [[6]]"), ("ok", 6), ("ok", 6)),
    (completion("arr[0] is read.\nRating: 6"), ("ok", 0), ("no_verdict", None)),
    (completion("I cannot say."), ("no_verdict", None), ("no_verdict", None)),
    (completion("It is", "length"), ("truncated", None), ("truncated", None)),
    (completion("[[9]]\nIn short, good."), ("ok", 9), ("no_verdict", None)),
]


@pytest.mark.parametrize("protocol", ["paper", "hardened"])
def test_ratings(benchmarks: Path, tmp_path: Path, protocol: str) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        question, turn = about(body)
        return completion("[[5]]") if turn else RATINGS[question][0]

    with JudgeServer(script) as server:
        arguments = command(
            benchmarks, "mt_bench", server.url, tmp_path / "v.jsonl", protocol=protocol
        )
        done = run(arguments)
        assert done.returncode == 0, done.stderr
        assert len(server.bodies) == 16
        assert run(arguments).returncode == 0  # from the store
        assert len(server.bodies) == 16
    verdicts = read_jsonl(tmp_path / "v.jsonl", Verdict)
    expected = [row[1 if protocol == "paper" else 2] for row in RATINGS]
    assert [(v.status, v.rating) for v in verdicts if v.turn == 1] == expected
    assert {v.rating for v in verdicts if v.turn == 2} == {5.0}
    assert {v.model for v in verdicts} == {"judge-0613"}


# By question, in game 1 (game 2 is always [[A=B]]): replies to the question and to "go on".
GAMES: list[tuple[list[Reply], tuple[str, str | None], int]] = [
    ([completion("My final verdict is: [[A>>B]]")], ("ok", "A>>B"), 1),
    ([completion("[[A>B]] … [[B>A]]")], ("conflicting", None), 1),
    ([completion("[[A>B]] … [[A>B]]")], ("ok", "A>B"), 1),
    ([completion("[[A<B]]")], ("no_verdict", None), 1),
    ([completion("Hmm."), completion("[[B>A]]")], ("ok", "B>A"), 2),
    ([completion("Hmm."), completion("Hmm again.")], ("no_verdict", None), 2),
    ([completion("Cut", "length"), completion("here", "length")], ("truncated", None), 2),
    ([completion("arr[0] then [[B>>A]]")], ("ok", "B>>A"), 1),
]


def test_a_limit_of_cost_keeps_what_was_judged(benchmarks: Path, tmp_path: Path) -> None:
    out, prices = tmp_path / "v.jsonl", {"input": 2, "output": 8}  # 46 millionths of a USD a call
    with JudgeServer() as server:
        settings = {"prices": prices, "max_cost": 5.5 * 46e-6}
        done = run(command(benchmarks, "mt_bench", server.url, out, **settings))
        assert done.returncode == 1
        assert "5 of 16 judged; 11 left" in done.stderr
        assert "`max_cost` 0.00025 USD: 0.00023 USD are spent on 5 answers" in done.stderr
        assert "Traceback" not in done.stderr + out.with_suffix(".log").read_text()
        assert (len(server.bodies), out.exists()) == (5, False)
        more = ["--spending", json.dumps({"prices": prices, "max_cost": 1})]  # as the rule prints
        assert run([*command(benchmarks, "mt_bench", server.url, out), *more]).returncode == 0
        assert len(server.bodies) == 16


def test_games(benchmarks: Path, tmp_path: Path) -> None:
    first_games: Counter[int] = Counter()
    baseline = read_jsonl(benchmarks / "arena_hard/judge/baseline.jsonl", BaselineAnswer)

    def script(body: dict[str, Any], before: int) -> Reply:
        question, _ = about(body)
        text = body["messages"][1]["content"]
        if text.index(f"answer {question},") < text.index(baseline[question].text):
            return completion("[[A=B]]")  # game 2: our answer comes first
        first_games[question] += 1
        asked_on = len(body["messages"]) > 2
        return GAMES[question][0][1 if asked_on else 0]

    with JudgeServer(script) as server:
        arguments = command(benchmarks, "arena_hard", server.url, tmp_path / "v.jsonl")
        done = run(arguments)
        assert done.returncode == 0, done.stderr
        expected = 8 + sum(calls for *_, calls in GAMES)
        assert len(server.bodies) == expected
        assert run(arguments).returncode == 0
        assert len(server.bodies) == expected
    verdicts = read_jsonl(tmp_path / "v.jsonl", Verdict)
    assert [(v.status, v.label) for v in verdicts if v.game == 1] == [row[1] for row in GAMES]
    assert {v.label for v in verdicts if v.game == 2} == {"A=B"}
    assert dict(first_games) == {n: row[2] for n, row in enumerate(GAMES)}


def test_calls_that_stay_without_answer(benchmarks: Path, tmp_path: Path) -> None:
    """The step fails in one line and keeps what came; a rerun asks for the rest alone."""
    healed = False

    def script(body: dict[str, Any], before: int) -> Reply:
        return (
            error(400, "filtered", "content_filter") if about(body)[0] == 2 and not healed else GOOD
        )

    out = tmp_path / "v.jsonl"
    with JudgeServer(script) as server:
        arguments = command(benchmarks, "mt_bench", server.url, out)
        done = run(arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "14 of 16 judged; 2 left: HTTP 400: filtered" in done.stderr
        assert not out.exists()
        tolerant = command(benchmarks, "mt_bench", server.url, out, max_missing=0.2)
        assert run(tolerant).returncode == 0
        verdicts = read_jsonl(out, Verdict)
        assert Counter(v.status for v in verdicts) == {"ok": 14, "api_error": 2}
        assert all(v.rating is None and "HTTP 400" in v.detail for v in verdicts if v.detail)
        healed, sent = True, len(server.bodies)
        assert run(arguments).returncode == 0
        assert len(server.bodies) == sent + 2
    assert Counter(v.status for v in read_jsonl(out, Verdict)) == {"ok": 16}


def test_kill_and_rerun(benchmarks: Path, tmp_path: Path) -> None:
    """kill -9 at several moments: no answer that was stored is ever asked for again."""
    out = tmp_path / "v.jsonl"
    with JudgeServer([GOOD._replace(delay=0.1)]) as server:
        arguments = command(benchmarks, "mt_bench", server.url, out, concurrency=2)
        environment = os.environ | {"JUDGE_KEY": CANARY}
        for until in (3, 7, 11):
            child = subprocess.Popen(arguments, cwd=ROOT, env=environment)
            while len(server.bodies) < until and child.poll() is None:
                time.sleep(0.002)
            child.kill()
            assert child.wait() == -signal.SIGKILL
            assert not out.exists()
        assert run(arguments).returncode == 0
        repeated = Counter(json.dumps(body, sort_keys=True) for body in server.bodies)
        assert len(repeated) == 16
        assert sum(repeated.values()) <= 16 + 3 * 2  # at most the calls in flight at each kill
    assert len(read_jsonl(out, Verdict)) == 16


def test_changed_answers_alone_are_asked_anew(benchmarks: Path, tmp_path: Path) -> None:
    out = tmp_path / "v.jsonl"
    with JudgeServer([GOOD]) as server:
        arguments = command(benchmarks, "mt_bench", server.url, out)
        assert run(arguments).returncode == 0
        answers = read_jsonl(benchmarks / "mt_bench/completions.jsonl", Completion)
        turns = [answers[0].turns[0], "another second answer, turn 1."]
        answers[0] = answers[0].model_copy(update={"turns": turns})
        changed = tmp_path / "changed.jsonl"
        write_jsonl(changed, answers)
        arguments[arguments.index("--completions") + 1] = str(changed)
        assert run(arguments).returncode == 0
        assert len(server.bodies) == 16 + 1


def test_another_way_to_read_answers_costs_nothing(benchmarks: Path, tmp_path: Path) -> None:
    """No answer here needs neutralising: `hardened` sends the same messages, reads otherwise."""
    out = tmp_path / "v.jsonl"
    with JudgeServer([completion("[[9]]\nIn short, good.")]) as server:
        assert run(command(benchmarks, "mt_bench", server.url, out)).returncode == 0
        assert {(v.status, v.rating) for v in read_jsonl(out, Verdict)} == {("ok", 9)}
        assert len(server.bodies) == 16
        out.unlink()
        again = command(benchmarks, "mt_bench", server.url, out, protocol="hardened")
        assert run(again).returncode == 0
        assert len(server.bodies) == 16
    assert Counter(v.status for v in read_jsonl(out, Verdict)) == {"no_verdict": 16}


def test_the_key_is_in_no_output(benchmarks: Path, tmp_path: Path) -> None:
    """A server that echoes the key in its errors, with and without --debug."""
    texts = ""
    for status in (400, 401, 404, 429, 500):
        with JudgeServer([error(status, f"Bearer {CANARY} is not welcome", CANARY)]) as server:
            arguments = command(benchmarks, "mt_bench", server.url, tmp_path / f"{status}.jsonl")
            for debug in ([], ["--debug"]):
                done = run([arguments[0], *debug, *arguments[1:]])
                assert done.returncode == 1
                texts += done.stdout + done.stderr
            assert server.headers[0]["authorization"] == f"Bearer {CANARY}"
    # Echoed in an answer and in all that goes with it: stored and kept without it.
    reply = json.loads(completion(f"Your key is {CANARY}. [[7]]").body)
    reply |= {"model": f"judge-{CANARY}", "system_fingerprint": CANARY}
    reply["choices"][0]["finish_reason"] = CANARY
    echo = completion("")._replace(body=json.dumps(reply).encode())
    with JudgeServer([echo]) as server:
        done = run(command(benchmarks, "mt_bench", server.url, tmp_path / "ok.jsonl"))
        assert done.returncode == 0, done.stderr
        texts += done.stdout + done.stderr
    verdicts = read_jsonl(tmp_path / "ok.jsonl", Verdict)
    assert {(v.rating, v.judgments[0]) for v in verdicts} == {(7, "Your key is ***. [[7]]")}
    assert CANARY not in texts
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".log", ".jsonl"}
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_dry_run_sends_nothing(benchmarks: Path, tmp_path: Path) -> None:
    with JudgeServer([GOOD]) as server:
        arguments = command(benchmarks, "arena_hard", server.url, tmp_path / "calls.jsonl")
        assert run([*arguments, "--dry-run"]).returncode == 0
        assert not server.bodies
        calls = [json.loads(line) for line in (tmp_path / "calls.jsonl").open(encoding="utf-8")]
        assert (
            run(command(benchmarks, "arena_hard", server.url, tmp_path / "v.jsonl")).returncode == 0
        )
        sent = [
            json.dumps(body["messages"]) for body in server.bodies if len(body["messages"]) == 2
        ]
    assert sorted(json.dumps(call["messages"]) for call in calls) == sorted(sent)


TOO_LONG = error(400, "prompt is too long: 210000 tokens > 200000 maximum")


@pytest.mark.parametrize("fault", [TOO_LONG, error(400, "nobody knows"), error(413, "Too large")])
def test_one_bad_question_is_one_call_without_an_answer(
    benchmarks: Path, tmp_path: Path, fault: Reply
) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        return fault if about(body) == (1, 0) else GOOD

    out = tmp_path / "v.jsonl"
    with JudgeServer(script) as server:
        once = command(benchmarks, "mt_bench", server.url, out, max_missing=0.1, concurrency=1)
        assert run(once).returncode == 0
        assert len(server.bodies) == 16
        verdicts = read_jsonl(out, Verdict)
        assert Counter(v.status for v in verdicts) == {"ok": 15, "api_error": 1}
        assert json.loads(fault.body)["error"]["message"] in "".join(v.detail for v in verdicts)
        strict = command(benchmarks, "mt_bench", server.url, out, concurrency=1)
        done = run(strict)
        assert len(server.bodies) == 17  # that call alone, again
    assert done.returncode == 1
    assert "15 of 16 judged; 1 left: HTTP 4" in done.stderr
    assert "`max_missing` would go on without them" in done.stderr


def test_a_run_that_stopped_is_not_finished(benchmarks: Path, tmp_path: Path) -> None:
    """The quota is gone after five calls: what was never asked is no call without an answer."""

    def script(body: dict[str, Any], before: int) -> Reply:
        return GOOD if len(server.bodies) <= 5 else error(429, "Gone", "insufficient_quota")

    out = tmp_path / "v.jsonl"
    with JudgeServer(script) as server:
        settings = {"max_missing": 1.0, "concurrency": 1}
        done = run(command(benchmarks, "mt_bench", server.url, out, **settings))
        assert len(server.bodies) == 6
    assert done.returncode == 1
    assert "5 of 16 judged; 11 left, 10 of them not asked: HTTP 429: Gone" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("reply", "status", "detail"),
    [
        (completion(None, "length", reasoning_content="hm"), "truncated", "finish_reason length"),
        (completion(None, "content_filter"), "api_error", "content_filter (refused by moderation)"),
        (completion("So", "SAFETY"), "no_verdict", "finish_reason SAFETY"),
    ],
)
def test_the_state_of_a_reply_is_told(
    benchmarks: Path, tmp_path: Path, reply: Reply, status: str, detail: str
) -> None:
    out = tmp_path / "v.jsonl"
    with JudgeServer([reply]) as server:
        done = run(command(benchmarks, "mt_bench", server.url, out, max_missing=1.0))
        assert done.returncode == 0, done.stderr
        assert len(server.bodies) == 16  # one request each
    verdicts = read_jsonl(out, Verdict)
    assert {v.status for v in verdicts} == {status}
    assert all(detail in v.detail for v in verdicts)


def test_settings_are_as_wide_as_the_wire(
    benchmarks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "a header's value 0000")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    given = {"chat_template_kwargs": {"enable_thinking": False}, "stop": ["#"], "logprobs": True}
    limits = {"max_tokens": 4096, "max_completion_tokens": 4096, "temperature": None}
    waits = {"max_wait_s": 600, "backoff_s": 0.1, "headers_env": {"x-api-key": "OTHER_KEY"}}
    with JudgeServer([GOOD]) as server:
        arguments = command(
            benchmarks,
            "mt_bench",
            server.url,
            tmp_path / "v.jsonl",
            parameters=given | limits,
            **waits,
        )
        done = run(arguments)
        assert done.returncode == 0, done.stderr
        body = server.bodies[0]
        assert {name: body[name] for name in body if name not in ("model", "messages")} == {
            **given,
            "max_completion_tokens": 4096,
        }
        assert server.headers[0]["x-api-key"] == "a header's value 0000"
    assert "gpt-4: not sent" in (tmp_path / "v.log").read_text()
    (stored,) = (tmp_path / "cache/judge.answers").iterdir()
    assert b"a header's value" not in stored.read_bytes()


THOUGHT = "<think>\nAt first sight [[3]].\n</think>\n\nRating: [[8]]"
DIFFERS = "upstream's parse, which reads the thinking too: 3.0; behind it: 8.0"


@pytest.mark.parametrize(
    ("reply", "settings", "rating", "detail"),
    [
        (completion(THOUGHT), {"protocol": "hardened"}, 8, ""),
        (completion(THOUGHT), {"protocol": "paper"}, 3, DIFFERS),
        (completion(THOUGHT), {"protocol": "paper", "behind_thinking": True}, 8, ""),
        (completion("Rating: [[8]]", reasoning_content="[[3]]"), {"protocol": "paper"}, 8, ""),
        (completion("Rating: [[8]]", reasoning="[[3]]"), {"protocol": "hardened"}, 8, ""),
    ],
)
def test_verdicts_are_read_behind_the_thinking(
    benchmarks: Path,
    tmp_path: Path,
    reply: Reply,
    settings: dict[str, Any],
    rating: int,
    detail: str,
) -> None:
    """But where a protocol is upstream's to the byte: then it says so."""
    out = tmp_path / "v.jsonl"
    with JudgeServer([reply]) as server:
        done = run(command(benchmarks, "mt_bench", server.url, out, **settings))
    assert done.returncode == 0, done.stderr
    verdicts = read_jsonl(out, Verdict)
    assert {(v.rating, v.detail) for v in verdicts} == {(rating, detail)}
    assert {v.judgments[0] for v in verdicts} == {"Rating: [[8]]"}
    assert all("[[3]]" in v.thinking[0] for v in verdicts)
    warned = "16 of 16 verdicts are read in its thinking" in (tmp_path / "v.log").read_text()
    assert warned == bool(detail)


@pytest.mark.parametrize("protocol", ["paper", "hardened"])
def test_a_verdict_inside_thinking_that_was_cut_off_is_none(
    benchmarks: Path, tmp_path: Path, protocol: str
) -> None:
    out = tmp_path / "v.jsonl"
    with JudgeServer([completion("<think> It could be a [[7]]", "length")]) as server:
        assert (
            run(command(benchmarks, "mt_bench", server.url, out, protocol=protocol)).returncode == 0
        )
        assert len(server.bodies) == 16
    assert {(v.status, v.rating) for v in read_jsonl(out, Verdict)} == {("truncated", None)}


def test_a_label_in_the_thinking_alone_is_asked_for_again(benchmarks: Path, tmp_path: Path) -> None:
    def script(body: dict[str, Any], before: int) -> Reply:
        first = len(body["messages"]) == 2
        return completion("<think>[[A>B]]?</think>B is better." if first else "[[B>A]]")

    out = tmp_path / "v.jsonl"
    with JudgeServer(script) as server:
        arguments = command(benchmarks, "arena_hard", server.url, out, protocol="hardened")
        assert run(arguments).returncode == 0
        assert len(server.bodies) == 32
        said = {
            m["content"] for b in server.bodies for m in b["messages"] if m["role"] == "assistant"
        }
    assert said == {"B is better."}
    assert {(v.status, v.label) for v in read_jsonl(out, Verdict)} == {("ok", "B>A")}


def test_judges_see_answers_without_their_thinking(benchmarks: Path, tmp_path: Path) -> None:
    """Unless they shall see it: the same answers then, and the thinking before them."""
    answers = read_jsonl(benchmarks / "mt_bench/completions.jsonl", Completion)
    thought = [
        a.model_copy(update={"turns": [f"<think>{THOUGHTS}</think>{text}" for text in a.turns]})
        for a in answers
    ]
    write_jsonl(tmp_path / "thought.jsonl", thought)
    seen = []
    for name, flags in (("plain", []), ("apart", []), ("shown", ["--with-thinking"])):
        out = tmp_path / f"{name}.jsonl"
        arguments = command(benchmarks, "mt_bench", "http://127.0.0.1:1/v1", out)
        if name != "plain":
            arguments[arguments.index("--completions") + 1] = str(tmp_path / "thought.jsonl")
        assert run([*arguments, "--dry-run", *flags]).returncode == 0
        seen.append(out.read_text())
    assert seen[0] == seen[1]
    assert THOUGHTS in seen[2]


@pytest.mark.parametrize(("benchmark", "asked"), [("mt_bench", 13), ("arena_hard", 12)])
def test_answers_that_are_not_there_are_not_judged(
    benchmark: str, asked: int, benchmarks: Path, tmp_path: Path
) -> None:
    """Of eight, the first has no answer to its last turn, the second none at all."""
    answers = read_jsonl(benchmarks / benchmark / "completions.jsonl", Completion)
    turns = len(answers[0].turns)
    ends = [["stop"] * (turns - 1) + [NO_ANSWER], [NO_ANSWER] * turns]
    answers[:2] = [
        a.model_copy(update={"finish_reasons": e}) for a, e in zip(answers, ends, strict=False)
    ]
    write_jsonl(tmp_path / "some.jsonl", answers)
    verdict = "[[8]]" if benchmark == "mt_bench" else "[[A>B]]"
    out = tmp_path / "v.jsonl"
    with JudgeServer([completion(verdict)]) as server:
        arguments = command(benchmarks, benchmark, server.url, out)
        arguments[arguments.index("--completions") + 1] = str(tmp_path / "some.jsonl")
        done = run(arguments)
        assert done.returncode == 0, done.stderr
        assert len(server.bodies) == asked
    verdicts = read_jsonl(out, Verdict)
    assert Counter(v.status for v in verdicts) == {"ok": asked, "api_error": 16 - asked}
    details = {v.detail for v in verdicts if v.status == "api_error"}
    assert details == {"not asked: the policy has no answer"}


@pytest.mark.parametrize(
    ("benchmark", "file"), [("arena_hard", "baseline"), ("mt_bench", "references")]
)
def test_judges_see_published_answers_without_their_thinking(
    benchmark: str, file: str, benchmarks: Path, tmp_path: Path
) -> None:
    shutil.copytree(benchmarks / benchmark, tmp_path / benchmark)
    path, out = tmp_path / benchmark / f"judge/{file}.jsonl", tmp_path / "asked.jsonl"

    def asked(*flags: str) -> str:
        arguments = command(tmp_path, benchmark, "http://127.0.0.1:1/v1", out)
        assert run([*arguments, "--dry-run", *flags]).returncode == 0
        return out.read_text()

    before = asked()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        holder, name = (row, "text") if "text" in row else (row["choices"][0]["turns"], 0)
        holder[name] = f"<think>\n{THOUGHTS}\n</think>\n\n{holder[name]}"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert asked() == before
    assert THOUGHTS in asked("--with-thinking")


THOUGHTS = "a thought that no judge need see"
