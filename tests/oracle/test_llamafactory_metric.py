"""`lf_*` against LLaMA-Factory's ComputeSimilarity, restated here from its definition.

Source: hiyouga/LLaMA-Factory 097d0310 (2024-08-23), src/llamafactory/train/sft/metric.py: jieba
tokens joined by blanks, rouge_chinese's f, nltk's sentence BLEU over characters with method3.
"""

import logging
import random
from collections.abc import Callable

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese import Rouge

from asft.metrics.bleu_rouge import llamafactory_row

Cut = Callable[[str], list[str]]

PROSE = (
    "The Great Wall of China isn't visible from space with the naked eye. Is that surprising?\n\n"
    "1. It is long (21,196 km), but narrow.\n2. Its colour resembles the soil around it!\n \n\n"
    "```python\nprint('wall-e', x != y)  # 100 %\n```\nSo: \"no\"... unless one zooms in…… Right？”"
)
CHINESE = (
    "长城从太空用肉眼看不见。真的吗？“是的！”他说。\n因为它很长，但是很窄。 The wall 很窄 50%。"
)
TEXTS = [PROSE, CHINESE, PROSE.lower(), PROSE[: len(PROSE) // 2], PROSE + "\n\n" + CHINESE]
TEXTS += ["Yes", "yes.", "ab", "x", "", " \n\t ", "...", "!!!", "??", "a\n\nb", "\n \na", "🙂 🙂🙂"]


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """jieba.cut of a fresh default tokenizer, its cache in a folder of the test."""
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("jieba"))
    return lambda text: list(tokenizer.cut(text))


def compute_similarity(prediction: str, label: str, cut: Cut) -> dict[str, float]:
    hypothesis, reference = " ".join(cut(prediction)), " ".join(cut(label))
    if len(hypothesis.split()) == 0 or len(reference.split()) == 0:
        rouge = {name: {"f": 0.0} for name in ("rouge-1", "rouge-2", "rouge-l")}
    else:
        rouge = Rouge().get_scores(hypothesis, reference)[0]
    bleu = sentence_bleu(
        [list(label)], list(prediction), smoothing_function=SmoothingFunction().method3
    )
    return {
        "lf_bleu4": round(bleu * 100, 4),
        "lf_rouge1": round(rouge["rouge-1"]["f"] * 100, 4),
        "lf_rouge2": round(rouge["rouge-2"]["f"] * 100, 4),
        "lf_rougeL": round(rouge["rouge-l"]["f"] * 100, 4),
    }


@pytest.mark.parametrize("label", TEXTS)
def test_equal_on_every_pair_of_texts(label: str, cut: Cut):
    for prediction in TEXTS:
        expected = compute_similarity(prediction, label, cut)
        assert llamafactory_row(prediction, [label]) == expected, prediction


def test_equal_on_edited_answers(cut: Cut):
    """Words dropped, doubled and shuffled: partial matches of every order."""
    generator = random.Random(0)
    for _ in range(40):
        words = PROSE.split(" ")
        share = generator.random()
        edited = [
            word * generator.choice([0, 1, 2]) for word in words if generator.random() < share
        ]
        if generator.random() < 0.3:
            generator.shuffle(edited)
        prediction = " ".join(edited)
        expected = compute_similarity(prediction, PROSE, cut)
        assert llamafactory_row(prediction, [PROSE]) == expected, prediction


PIECES = st.sampled_from(
    ["the ", "wall", "\n", "\n \n", "。", "？", "?", "”", "......", "……", "长城", "."]
)
TEXT = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=25).map("".join))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXT, TEXT)
def test_equal_on_any_text(cut: Cut, prediction: str, label: str):
    assert llamafactory_row(prediction, [label]) == compute_similarity(prediction, label, cut)


@pytest.mark.parametrize(
    ("prediction", "label", "bleu"),
    [("Yes", "Yes", 84.1), ("ab", "ab", 59.5), ("", "Yes", 0), ("...", "!!!", 0)],
)
def test_known_quirks(prediction: str, label: str, bleu: float):
    """method3 marks down exact answers of fewer than 4 characters; nothing crashes."""
    row = llamafactory_row(prediction, [label])
    assert row["lf_bleu4"] == pytest.approx(bleu, abs=0.05)
    assert row["lf_rouge2"] == 0  # one-word answers have no bigram
