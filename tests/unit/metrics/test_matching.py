"""Each count against the library that defines it, to the last digit."""

import random
from functools import cache
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese.rouge_score import rouge_n
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU

from asft.metrics import matching

TEXT = st.one_of(
    st.text(max_size=40), st.text(alphabet="ab .,1\n\r\u3000\u00a0今天很好", max_size=60)
)
MANY = settings(max_examples=200, deadline=None, derandomize=True)


@MANY
@given(*[st.lists(st.sampled_from("abc"), max_size=12)] * 2)
def test_lcs_length_is_the_textbook_recurrence(first: list[str], second: list[str]):
    @cache
    def longest(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return 0
        if first[i - 1] == second[j - 1]:
            return longest(i - 1, j - 1) + 1
        return max(longest(i - 1, j), longest(i, j - 1))

    assert matching.lcs_length(first, second) == longest(len(first), len(second))


def rouge_score(prediction: str, references: list[str]) -> dict[str, float]:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    found = scorer.score_multi(references, prediction)
    return {name: score.fmeasure for name, score in found.items()}


@MANY
@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_rouge_is_rouge_score_s(prediction: str, references: list[str]):
    assert matching.rouge_f1(prediction, references) == rouge_score(prediction, references)


@pytest.mark.parametrize("table", [matching.TABLE, 0])
@MANY
@given(prediction=TEXT, reference=TEXT)
def test_character_bleu_is_nltk_s(table: int, prediction: str, reference: str):
    smoothing = SmoothingFunction().method3
    expected = sentence_bleu([list(reference)], list(prediction), smoothing_function=smoothing)
    with mock.patch.object(matching, "TABLE", table):
        assert matching.character_bleu(prediction, reference) == expected


@MANY
@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_bleu_counts_are_sacrebleu_s(prediction: str, references: list[str]):
    bleu = BLEU()
    score = bleu.corpus_score([prediction], [[text] for text in references])
    assert score is not None
    words = [bleu.tokenizer(text.rstrip()).split() for text in (prediction, *references)]
    expected = [*score.counts, *score.totals, score.sys_len, score.ref_len]
    assert matching.bleu_counts(words[0], words[1:]) == expected


@MANY
@given(*[st.lists(st.sampled_from(["a", "b", "c c", ""]), min_size=1, max_size=8)] * 2)
def test_counts_of_n_grams_are_rouge_chinese_s(first: list[str], second: list[str]):
    ours, theirs = ([word for text in side for word in text.split(" ")] for side in (first, second))
    for n in (1, 2, 3):
        expected = rouge_n(first, second, n, raw_results=True)
        found = dict(
            zip(("hyp", "ref", "overlap"), matching.rouge_n_counts(ours, theirs, n), strict=True)
        )
        assert found == expected


def words(seed: int) -> str:
    return " ".join(random.Random(seed).choices(["the", "cat", "sat.", "on", "a", "mat,"], k=200))


def test_long_texts_give_the_last_digit_too():
    first, second = words(0), words(1)
    smoothing = SmoothingFunction().method3
    expected = sentence_bleu([list(second)], list(first), smoothing_function=smoothing)
    assert matching.character_bleu(first, second) == expected
    assert matching.rouge_f1(first, [second]) == rouge_score(first, [second])
