"""Calls of a judge as tests make them: quick to give up; and a key that must not show."""

from typing import Any

from judge_server import completion

from asft.generation.endpoint.ask import Request
from asft.generation.endpoint.client import Endpoint

CANARY = "sk-canary-7Gq9zT4xWm2LpV8r"  # the key
JSON = (("Content-Type", "application/json"),)
GOOD = completion("Rating: [[7]]")


def endpoint(url: str, **settings: Any) -> Endpoint:
    quick = {"model": "gpt-4", "max_attempts": 3, "backoff_s": 0.01, "timeout_s": 5}
    return Endpoint(base_url=url, **{**quick, **settings})


def questions(count: int, text: str = "question") -> list[Request]:
    return [Request([{"role": "user", "content": f"{text} {n}"}]) for n in range(count)]
