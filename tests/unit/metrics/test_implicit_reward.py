"""Policies as reward models, from log-probabilities worked by hand."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from asft.data.comparisons import best_of_n
from asft.errors import UserError
from asft.files import read_json, read_json_rows, write_jsonl
from asft.metrics.ability_scores import AbilityKey, per_cent, read_ability_scores
from asft.metrics.implicit_reward import score_comparisons
from asft.parquet import write_parquet

REWARD, PER_TOKEN = "reward_accuracy", "per_token_accuracy"


def row(name, subset, chosen=1, rejected=2):
    texts = [f"{name} {subset} {n}" for n in range(chosen + rejected)]
    return best_of_n(
        {"id": name, "subset": subset, "prompt": f"{subset} {name}?"}
        | {"chosen": texts[:chosen], "rejected": texts[chosen:]}
    )


ROWS = [row("1", "Math"), row("2", "Math"), row("3", "Precise IF", rejected=1)]
# (sums, tokens) of each completion under the policy, and sums under the reference.
POLICY = [((-4.0, -6.0, -3.0), (4, 2, 3)), ((-9.0, -2.0, -1.0), (3, 1, 1)), ((-2.0, -2.0), (1, 1))]
REFERENCE = [(-5.0, -6.0, -3.0), (-9.0, -2.0, -1.0), (-2.0, -1.0)]


def logps(path, rows, sums, tokens, cut=False):
    lines = [
        {"comparison": r.id, "completion": n, "sum": total, "tokens": count, "cut": cut and n == 0}
        for r, each, lengths in zip(rows, sums, tokens, strict=True)
        for n, (total, count) in enumerate(zip(each, lengths, strict=True))
    ]
    write_parquet(path, pa.Table.from_pylist(lines))
    return path


def scored(folder: Path, rows=ROWS, policy=POLICY, reference=REFERENCE, asked=None, name="rb"):
    folder.mkdir(exist_ok=True)
    write_jsonl(folder / "comparisons.jsonl", asked or rows)
    sums, tokens = zip(*policy, strict=True)
    own = logps(folder / "own.parquet", rows, sums, tokens, cut=True)
    start = logps(folder / "start.parquet", rows, reference, tokens) if reference else None
    out = folder / "implicit_reward.csv"
    score_comparisons(name, folder / "comparisons.jsonl", own, out, reference=start)
    return read_ability_scores(out)


def value(found, task, metric):
    return float(per_cent(found.sums[AbilityKey(task, metric, "none")]))


def test_values_by_hand(tmp_path):
    found = scored(tmp_path)
    # Rewards: (1, 0, 0) is won; (0, 0, 0) ties three ways; (0, -1) is won.
    assert value(found, "rb_math", REWARD) == pytest.approx(100 * (1 + 1 / 3) / 2)
    assert value(found, "rb_precise_if", REWARD) == 100
    # Per token: (-1, -3, -1) ties; (-3, -2, -1) is lost; (-2, -2) ties.
    assert value(found, "rb_math", PER_TOKEN) == 25
    assert value(found, "rb_precise_if", PER_TOKEN) == 50
    about = read_json(tmp_path / "implicit_reward.results.json")
    assert about["ties"] == {REWARD: 1, PER_TOKEN: 2}
    assert (about["asked"], about["cut"], about["without_room"]) == (3, 3, 0)


def test_all_together_are_the_mean_of_the_subsets(tmp_path):
    found = scored(tmp_path)
    assert value(found, "rb", REWARD) == pytest.approx((100 * 2 / 3 + 100) / 2)
    assert value(found, "rb", PER_TOKEN) == pytest.approx((25 + 50) / 2)
    key = AbilityKey("rb", REWARD, "none")
    assert [name.split()[0] for name in found.asked[key]] == ["math/1", "math/2", "precise_if/3"]


def test_without_a_reference_there_is_no_reward_and_no_number(tmp_path):
    found = scored(tmp_path, reference=None)
    lines = (tmp_path / "implicit_reward.csv").read_text().splitlines()
    assert all(line.endswith(",,") for line in lines if f",{REWARD}," in line)
    assert value(found, "rb", PER_TOKEN) == pytest.approx((25 + 50) / 2)
    about = read_json(tmp_path / "implicit_reward.results.json")
    assert "base is that reference itself" in about["remarks"][0]
    assert set(found.asked) == set(scored(tmp_path / "other").asked)


def test_ties_are_scored_by_prompts(tmp_path):
    rows = [row("ref:1", "Ties", rejected=1), row("tied:1", "Ties", chosen=2, rejected=1)]
    alone = row("ref:2", "Ties", rejected=1)  # its tied row is behind a limit
    policy = [((-1.0, -2.0), (1, 1)), ((-1.0, -1.5, -3.0), (1, 1, 1)), ((-1.0, -2.0), (1, 1))]
    found = scored(tmp_path, [*rows, alone], policy, reference=None)
    # Gaps 1 and 1.5, spread 0.5.
    assert value(found, "rb_ties", PER_TOKEN) == pytest.approx(100.761594, abs=1e-6)
    assert len(found.asked[AbilityKey("rb_ties", PER_TOKEN, "none")]) == 1
    about = read_json(tmp_path / "implicit_reward.results.json")
    assert about["spans"] == {"rb_ties": [-1, 101]}
    with pytest.raises(UserError, match="of no prompt of Ties both rows"):
        scored(tmp_path / "alone", [alone], policy[2:], reference=None)


def test_what_was_not_measured_is_empty(tmp_path):
    found = scored(tmp_path, asked=[*ROWS, row("4", "Math")])
    assert value(found, "rb_precise_if", REWARD) == 100
    lines = (tmp_path / "implicit_reward.csv").read_text().splitlines()
    assert next(line for line in lines if line.startswith(f"rb_math,{REWARD},none,4,")).endswith(
        ",,"
    )
    assert read_json(tmp_path / "implicit_reward.results.json")["without_room"] == 1


def test_samples_hold_what_was_ranked(tmp_path):
    scored(tmp_path)
    lines = read_json_rows(tmp_path / "implicit_reward.samples.jsonl")
    assert [(line["task"], line["part"]) for line in lines[2:4]] == [
        ("rb_precise_if", ""),
        ("rb", "math"),
    ]
    first = lines[0]
    assert first["arguments"][0] == ["Math 1?", "[chosen] 1 Math 0"]
    assert [found[0][0] for found in first["resps"]] == [-4, -6, -3]
    assert (first[REWARD], first[PER_TOKEN]) == (1, 0.5)
    assert json.dumps(first)


def test_a_reference_of_other_completions_is_refused(tmp_path):
    scored(tmp_path)
    other = logps(tmp_path / "other.parquet", ROWS[:1], REFERENCE[:1], [(9, 9, 9)])
    out = tmp_path / "implicit_reward.csv"
    with pytest.raises(UserError, match=r"other\.parquet: completions .*: other tokens than in"):
        score_comparisons(
            "rb", tmp_path / "comparisons.jsonl", tmp_path / "own.parquet", out, other
        )
