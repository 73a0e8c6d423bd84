"""Log-probabilities of completions: those of plain forward passes, and of two equal policies."""

import json

import pytest
import torch

from asft.config import Tokens
from asft.data.comparisons import best_of_n, encode_completions
from asft.files import read_json, write_jsonl
from asft.metrics.ability_scores import AbilityKey, per_cent, read_ability_scores
from asft.metrics.implicit_reward import score_comparisons
from asft.models import load_policy, load_tokenizer
from asft.parquet import read_parquet
from asft.training.completion_logps import score_completions

ROWS = [
    best_of_n({"prompt": "Name a planet.", "chosen": ["Mars."], "rejected": ["Rome.", "A b c d."]}),
    best_of_n({"prompt": "Two and two?", "chosen": ["Four.", "4"], "rejected": ["Five."]}),
]
SETTINGS = json.dumps({"precision": "fp32", "token_budget": 512})


@pytest.fixture(scope="module")
def found(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("completions")
    write_jsonl(folder / "comparisons.jsonl", ROWS)
    score_completions(SETTINGS, tiny, folder / "comparisons.jsonl", folder / "own.parquet")
    return folder


def test_they_are_those_of_plain_forward_passes(tiny, found):
    lines = read_parquet(found / "own.parquet").to_pylist()
    sums = {(line["comparison"], line["completion"]): line["sum"] for line in lines}
    assert len(sums) == sum(len(row.completions) for row in ROWS)
    policy, tokenizer = load_policy(tiny, torch.float32).eval(), load_tokenizer(tiny)
    for pair in encode_completions(ROWS, tokenizer, Tokens()).pairs:
        name, place = pair.id.split("/")
        for step, completion in enumerate((pair.chosen, pair.rejected)):
            if not len(completion):
                continue
            ids = torch.tensor([[*pair.prompt, *completion]], dtype=torch.long)
            with torch.no_grad():
                logps = policy(ids).logits[0, :-1].log_softmax(-1)
            expected = logps.gather(1, ids[0, 1:, None])[-len(completion) :].sum()
            assert sums[name, int(place) + step] == pytest.approx(expected.item(), rel=1e-5)


def test_a_policy_that_is_its_own_reference_ties_in_all(found):
    own, out = found / "own.parquet", found / "implicit_reward.csv"
    score_comparisons("mine", found / "comparisons.jsonl", own, out, reference=own)
    sums = read_ability_scores(out).sums[AbilityKey("mine", "reward_accuracy", "none")]
    assert per_cent(sums) == pytest.approx(100 * (1 / 3 + 2 / 3) / 2)
    ties = read_json(out.with_suffix(".results.json"))["ties"]
    assert ties["reward_accuracy"] == len(ROWS)


def test_twice_the_same_bytes(tiny, found, tmp_path):
    score_completions(SETTINGS, tiny, found / "comparisons.jsonl", tmp_path / "own.parquet")
    assert (tmp_path / "own.parquet").read_bytes() == (found / "own.parquet").read_bytes()
