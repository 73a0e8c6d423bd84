"""Reference metrics of Table 3, per question, in two families.

* `rouge1 rouge2 rougeL` and the counts of sacreBLEU's corpus BLEU: the field's usual definitions.
* `lf_*`: LLaMA-Factory's `ComputeSimilarity`, which the paper's numbers are made of: ROUGE over
  jieba's tokens with rouge_chinese, and a *character*-level sentence BLEU.

All values are 0-100. Corpus values and intervals are made of these rows by `statistics`.
"""

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import datasets
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from tqdm import tqdm

from asft.metrics.corpus import BLEU_COUNTS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # both have invalid escapes in their sources
    import jieba
    from rouge_chinese import Rouge
    from rouge_chinese.rouge_score import f_r_p_rouge_n, rouge_n


@contextmanager
def _transformers_hidden() -> Iterator[None]:
    """`import transformers` raises ImportError inside, unless it is already imported.

    `evaluate` imports transformers' pipelines, hence torch (5 s), for a class unused here.
    """
    hide = "transformers" not in sys.modules
    if hide:
        sys.modules["transformers"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hide:
            del sys.modules["transformers"]


with _transformers_hidden():
    import evaluate
Row = dict[str, float]
_BLEU = BLEU()
_ROUGE = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)


class PlainMetrics(evaluate.Metric):  # type: ignore[misc]
    """`plain_row` for every question: `compute` returns one list per column."""

    def _info(self) -> evaluate.MetricInfo:
        return _metric_info("sacreBLEU counts, rouge-score F1", "Post 2018; Lin 2004")

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        return _columns(plain_row, predictions, references, "sacreBLEU, rouge-score")


class LlamaFactoryMetrics(evaluate.Metric):  # type: ignore[misc]
    """`llamafactory_row` for every question: `compute` returns one list per column."""

    def _info(self) -> evaluate.MetricInfo:
        return _metric_info("LLaMA-Factory's ComputeSimilarity", "hiyouga/LLaMA-Factory")

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        return _columns(llamafactory_row, predictions, references, "LLaMA-Factory metrics")


def score_questions(predictions: list[str], references: list[list[str]]) -> dict[str, list[float]]:
    """Every column of both families, one value per question.

    `references` holds at least one reference per question. Several: sacreBLEU counts matches in
    any of them, rouge-score takes the best, `lf_*` take the first (LLaMA-Factory knows only one).
    """
    # evaluate makes its cache folder even when it keeps all in memory; home may be read-only.
    with tempfile.TemporaryDirectory() as scratch:
        columns: dict[str, list[float]] = {}
        for metric in (PlainMetrics, LlamaFactoryMetrics):
            columns |= metric(keep_in_memory=True, cache_dir=scratch).compute(
                predictions=predictions, references=references
            )
    return columns


def plain_row(prediction: str, references: list[str]) -> Row:
    """`rouge1 rouge2 rougeL` (F1) and `BLEU_COUNTS`, from which `stats.corpus_bleu` makes BLEU."""
    rouge = _ROUGE.score_multi(references, prediction)
    bleu = _BLEU.corpus_score([prediction], [[reference] for reference in references])
    counts = (*bleu.counts, *bleu.totals, bleu.sys_len, bleu.ref_len)
    return {
        **{name: 100 * float(score.fmeasure) for name, score in rouge.items()},
        **dict(zip(BLEU_COUNTS, counts, strict=True)),
    }


def llamafactory_row(prediction: str, references: list[str]) -> Row:
    """`lf_bleu4 lf_rouge1 lf_rouge2 lf_rougeL`, rounded to 4 decimals as LLaMA-Factory does.

    Source: hiyouga/LLaMA-Factory 097d0310, src/llamafactory/train/sft/metric.py.
    """
    reference = references[0]
    bleu = sentence_bleu(
        [list(reference)], list(prediction), smoothing_function=SmoothingFunction().method3
    )
    rouge = _llamafactory_rouge(_sentences(prediction), _sentences(reference))
    row = {"lf_bleu4": bleu, **rouge}
    return {name: round(100 * float(value), 4) for name, value in row.items()}


def bleu_signature(references: list[list[str]]) -> str:
    """sacreBLEU's signature of a corpus BLEU over questions with these references."""
    bleu = BLEU()
    counts = {len(texts) for texts in references}
    bleu.num_refs = counts.pop() if len(counts) == 1 else -1  # -1: sacreBLEU prints "nrefs:var"
    return str(bleu.get_signature())


def lcs_length(first: list[str], second: list[str]) -> int:
    """Length of the longest common subsequence, by bit-parallel rows (Hyyrö 2004).

    Stands in for rouge_chinese's own: the same number, without its table of n x m Python objects
    (4 s and 0.5 GB for two answers of 2000 words).
    """
    positions: dict[str, int] = {}
    for index, word in enumerate(first):
        positions[word] = positions.get(word, 0) | 1 << index
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        matches = row & positions.get(word, 0)
        row = ((row + matches) | (row - matches)) & full
    return len(first) - row.bit_count()


def _llamafactory_rouge(hypothesis: list[str], reference: list[str]) -> Row:
    """F of rouge_chinese for two texts as lists of sentences; 0 if either has no token."""
    if not hypothesis or not reference:
        return {"lf_rouge1": 0.0, "lf_rouge2": 0.0, "lf_rougeL": 0.0}
    ours, theirs = _words(hypothesis), _words(reference)
    longest = f_r_p_rouge_n(len(ours), len(theirs), lcs_length(theirs, ours))
    return {
        "lf_rouge1": rouge_n(hypothesis, reference, 1)["f"],
        "lf_rouge2": rouge_n(hypothesis, reference, 2)["f"],
        "lf_rougeL": longest["f"],
    }


def _sentences(text: str) -> list[str]:
    """jieba's tokens joined by blanks, cut into sentences as `Rouge.get_scores` does."""
    spaced = " ".join(_segmenter().cut(text))
    return [" ".join(sentence.split()) for sentence in Rouge().cut_sent(spaced) if sentence]


def _words(sentences: list[str]) -> list[str]:
    # Not split(): an empty line between paragraphs is one (empty) word to rouge_chinese.
    return [word for sentence in sentences for word in sentence.split(" ")]


@cache
def _segmenter() -> Any:
    """jieba's default tokenizer, its dictionary read from the package itself.

    Left alone, jieba unmarshals `jieba.cache` from the shared temporary folder, whoever put it
    there, writes one if there is none, and logs all of it to stderr.
    """
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter


def _columns(
    row_of: Callable[[str, list[str]], Row],
    predictions: list[str],
    references: list[list[str]],
    label: str,
) -> dict[str, list[float]]:
    pairs = list(zip(predictions, references, strict=True))
    # disable=None: no bar when the output is not a terminal.
    rows = [row_of(*pair) for pair in tqdm(pairs, desc=label, unit="question", disable=None)]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _metric_info(description: str, citation: str) -> evaluate.MetricInfo:
    text = datasets.Value("string")
    features = datasets.Features({"predictions": text, "references": datasets.Sequence(text)})
    return evaluate.MetricInfo(
        description=description, citation=citation, inputs_description="", features=features
    )
