"""What is sent to a model: parameters without what is null or excludes another, and headers."""

from pathlib import Path

import pytest
import yaml

from asft.errors import UserError
from asft.generation.endpoint.client import Endpoint, check, open_client

ROOT = Path(__file__).parents[3]
URL = "http://127.0.0.1/v1"


def test_a_newer_model_over_the_papers_config():
    """An overlay names model and limit alone; what that model refuses is left out."""
    raw = yaml.safe_load((ROOT / "workflow/config/paper.yaml").read_text(encoding="utf-8"))
    below = raw["judges"]["gpt4_turbo"]["parameters"]
    parameters = below | {"max_completion_tokens": 4096}
    for model in ("gpt-5", "gpt-5.1-mini", "o3", "openai/o4-mini"):
        sent = Endpoint(base_url=URL, model=model, parameters=parameters).parameters
        assert sent == {"max_completion_tokens": 4096}
    older = Endpoint(base_url=URL, model="gpt-4o", parameters=parameters)
    assert older.parameters == {"max_completion_tokens": 4096, "temperature": 0}


def test_null_leaves_out_and_all_else_stays():
    given = {"temperature": None, "stop": ["#"], "logprobs": True, "a": {"b": [None, {"c": 1}]}}
    sent = Endpoint(base_url=URL, model="m", parameters=given).parameters
    assert sent == {"stop": ["#"], "logprobs": True, "a": {"b": [None, {"c": 1}]}}


def test_headers_are_names_of_variables(monkeypatch):
    judge = Endpoint(base_url=URL, model="m", headers_env={"x-api-key": "sk-secret"})
    with pytest.raises(UserError, match="`headers_env` must be the name") as caught:
        check(judge)
    assert "sk-secret" not in str(caught.value)
    judge = Endpoint(base_url=URL, model="m", headers_env={"x-api-key": "ASFT_TEST_UNSET"})
    with pytest.raises(UserError, match="ASFT_TEST_UNSET is not set to the header x-api-key"):
        open_client(judge)
    monkeypatch.setenv("ASFT_TEST_UNSET", "a\nb: c")
    with pytest.raises(UserError, match="ASFT_TEST_UNSET is not set"):
        open_client(judge)
