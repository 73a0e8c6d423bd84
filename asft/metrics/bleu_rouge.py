"""Reference metrics of Table 3, per question, in two families.

* `rouge1 rouge2 rougeL` and the counts of sacreBLEU's corpus BLEU: the field's usual definitions.
* `lf_*`: LLaMA-Factory's `ComputeSimilarity`, which the paper's numbers are made of: ROUGE over
  jieba's tokens with rouge_chinese, and a *character*-level sentence BLEU.

All values are 0-100. Corpus values and intervals are made of these rows by `statistics`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from asft.metrics.corpus import BLEU_COUNTS, METRICS, ROUGE, measured
from asft.metrics.matching import (
    bleu_counts,
    character_bleu,
    lcs_length,
    rouge_f1,
    rouge_n_counts,
)
from asft.metrics.scripts import dropped_script
from asft.metrics.tokenizers import bleu_words, segment
from asft.progress import Bar

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # invalid escapes in its sources
    from rouge_chinese import Rouge
    from rouge_chinese.rouge_score import f_r_p_rouge_n

if TYPE_CHECKING:
    import evaluate

Row = dict[str, float]


def score_questions(
    predictions: Sequence[str], references: Sequence[str | Sequence[str]]
) -> dict[str, list[float]]:
    """Score texts question by question: every column of both families, a value per question.

    Args:
        references: a text per question, or a list of at least one. Of several, sacreBLEU counts
            matches in any, rouge-score takes the best and `lf_*` the first (LLaMA-Factory knows
            only one).

    Returns:
        The columns. `rouge1 rouge2 rougeL` are NaN where rouge-score can measure nothing
        (`scripts.dropped_script`).

    Raises:
        ValueError: there is nothing to score, a question has no reference, or predictions and
            references differ in number.
    """
    pairs = _pairs(predictions, references)
    plain = _columns(plain_row, pairs, "sacreBLEU, rouge-score")
    return plain | _columns(llamafactory_row, pairs, "LLaMA-Factory metrics")


def score_texts(
    predictions: Sequence[str], references: Sequence[str | Sequence[str]]
) -> dict[str, float]:
    """Score texts as one corpus, as Table 3 does: metric → value, 0-100.

    Arguments and errors are those of `score_questions`. `bleu4` is sacreBLEU's corpus BLEU; the
    others are means over the questions that have a value, and NaN if none has.
    """
    columns = score_questions(predictions, references)
    found = {}
    for name, metric in METRICS.items():
        values = np.stack([columns[key] for key in metric.columns], -1)
        values = values[measured(values[None])]
        found[name] = float(metric.over_questions(values)) if len(values) else math.nan
    return found


def evaluate_metric(**options: Any) -> evaluate.Metric:
    """Wrap `score_texts` as a metric of the library `evaluate`, for `evaluate.combine` and others.

    Importing that library imports transformers and torch, which scoring itself does without.

    Args:
        options: those of `evaluate.Metric`, such as `cache_dir`.
    """
    import datasets
    import evaluate

    class ReferenceMetrics(evaluate.Metric):  # type: ignore[misc]
        def _info(self) -> evaluate.MetricInfo:
            text = datasets.Value("string")
            kinds = (text, datasets.Sequence(text))
            return evaluate.MetricInfo(
                description="sacreBLEU, rouge-score, and LLaMA-Factory's ComputeSimilarity",
                citation="Post 2018; Lin 2004; hiyouga/LLaMA-Factory",
                features=[
                    datasets.Features({"predictions": text, "references": kind}) for kind in kinds
                ],
            )

        def _compute(self, predictions: list[str], references: list[Any]) -> dict[str, float]:
            return score_texts(predictions, references)

    return ReferenceMetrics(**options)


def plain_row(prediction: str, references: list[str]) -> Row:
    """Return `rouge1 rouge2 rougeL` (F1, 0-100) and `BLEU_COUNTS` of one text.

    `corpus.corpus_bleu` makes BLEU of the counts. ROUGE is NaN where nothing can be measured.
    """
    if dropped_script(references):
        rouge = dict.fromkeys(ROUGE, math.nan)
    else:
        rouge = {name: 100 * score for name, score in rouge_f1(prediction, references).items()}
    counts = bleu_counts(bleu_words(prediction), [bleu_words(text) for text in references])
    return {
        **rouge,
        **dict(zip(BLEU_COUNTS, counts, strict=True)),
    }


def llamafactory_row(prediction: str, references: list[str]) -> Row:
    """Return `lf_bleu4 lf_rouge1 lf_rouge2 lf_rougeL` of one text, 0-100, to 4 decimals.

    Rounded as LLaMA-Factory does.

    Source: hiyouga/LLaMA-Factory 097d0310, src/llamafactory/train/sft/metric.py.
    """
    reference = references[0]
    bleu = character_bleu(prediction, reference)
    rouge = _llamafactory_rouge(_sentences(prediction), _sentences(reference))
    row = {"lf_bleu4": bleu, **rouge}
    return {name: round(100 * float(value), 4) for name, value in row.items()}


def bleu_signature(references: list[list[str]]) -> str:
    """Return sacreBLEU's signature of a corpus BLEU over questions with these references."""
    bleu = BLEU()
    counts = {len(texts) for texts in references}
    bleu.num_refs = counts.pop() if len(counts) == 1 else -1  # -1: sacreBLEU prints "nrefs:var"
    return str(bleu.get_signature())


def _llamafactory_rouge(hypothesis: list[str], reference: list[str]) -> Row:
    """F of rouge_chinese for two texts as lists of sentences; 0 if either has no token."""
    if not hypothesis or not reference:
        return {"lf_rouge1": 0.0, "lf_rouge2": 0.0, "lf_rougeL": 0.0}
    ours, theirs = _words(hypothesis), _words(reference)
    longest = f_r_p_rouge_n(len(ours), len(theirs), lcs_length(theirs, ours))
    return {
        "lf_rouge1": f_r_p_rouge_n(*rouge_n_counts(ours, theirs, 1))["f"],
        "lf_rouge2": f_r_p_rouge_n(*rouge_n_counts(ours, theirs, 2))["f"],
        "lf_rougeL": longest["f"],
    }


def _sentences(text: str) -> list[str]:
    """jieba's tokens joined by blanks, cut into sentences as `Rouge.get_scores` does."""
    spaced = " ".join(segment(text))
    return [" ".join(sentence.split()) for sentence in Rouge().cut_sent(spaced) if sentence]


def _words(sentences: list[str]) -> list[str]:
    # Not split(): an empty line between paragraphs is one (empty) word to rouge_chinese.
    return [word for sentence in sentences for word in sentence.split(" ")]


def _pairs(
    predictions: Sequence[str], references: Sequence[str | Sequence[str]]
) -> list[tuple[str, list[str]]]:
    if isinstance(predictions, str) or isinstance(references, str):
        raise ValueError("expected lists with one entry per question, found a single text")
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions, but references of {len(references)}")
    lists = [[texts] if isinstance(texts, str) else list(texts) for texts in references]
    if not lists or not all(lists):
        raise ValueError(
            f"question {lists.index([]) + 1} has no reference" if lists else "nothing to score"
        )
    return list(zip(predictions, lists, strict=True))


def _columns(
    row_of: Callable[[str, list[str]], Row], pairs: list[tuple[str, list[str]]], label: str
) -> dict[str, list[float]]:
    rows = [row_of(*pair) for pair in Bar(pairs, desc=label, unit="question")]
    return {name: [row[name] for row in rows] for name in rows[0]}
