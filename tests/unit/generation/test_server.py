"""Answers of a policy's server, whatever dialect it speaks; and the server's own surroundings."""

import json
import sys
from pathlib import Path

import pytest
from judge_server import JudgeServer, Reply, completion, error

from asft.config import Decoding, Server
from asft.errors import UserError
from asft.generation.server import answer_all, served
from asft.records import NO_ANSWER, Question
from asft.thinking import bare

QUESTIONS = [
    Question(question_id="a", turns=["Capital?"]),
    Question(question_id="b", turns=["Colour?", "Another?"]),
    Question(question_id="c", turns=["Number?"]),
]


def answers(server, folder, **settings):
    chosen = Server.model_validate({"max_attempts": 2, "concurrency": 1} | settings)
    decodings = [Decoding(do_sample=True, top_k=5, max_new_tokens=12)] * len(QUESTIONS)
    how = (QUESTIONS, decodings, 42, folder / "store.answers")
    return answer_all(server.url, chosen, Path("policy"), *how)


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        *(("eos_token", "stop"), ("max_tokens", "length"), ("content_filter", "content_filter")),
        *((None, ""), ("odd", "odd")),
    ],
)
def test_finish_reasons_of_all_dialects(reason, kept, tmp_path):
    with JudgeServer([completion("Paris.", reason)]) as server:
        found = answers(server, tmp_path)
        assert [c.turns for c in found] == [["Paris."], ["Paris.", "Paris."], ["Paris."]]
        assert [c.finish_reasons for c in found] == [[kept], [kept, kept], [kept]]
        assert answers(server, tmp_path) == found
        assert len(server.bodies) == 4


def test_tokens_that_nobody_counted_are_empty(tmp_path):
    reply = {"choices": [{"message": {"content": "Paris."}, "finish_reason": "stop"}]}
    with JudgeServer([Reply(json.dumps(reply).encode())]) as server:
        assert [c.tokens for c in answers(server, tmp_path)] == [[None], [None, None], [None]]


def test_an_answer_that_was_all_thinking_is_cut_off(tmp_path):
    with JudgeServer([completion(None, "length", reasoning_content="hm")]) as server:
        found = answers(server, tmp_path)
        assert len(server.bodies) == 4
    assert found[0].turns == [""]
    assert found[0].finish_reasons == ["length"]


@pytest.mark.parametrize("fault", [error(400, "prompt is too long"), error(400, "odd")])
def test_one_question_without_an_answer_keeps_none_of_the_others_from_theirs(fault, tmp_path):
    healed = False

    def script(body, before):
        bad = body["messages"][0]["content"] == "Capital?"
        return fault if bad and not healed else completion("Paris.")

    with JudgeServer(script) as server:
        with pytest.raises(UserError, match=r"1 of 3 questions have no answer.*'a': HTTP 400"):
            answers(server, tmp_path)
        assert len(server.bodies) == 4  # the second turn of another too
        healed = True
        assert len(answers(server, tmp_path)) == 3
        assert len(server.bodies) == 5


def test_some_questions_may_have_no_answer(tmp_path):
    """Asked and refused, up to the share that is given: nothing is made up for them."""

    def script(body, before):
        bad = body["messages"][-1]["content"] in ("Number?", "Another?")
        return error(400, "prompt is too long") if bad else completion("Paris.")

    with JudgeServer(script) as server:
        with pytest.raises(UserError, match=r"2 of 3 questions .* generation\.server\.max_missing"):
            answers(server, tmp_path, max_missing=0.5)
        found = answers(server, tmp_path, max_missing=0.7)
    assert [c.turns for c in found] == [["Paris."], ["Paris.", ""], [""]]
    assert [c.finish_reasons for c in found] == [["stop"], ["stop", NO_ANSWER], [NO_ANSWER]]
    assert [c.tokens for c in found] == [[3], [3, None], [None]]
    assert [[c.has_answer(turn) for turn in (1, 2)] for c in found[1:]] == [
        [True, False],
        [False] * 2,
    ]


def test_a_policy_without_any_answer_is_an_error_whatever_may_be_missing(tmp_path):
    with (
        JudgeServer([error(400, "prompt is too long")]) as server,
        pytest.raises(UserError, match="3 of 3 questions have no answer"),
    ):
        answers(server, tmp_path, max_missing=1.0)


def test_a_server_that_refuses_all_stops_the_run(tmp_path):
    with JudgeServer([error(400, "no such thing")]) as server:
        with pytest.raises(UserError, match="0 of 3 answered; 3 left, 1 of them not asked"):
            answers(server, tmp_path)
        assert len(server.bodies) == 2


def test_parameters_are_sent_as_they_are_and_null_leaves_one_out(tmp_path):
    given = {"chat_template_kwargs": {"enable_thinking": False}, "stop": ["#"], "seed": None}
    with JudgeServer([completion("Paris.")]) as server:
        answers(server, tmp_path, parameters=given)
        body = server.bodies[0]
    assert {name: body[name] for name in ("stop", "chat_template_kwargs")} == {
        "stop": ["#"],
        "chat_template_kwargs": {"enable_thinking": False},
    }
    assert "seed" not in body
    assert (body["top_k"], body["top_p"], body["max_tokens"]) == (5, 1.0, 12)


def test_our_own_server_is_reached_without_the_proxy(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("NO_PROXY", raising=False)
    (tmp_path / "health").write_text("")
    command = f"{sys.executable} -m http.server {{port}} --bind {{host}} --directory {tmp_path}"
    with served(Server(command=command, ready_s=30), Path("policy"), tmp_path / "log") as url:
        assert url.startswith("http://127.0.0.1:")


def test_thinking_is_kept_apart_and_out_of_the_next_turns_context(tmp_path):
    def script(body, before):
        field = body["messages"][0]["content"] == "Capital?"
        thinking = {"reasoning_content": "hm"} if field else {}
        return completion("Paris." if field else "<think>\nhm\n</think>\n\nParis.", **thinking)

    with JudgeServer(script) as server:
        found = answers(server, tmp_path)
        assert answers(server, tmp_path) == found  # from the store
        said = [m["content"] for m in server.bodies[-1]["messages"] if m["role"] == "assistant"]
    assert said == ["Paris."]
    assert {turn for c in found for turn in c.turns} == {"Paris."}
    assert [bare(text) for c in found for text in c.thinking] == ["hm"] * 4


def test_an_answer_that_was_cut_off_inside_its_thinking(tmp_path):
    with JudgeServer([completion("<think> could be", "length")]) as server:
        first = answers(server, tmp_path)[0]
    assert (first.turns, first.thinking, first.finish_reasons) == (
        *([""], ["<think> could be"]),
        ["length"],
    )
