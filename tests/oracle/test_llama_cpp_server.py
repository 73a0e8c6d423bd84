"""A real server of another family, llama.cpp's, as judge: its endings, counts and errors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import pytest
from judge_calls import endpoint
from small_gguf import written

from asft.config import Judge, Server
from asft.generation.endpoint.ask import Outcome, Request, ask
from asft.generation.endpoint.store import Store
from asft.generation.server import served
from asft.judging.by_server import judge_by_server
from asft.judging.calls import Call
from asft.records import Message

pytestmark = pytest.mark.optional

SHORT = "Rate it."
LONG = "Rate it. " * 60  # of 256 tokens


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        folder = llama_cpp.installed()
    except OSError as fault:
        pytest.skip(f"no llama.cpp here: {fault}")
    home = tmp_path_factory.mktemp("llama")
    settings = Server(command=llama_cpp.command(folder), ready_s=120)
    with served(settings, written(home / "random.gguf"), home / "log") as url:
        yield url


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "judge.sqlite") as store:
        yield store


def says(text: str) -> dict[str, Any]:
    """The parameters that let a random model say this and nothing else."""
    literal = text.replace("\n", "\\n")
    return {"temperature": 0, "max_tokens": 100, "grammar": f'root ::= "{literal}"'}


def messages(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def ask_one(url: str, store: Store, text: str = SHORT, **parameters: Any) -> Outcome:
    judge = endpoint(url, parameters=parameters, timeout_s=60)
    [outcome] = ask(judge, [Request(messages(text))], store)
    return outcome


@pytest.mark.parametrize(
    ("parameters", "text", "thinking", "state"),
    [
        (says("Rating: [[7]]"), "Rating: [[7]]", "", "answer"),
        (says("Rating: [[7]]") | {"stop": ["[["]}, "Rating: ", "", "answer"),
        (says("Rating: [[7]]") | {"max_tokens": 4}, "Rati", "", "truncated"),
        (says("<think>\nhm\n</think>\n\n[[7]]"), "[[7]]", "<think>\nhm\n</think>\n\n", "answer"),
        (says("<think>\nhm") | {"max_tokens": 9}, "", "<think>\nh", "truncated"),
    ],
)
def test_replies(
    parameters: dict[str, Any], text: str, thinking: str, state: str, url: str, store: Store
) -> None:
    answer = ask_one(url, store, **parameters).answer
    assert answer is not None
    assert (answer.text, answer.thinking, answer.state) == (text, thinking, state)
    assert answer.ending == ("length" if state == "truncated" else "stop")
    assert answer.prompt_tokens == len(SHORT) + 1  # bytes, and the end of the turn
    # The end of the reply is counted too, where the model came to it.
    assert len(thinking + text) <= (answer.completion_tokens or 0) <= len(thinking + text) + 2


def test_a_reply_that_fills_the_context_is_cut_off(url: str, store: Store) -> None:
    answer = ask_one(url, store, max_tokens=1000, ignore_eos=True).answer
    assert answer is not None
    assert answer.state == "truncated"
    assert (answer.prompt_tokens or 0) + (answer.completion_tokens or 0) == 256


@pytest.mark.parametrize(
    ("text", "parameters", "state", "words"),
    [
        (LONG, {}, "too_long", "exceeds the available context size (256 tokens)"),
        (SHORT, {"grammar": "root := odd"}, "refused", "failed to parse grammar"),
        (SHORT, {"temperature": "hot"}, "refused", "type must be number, but is string"),
    ],
)
def test_errors(
    text: str, parameters: dict[str, Any], state: str, words: str, url: str, store: Store
) -> None:
    outcome = ask_one(url, store, text, **parameters)
    assert (outcome.state, outcome.attempts) == (state, 1)
    assert words in outcome.error


def test_a_wrong_path_is_told(url: str, store: Store) -> None:
    outcome = ask_one(url.removesuffix("/v1") + "/v2", store)
    assert (outcome.state, outcome.attempts) == ("refused", 1)
    assert "File Not Found; check `base_url`" in outcome.error


def test_it_judges_all_but_the_question_that_is_too_long(url: str, store: Store) -> None:
    judge = Judge(
        **{"backend": "openai", "model": "random", "base_url": url, "max_missing": 0.5},
        **{"parameters": says("Good. Rating: [[7]]"), "concurrency": 1},
    )
    texts = [SHORT, LONG, "Rate that."]
    calls = [Call(messages(text), f"{n}", "", 1, 0, 0) for n, text in enumerate(texts)]
    verdicts = judge_by_server("mt_bench", calls, judge, store)
    assert [(v.status, v.rating) for v in verdicts] == [
        *(("ok", 7), ("api_error", None)),
        ("ok", 7),
    ]
    assert "too long for the model" in verdicts[1].detail


def test_what_cannot_be_installed_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no-such==0 cannot be installed: .*; by hand: pip install"):
        llama_cpp.installed(tmp_path, "./no-such==0")
    with pytest.raises(OSError, match=r"not installed within 0\.01 s; by hand: pip install"):
        llama_cpp.installed(tmp_path, seconds=0.01)
    assert not list(tmp_path.iterdir())
