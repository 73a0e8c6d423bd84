"""Hand-worked values, odd text, several references, and what importing the metrics must not do."""

import math
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asft.metrics import bleu_rouge
from asft.metrics.corpus import BLEU_COUNTS, METRICS, ROUGE
from asft.metrics.scripts import dropped_script

ODD = [
    "",
    " ",
    "\n\n",
    "...",
    "!!!",
    "Yes",
    "ab",
    "👍🏽",
    "\u0301",
    "\x00",
    "今天",
    "a\u2028b",
    "?" * 500,
]


def counts(row: bleu_rouge.Row) -> list[float]:
    return [row[name] for name in BLEU_COUNTS]


def test_plain_row_by_hand():
    """the cat (sat|is) on the mat: 5 of 6 words, 3 of 5 bigrams, 1 of 4 trigrams, no 4-gram."""
    row = bleu_rouge.plain_row("the cat sat on the mat", ["the cat is on the mat"])
    assert row["rouge1"] == pytest.approx(500 / 6)
    assert row["rouge2"] == pytest.approx(60)
    assert row["rougeL"] == pytest.approx(500 / 6)
    assert counts(row) == [5, 3, 1, 0, 6, 5, 4, 3, 6, 6]


def test_rouge_is_neither_stemmed_nor_case_sensitive():
    assert bleu_rouge.plain_row("Cats run", ["cat runs"])["rouge1"] == 0
    assert bleu_rouge.plain_row("CATS run!", ["cats, run"])["rouge1"] == pytest.approx(100)


def test_several_references():
    """rouge takes the best, BLEU matches in any and the closest length, lf_* take the first."""
    first, second = "x x x x x", "the cat is here"
    row = bleu_rouge.plain_row("the cat is here now", [first, second])
    assert row["rouge1"] == bleu_rouge.plain_row("the cat is here now", [second])["rouge1"] > 0
    assert counts(row)[:4] == [4, 3, 2, 1]
    assert row["bleu_ref_len"] == 5  # the first reference's, the closest
    assert bleu_rouge.llamafactory_row(second, [first, second])["lf_rouge1"] == 0
    assert bleu_rouge.llamafactory_row(second, [second, first])["lf_rouge1"] == 100


def test_llamafactory_row_by_hand():
    """a b c d | a b c e as characters with blanks: 6/7, 5/6, 4/5, 3/4 matches, equal lengths."""
    row = bleu_rouge.llamafactory_row("a b c d", ["a b c e"])
    assert row["lf_bleu4"] == round(100 * (6 / 7 * 5 / 6 * 4 / 5 * 3 / 4) ** 0.25, 4)
    assert row["lf_rouge1"] == 75
    assert row["lf_rouge2"] == pytest.approx(200 / 3, abs=1e-4)
    assert row["lf_rougeL"] == 75


@pytest.mark.parametrize("reference", ODD)
@pytest.mark.parametrize("prediction", ODD)
def test_odd_text_scores_within_bounds(prediction: str, reference: str):
    check_bounds(prediction, reference)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_scores_within_bounds(prediction: str, reference: str):
    check_bounds(prediction, reference)


def check_bounds(prediction: str, reference: str) -> None:
    row = bleu_rouge.plain_row(prediction, [reference])
    row |= bleu_rouge.llamafactory_row(prediction, [reference])
    unmeasured = ROUGE if dropped_script([reference]) else ()
    assert all(math.isnan(row.pop(name)) for name in unmeasured)
    assert all(0 <= row[name] <= 100 + 1e-9 for name in METRICS if name in row)
    assert all(row[f"bleu_correct{n}"] <= row[f"bleu_total{n}"] for n in range(1, 5))


def test_long_answers_score():
    """Longer than Python's recursion limit and than a table of n x m objects would allow."""
    words = random.Random(0).choices("abcdefgh", k=20_000)
    row = bleu_rouge.llamafactory_row(" ".join(words), [" ".join(words[:10_000])])
    assert row["lf_rougeL"] == pytest.approx(200 / 3, abs=1e-3)


def test_score_questions_gives_the_rows_of_both_families():
    predictions, references = ["the cat sat", ""], [["the cat"], ["a dog", "no dog"]]
    columns = bleu_rouge.score_questions(predictions, references)
    assert set(columns) == {name for metric in METRICS.values() for name in metric.columns}
    for i, (prediction, answers) in enumerate(zip(predictions, references, strict=True)):
        row = bleu_rouge.plain_row(prediction, answers) | bleu_rouge.llamafactory_row(
            prediction, answers
        )
        assert {name: column[i] for name, column in columns.items()} == row


def test_a_reference_may_stand_without_a_list():
    predictions, texts = ["the cat sat", "Yes"], ["the cat", "No"]
    flat, listed = (
        bleu_rouge.score_questions(predictions, references)
        for references in (texts, [[text] for text in texts])
    )
    assert flat == listed


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        ([], [], "nothing to score"),
        (["a", "b"], ["a"], "2 predictions, but references of 1"),
        (["a", "b"], [["a"], []], "question 2 has no reference"),
        ("ab", ["a", "b"], "found a single text"),
        (["a", "b"], "ab", "found a single text"),
    ],
)
def test_what_cannot_be_scored_is_refused(predictions, references, message: str):
    with pytest.raises(ValueError, match=message):
        bleu_rouge.score_texts(predictions, references)


@pytest.mark.parametrize("references", [["Yes", "a cat"], [["Yes"], ["a cat", "no cat"]]])
def test_the_library_evaluate_gives_the_same(references, tmp_path: Path):
    import evaluate

    metric = bleu_rouge.evaluate_metric(cache_dir=str(tmp_path))
    assert isinstance(metric, evaluate.Metric)
    predictions = ["Yes", "the cat"]
    metric.add_batch(predictions=predictions, references=references)
    assert metric.compute() == bleu_rouge.score_texts(predictions, references)


def test_bleu_signature_names_the_number_of_references():
    assert bleu_rouge.bleu_signature([["a"], ["b"]]).startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    assert bleu_rouge.bleu_signature([["a"], ["b", "c"]]).startswith("nrefs:var|")


def test_scoring_imports_no_torch_prints_nothing_and_needs_no_home(tmp_path: Path):
    """HOME and HF_HOME cannot be made; jieba leaves no cache."""
    script = (
        "import sys, asft.metrics.score\n"
        "from asft.metrics.bleu_rouge import score_questions\n"
        "score_questions(['今天 is fine'], [['今天天气']])\n"
        "assert not {'torch', 'transformers'} & set(sys.modules), 'imported'\n"
    )
    env = dict(os.environ, HOME="/dev/null/home", TMPDIR=str(tmp_path), PYTHONWARNINGS="default")
    env = {key: value for key, value in env.items() if not key.startswith(("HF_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
