"""Words against those of the libraries that define them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.tokenizers import DefaultTokenizer
from sacrebleu.metrics.bleu import BLEU

from asft.metrics import tokenizers

TEXT = st.one_of(
    st.text(max_size=40), st.text(alphabet="ab .,1\n\r\u3000\u00a0今天很好", max_size=60)
)
MANY = settings(max_examples=200, deadline=None, derandomize=True)
TOKENIZE = BLEU().tokenizer
JIEBA = tokenizers._segmenter(chinese=True)
# What 13a's expressions look at, whole and in parts, with blanks of several kinds.
PIECES = [
    *"&;.,07-aB( \n\t\u00a0\u3000\x1c",
    *("<skipped>", "<ski", "pped>", "&amp;", "&quot;", "lt;", "-\n"),
]
# Words of jieba's dictionary without a Chinese character, in parts, and what jieba keeps with them.
WESTERN = [*"AT&+#._%-1xé’\n", "AT&T", "c#", "C++"]


@MANY
@given(TEXT)
def test_rouge_words_are_rouge_score_s(text: str):
    assert tokenizers.rouge_words(text) == DefaultTokenizer(use_stemmer=False).tokenize(text)


@settings(MANY, max_examples=400)
@given(st.one_of(TEXT, st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
def test_bleu_words_are_sacrebleu_s(text: str):
    assert tokenizers.bleu_words(text) == TOKENIZE(text.rstrip()).split()


@MANY
@given(st.lists(st.sampled_from(WESTERN), max_size=12).map("".join))
def test_without_chinese_a_part_of_the_dictionary_cuts_alike(text: str):
    western = tokenizers._segmenter(chinese=False)
    assert western.total == JIEBA.total
    assert list(western.cut(text)) == list(JIEBA.cut(text))


LONG = "长城从太空用肉眼看不见真的吗因为它很长但是很窄" * 3


@MANY
@given(TEXT)
def test_any_text_is_cut_as_jieba_cuts_it(text: str):
    assert tokenizers.segment(text) == list(JIEBA.cut(text))


@pytest.mark.parametrize(
    "text",
    [
        f"The Wall {LONG} is-long, 21,196 km.\r\n\n  So? {LONG}",
        "the cat sat. on a mat, " * 40,
        "x" * 99,
        " a  b ",
    ],
)
def test_words_and_what_is_longer_are_cut_as_jieba_cuts_the_text(text: str):
    for _ in range(2):  # the second time from the cache
        assert tokenizers.segment(text) == list(JIEBA.cut(text))
