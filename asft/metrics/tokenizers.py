"""Words of a text, each as the library that defines them cuts it, in less time.

The libraries look at every character of every text. What stands between two blanks is cut alike
wherever it stands, so here each word is cut once for all texts.
"""

import io
import re
import warnings
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # invalid escapes in its source
    import jieba

# What is longer between two blanks, such as a paragraph of Chinese, does not come again.
WORD_LENGTH = 40
CACHED = 2**16
# The characters that jieba takes for Chinese.
_CHINESE = re.compile("[\u4e00-\u9fd5]")
_ROUGE_WORD = re.compile("[a-z0-9]+")
_REGEXP = TokenizerRegexp()  # type: ignore[no-untyped-call]


def rouge_words(text: str) -> list[str]:
    """Return the tokens of rouge-score's default tokenizer without stemming."""
    return _ROUGE_WORD.findall(text.lower())


def bleu_words(text: str) -> list[str]:
    """Return the words that sacreBLEU counts: those of its default tokenizer, 13a."""
    # What 13a does before its expressions, some of it across blanks.
    line = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in line:
        for entity, character in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
            line = line.replace(entity, character)
    # None of its expressions matches two characters of different words.
    return [token for word in line.split() for token in _bleu_word(word)]


@lru_cache(CACHED)
def _bleu_word(word: str) -> tuple[str, ...]:
    return tuple(_REGEXP(f" {word} ").split())


def segment(text: str) -> list[str]:
    """Return jieba's tokens of a text, blanks among them, by its default dictionary.

    jieba cuts what stands between two blanks by itself.
    """
    tokens: list[str] = []
    for piece in text.split(" "):
        tokens += _cut_word(piece) if len(piece) <= WORD_LENGTH else _cut(piece)
        tokens.append(" ")
    return tokens[:-1]


@lru_cache(CACHED)
def _cut_word(word: str) -> tuple[str, ...]:
    return tuple(_cut(word))


def _cut(piece: str) -> Iterator[str]:
    tokens: Iterator[str] = _segmenter(bool(_CHINESE.search(piece))).cut(piece)
    return tokens


@cache
def _segmenter(chinese: bool) -> Any:
    """Return jieba's default tokenizer, its dictionary read from the package itself.

    Left alone, jieba unmarshals `jieba.cache` from the shared temporary folder, whoever put it
    there, writes one if there is none, and logs all of it to stderr.

    Args:
        chinese: with all words. Those in ASCII (five, such as AT&T) suffice for a text that has no
            Chinese character, and are read in less time.
    """
    segmenter = jieba.Tokenizer()
    with segmenter.get_dict_file() as file:
        lines = file.read()
    if not chinese:
        ascii_lines = b"\n".join(re.findall(rb"^[!-~]+ \d+", lines, re.MULTILINE))
        segmenter.FREQ, _ = segmenter.gen_pfdict(io.BytesIO(ascii_lines))
        segmenter.total = sum(map(int, re.findall(rb" (\d+)", lines)))
    else:
        segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(io.BytesIO(lines))
    segmenter.initialized = True
    return segmenter
