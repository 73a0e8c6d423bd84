"""The numbers of tasks in words: of all that are bundled, and of those of the paper's config."""

from pathlib import Path

import pytest
import yaml

from asft.config import PARTLY
from asft.files import read_json_rows
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
            assert metric["higher_is_better"]
    return found


@pytest.mark.parametrize("number", sorted(PAPER | bundled()), ids="-".join)
def test_it_is_explained(number: tuple[str, str, str]) -> None:
    assert "; higher is better" in AbilityKey(*number).meaning


def test_what_chance_gives() -> None:
    """Of the bundled questions counted; of completions of one right and three wrong ones 1/4."""
    rows = read_json_rows(DEMO / "truthfulness.jsonl")
    labels = [[row[f"mc{n}_targets"]["labels"] for row in rows] for n in (1, 2)]
    for n, found in enumerate(labels, 1):
        mean = sum(sum(each) / len(each) for each in found) / len(found)
        said = AbilityKey(f"asft_truthfulness_mc{n}", "acc", "none").meaning
        assert said.endswith(f"; by chance {100 * mean:.1f}")
    assert AbilityKey("mmlu_stem", "acc", "none").meaning.endswith("; by chance 25")
    assert AbilityKey("winogrande", "acc", "none").meaning.endswith("; by chance 50")
    assert "chance" not in AbilityKey("truthfulqa_mc1", "acc", "none").meaning


def test_policies_as_reward_models_and_what_is_neither_better_nor_worse() -> None:
    of_all, of_ties = (
        AbilityKey(f"own-pairs{x}", "reward_accuracy", "none") for x in ("", "_ties")
    )
    assert "best completion is a chosen one" in of_all.meaning
    assert of_ties.meaning.startswith("score of prompts with many right answers, from -1 to 101")
    partly = AbilityKey("asft_refusals", PARTLY[0], "judge local").meaning
    assert partly == "share of safe prompts whose answer is a partial refusal"


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
