"""Score a policy as a reward model, by its own log-probabilities and without a judge.

Reads  comparisons.jsonl; the completions' log-probabilities under a policy, and under what it was
       trained from (asft.training.completion_logps)
Writes implicit_reward.csv            a line per task, metric and question, as Table 4 reads them
       implicit_reward.results.json   ties, completions that were cut, prompts that were left out
       implicit_reward.samples.jsonl  each prompt, with the log-probability of each completion
By hand: asft score-comparisons --help
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from asft.data import Comparison, read_comparisons
from asft.errors import UserError
from asft.files import write_json, write_text
from asft.metrics.ability_scores import ability_csv
from asft.metrics.ability_words import PER_TOKEN, REWARD
from asft.metrics.comparison_tasks import Question, Scores, questions_of
from asft.metrics.corpus import Values
from asft.metrics.rankings import TIES_SPAN, share_of_first
from asft.parquet import read_parquet

SHOWN = 200  # characters of a completion among the samples
NO_REFERENCE = (
    f"the implicit reward ({REWARD}) compares a policy that was trained here with what it was"
    " trained from; base is that reference itself and has none, nor has a policy from elsewhere"
)
COUNTED = "of completions that tie for the best the share counts that is chosen"


class Logps(NamedTuple):
    """The log-probabilities of completions, by comparison: arrays (completions,)."""

    path: Path
    sums: dict[str, Values]
    tokens: dict[str, Values]
    cut: int


def score_comparisons(
    name: str, comparisons: Path, logps: Path, out: Path, reference: Path | None = None
) -> None:
    """Write whether a policy ranks chosen completions above rejected ones, a line per question.

    reward_accuracy ranks by log π - log ref, summed over tokens: the implicit reward of DPO
    (Rafailov et al. 2023), of which β > 0 changes no rank. per_token_accuracy ranks by log π per
    token, without a reference. A row is won as `rankings.share_of_first` says. With subsets each is
    a task of its own, and all together the mean of their scores, as RewardBench 2's leaderboard.

    Args:
        name: of the benchmark
        logps: of the completions under the policy
        reference: of these under what it was trained from; without it there is no reward
        out: a CSV file; .results.json and .samples.jsonl go beside it

    Raises:
        UserError: a file is damaged, or the reference's are of other completions.
    """
    asked, own = read_comparisons(comparisons), _read(logps)
    rewards = _rewards(own, _read(reference)) if reference else {}
    scores = {
        REWARD: rewards,
        PER_TOKEN: {key: own.sums[key] / own.tokens[key] for key in own.sums},
    }
    questions = questions_of(name, asked, scores)
    samples = "".join(line for each in questions for line in _samples(each, own))
    write_text(out.with_suffix(".samples.jsonl"), samples)
    about: dict[str, Any] = {"results": {}, "left_out": [], "cut": own.cut, "asked": len(asked)}
    about |= {"remarks": [COUNTED] if reference else [NO_REFERENCE, COUNTED]}
    prompts = dict.fromkeys(each.task for each in questions if len(each.comparisons) > 1)
    about |= {"spans": dict.fromkeys(prompts, TIES_SPAN)}
    about |= {"without_room": sum(each.id not in own.sums for each in asked)}
    about |= {"ties": {metric: _ties(asked, found) for metric, found in scores.items()}}
    write_json(out.with_suffix(".results.json"), about)
    write_text(out, ability_csv(row for each in questions for row in each.rows()))


def _read(path: Path) -> Logps:
    names = ["comparison", "completion", "sum", "tokens", "cut"]
    table = read_parquet(path, columns=names).to_pydict()
    sums: dict[str, list[float]] = {}
    tokens: dict[str, list[int]] = {}
    for key, total, count in zip(table["comparison"], table["sum"], table["tokens"], strict=True):
        sums.setdefault(key, []).append(total)
        tokens.setdefault(key, []).append(count)
    found = [{key: np.array(x) for key, x in each.items()} for each in (sums, tokens)]
    return Logps(path, found[0], found[1], sum(table["cut"]))


def _rewards(own: Logps, start: Logps) -> dict[str, Values]:
    """Log-ratios of policy and reference, by comparison."""
    found = {}
    for key, sums in own.sums.items():
        if not np.array_equal(own.tokens[key], start.tokens.get(key, ())):
            raise UserError(
                f"{start.path}: completions {key}: other tokens than in {own.path}; make both anew"
            )
        found[key] = sums - start.sums[key]
    return found


def _ties(asked: list[Comparison], scores: Scores) -> int:
    """How many rows have both a chosen and a rejected completion among the best."""
    found = [share_of_first(scores[x.id], len(x.chosen)) for x in asked if x.id in scores]
    return sum(0 < share < 1 for share in found)


def _samples(question: Question, own: Logps) -> list[str]:
    """A line per comparison, in the form of lm-eval's records."""
    lines = []
    for comparison in question.comparisons:
        line: dict[str, Any] = {"task": question.task, "part": question.part}
        line["doc_id"] = comparison.question_id
        line |= {"doc_hash": comparison.id, "target": "0", "filter": "none"}
        line |= {"metrics": list(question.values), **question.values, **_said(comparison, own)}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return lines


def _said(comparison: Comparison, own: Logps) -> dict[str, Any]:
    prompt, sums = _text(comparison.prompt), own.sums.get(comparison.id)
    arguments, found = [], []
    for place, completion in enumerate(comparison.completions):
        kind = "chosen" if place < len(comparison.chosen) else "rejected"
        text = _text(completion)
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]} …"
        arguments.append([prompt, f"[{kind}] {shown}"])
        found.append([[None if sums is None else round(float(sums[place]), 3)]])
    return {"arguments": arguments, "resps": found}


def _text(part: Any) -> str:
    """What is said in a prompt or completion; of a conversation its turns."""
    if isinstance(part, str):
        return part
    if len(part) == 1:
        return str(part[0]["content"])
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in part)
