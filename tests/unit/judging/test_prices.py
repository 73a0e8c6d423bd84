"""What a judge's tokens cost: money, none, or nobody knows."""

import json

from judge_calls import GOOD, endpoint, questions
from judge_server import JudgeServer, error

from asft.config import Judge
from asft.generation import Reply, Store, ask
from asft.judging.prices import Spent, judge_cost, taken
from asft.progress import FILE, Progress


def test_cost_of_tokens():
    gpt4 = Judge(backend="openai", model="gpt-4-0613")  # 30 and 60 USD a million
    assert judge_cost(gpt4, 10_000, 2_000) == 0.3 + 0.12
    assert judge_cost(gpt4.model_copy(update={"model": "unheard-of"}), 10_000, 2_000) is None
    assert judge_cost(Judge(backend="local", model="mine"), 10_000, 2_000) == "local"
    assert judge_cost(Judge(backend="reward_model", model="mine"), 10_000, 2_000) == "local"


def test_what_answers_took_leaves_out_what_nobody_counted():
    answers = [
        Reply("[[7]]", "stop", "judge", read, written, "", "2026-11-30")
        for read, written in ((10_000, 2_000), (2_000, 500), (None, 500), (10, None))
    ]
    gpt4 = Judge(backend="openai", model="gpt-4-0613")
    words = "2 answers took 12,000 + 2,500 tokens"
    assert taken(gpt4, answers[:2]) == f"{words}, 0.51 USD"  # 12 · 0.03 + 2.5 · 0.06
    unknown = gpt4.model_copy(update={"model": "unheard-of"})
    rest = "and of 2 more nobody counted them"
    assert taken(unknown, answers) == f"{words}, cost unknown, {rest}"


def test_a_running_job_tells_what_it_sent_and_paid_and_not_what_was_stored(tmp_path, monkeypatch):
    told = tmp_path / "judge.log.progress"
    monkeypatch.setenv(FILE, str(told))
    monkeypatch.setattr(Progress, "end", lambda self: None)
    judge = Judge(backend="openai", model="gpt-4", prices={"input": 30, "output": 60})

    def script(body, before):  # 11 + 3 tokens each; the third at its second attempt
        return error(500) if "2" in body["messages"][-1]["content"] and not before else GOOD

    with Store(tmp_path / "store") as store, JudgeServer(script) as server:
        for sent, paid in ((4, 0.00153), (0, 0.0)):
            spent = Spent(judge)
            ask(endpoint(server.url), questions(3), store, spent.add, facts=spent.facts)
            found = json.loads(told.read_text())
            assert (found["done"], found["sent"], round(found["usd"], 9)) == (3, sent, paid)
            assert found["judge_tokens"] == 14 * min(sent, 3)
    unknown = judge.model_copy(update={"prices": None, "model": "unheard-of"})
    assert Spent(unknown).facts()["usd"] is None
