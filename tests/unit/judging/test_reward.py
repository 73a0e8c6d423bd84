"""A reward model as judge: plain forward passes, verdicts of both orders, what is refused."""

import json
import math
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForSequenceClassification

from asft.config import Judge
from asft.data.answer_formats import BaselineAnswer
from asft.errors import UserError
from asft.generation.endpoint.store import Store
from asft.judging.calls import Call
from asft.judging.material import Material
from asft.judging.reward import RewardModel, judge_by_reward
from asft.models.folders import load_tokenizer
from asft.records import Completion, Question, Verdict

JUDGE = Judge(backend="reward_model", model="rm", precision="fp32")
ASKED, OURS, THEIRS = "Where is Paris?", "Paris is in France.", "I cannot help with that."


def made(tiny: Path, out: Path, labels: int = 1) -> Path:
    tokenizer = load_tokenizer(tiny)
    config = LlamaConfig.from_pretrained(tiny, num_labels=labels)
    torch.manual_seed(3)
    LlamaForSequenceClassification(config).save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "card.json").write_text("{}")
    return out


@pytest.fixture(scope="module")
def folder(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tiny, tmp_path_factory.mktemp("reward"))


def plain(folder: Path, answer: str) -> float:
    """The reward of a text by transformers alone."""
    tokenizer = load_tokenizer(folder)
    talk = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": answer}]
    text = tokenizer.apply_chat_template(talk, tokenize=False).removesuffix("\n")
    model = LlamaForSequenceClassification.from_pretrained(folder).eval()
    model.config.pad_token_id = None
    ids = torch.tensor([tokenizer.encode(text, add_special_tokens=False)])
    with torch.no_grad():
        return float(model(ids).logits[0, 0])


def judged(folder: Path, store: Path, protocol: str, ours: str = OURS) -> list[Verdict]:
    material = Material(
        questions=[Question(question_id="q", turns=[ASKED])],
        answers={"q": Completion(question_id="q", turns=[ours], finish_reasons=[], tokens=[])},
        references={},
        baseline={"q": BaselineAnswer(question_id="q", text=THEIRS, model="m")},
        prompts={},
    )
    calls = [Call([], "q", "", 1, game, 0) for game in (1, 2)]  # type: ignore[arg-type]
    with Store(store) as answers:
        return judge_by_reward(protocol, calls, material, JUDGE, folder, answers)


def test_the_reward_is_that_of_transformers(folder: Path) -> None:
    found = RewardModel(folder, JUDGE)
    for answer in (OURS, THEIRS):
        assert found.score(ASKED, answer) == pytest.approx(plain(folder, answer), rel=1e-5)


def test_preferences_are_bradley_and_terry_s_in_both_orders(folder: Path, tmp_path: Path) -> None:
    first, second = judged(folder, tmp_path / "store", "alpaca_eval")
    share = 1 / (1 + math.exp(plain(folder, THEIRS) - plain(folder, OURS)))
    assert first.rating == pytest.approx(share, rel=1e-4)  # in game 1 the policy's is the second
    assert second.rating == pytest.approx(1 - share, rel=1e-4)
    assert first.probabilities["M"] == first.rating
    assert set(first.keys) == set(second.keys)  # each answer is scored once


def test_a_label_is_of_the_higher_reward(folder: Path, tmp_path: Path) -> None:
    ours = plain(folder, OURS) > plain(folder, THEIRS)
    labels = [verdict.label for verdict in judged(folder, tmp_path / "store", "arena_hard")]
    assert labels == (["B>A", "A>B"] if ours else ["A>B", "B>A"])
    tied = judged(folder, tmp_path / "store", "arena_hard", ours=THEIRS)
    assert [verdict.label for verdict in tied] == ["A=B", "A=B"]
    assert json.dumps([verdict.probabilities for verdict in tied]).count("0.5") == 4


def test_what_is_no_reward_model_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"2 outputs, and a reward is one number"):
        RewardModel(made(tiny, tmp_path / "two", labels=2), JUDGE)
    with pytest.raises(UserError, match=r"weights are not in its files \(first: score"):
        RewardModel(tiny, JUDGE)
    with pytest.raises(UserError, match="mt_bench rates single ones"):
        judged(tiny, tmp_path / "store", "mt_bench")


def test_an_answer_that_is_too_long_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="an answer is too long for the reward model"):
        RewardModel(folder, JUDGE).score(ASKED, "word " * 3000)
