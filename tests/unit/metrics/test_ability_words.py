"""The numbers of tasks in words: of all that are bundled, and of those of the paper's config."""

from pathlib import Path

import pytest
import yaml

from asft.metrics.ability_scores import AbilityKey

DEMO = Path(__file__).parents[3] / "asft/demo/abilities"
PAPER = {
    *(("gsm8k", "exact_match", name) for name in ("strict-match", "flexible-extract")),
    *(
        ("ifeval", f"{of}_level_{how}_acc", "none")
        for of in ("prompt", "inst")
        for how in ("strict", "loose")
    ),
    *(("truthfulqa_mc1", "acc", "none"), ("truthfulqa_mc2", "acc", "none")),
    *(("arc_challenge", "acc", "none"), ("arc_challenge", "acc_norm", "none")),
    *(("mmlu", "acc", "none"), ("mmlu_stem", "acc", "none")),
}


class Loader(yaml.SafeLoader):
    """Reads lm-eval's own tag as nothing."""


Loader.add_constructor("!function", lambda loader, node: None)


def bundled() -> set[tuple[str, str, str]]:
    found = set()
    for path in DEMO.glob("*.yaml"):
        task = yaml.load(path.read_text(), Loader)
        filters = [each["name"] for each in task.get("filter_list", [{"name": "none"}])]
        for metric in task["metric_list"]:
            found |= {(task["task"], metric["metric"], each) for each in filters}
    return found


@pytest.mark.parametrize("number", sorted(PAPER | bundled()), ids="-".join)
def test_it_is_explained(number: tuple[str, str, str]) -> None:
    assert AbilityKey(*number).meaning


def test_one_name_says_different_things_and_what_is_not_known_nothing() -> None:
    first, second = (AbilityKey(f"truthfulqa_mc{n}", "acc", "none").meaning for n in (1, 2))
    assert "highest log-probability" in first
    assert "probability of the true options" in second
    for number in (
        ("mine", "acc", "none"),
        ("gsm8k", "exact_match", "none"),
        ("mmlu_pro", "exact_match", "custom-extract"),
    ):
        assert AbilityKey(*number).meaning == ""
