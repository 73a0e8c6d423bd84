"""The judge of refusals in the config: what is refused, and what no rule is told without one."""

import copy
from typing import Any

import pytest
from default_config import DEFAULT

from asft.config import judged_refusals
from asft.config.loading import load
from asft.errors import UserError


def with_judge(judge: str = "local", **benchmark: Any) -> dict[str, Any]:
    raw = copy.deepcopy(DEFAULT)
    raw["benchmarks"]["abilities"] |= {"refusals": {"judge": judge}, **benchmark}
    return raw


def refusal(raw: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        load(raw)
    return str(caught.value)


def test_a_judge_is_one_of_table_4s_benchmarks() -> None:
    found = judged_refusals(load(with_judge()))
    assert {name: row.judge for name, row in found.items()} == {"abilities": "local"}
    assert not judged_refusals(load(DEFAULT))
    unset = load(DEFAULT).model_dump()
    assert "refusals" not in unset["benchmarks"]["abilities"] | unset["figures"]


def test_what_cannot_classify_is_refused() -> None:
    key = "config: benchmarks.abilities.refusals"
    assert refusal(with_judge("loca")) == f"{key}.judge: unknown name 'loca'; did you mean 'local'?"
    others = with_judge(tasks=["gsm8k", "asft/demo/abilities/asft_word_problems.yaml"])
    assert refusal(others).startswith(f"{key}: none of its tasks has the metrics safe_answered and")
    orders = with_judge()
    orders["judges"]["mine"] = {"backend": "local", "model": "absent"}
    orders["benchmarks"]["abilities"]["refusals"]["judge"] = "mine"
    assert "config: judges.mine.model: unknown name 'absent'" in refusal(orders)
    orders["judges"]["mine"] = DEFAULT["judges"]["local"] | {"calibrate": "orders"}
    assert "config: judges.mine.calibrate: orders needs two answers" in refusal(orders)
