"""Texts of which rouge-score's tokenizer, which keeps a-z and 0-9 alone, leaves too little."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from asft.metrics.tokenizers import rouge_words

NOTHING_LEFT = "nothing left"


def dropped_script(references: Sequence[str]) -> str:
    """Return the script for which nothing can be measured by rouge-score, "" if something can.

    A question has no ROUGE if in each of its references more than half of the letters are of
    another script than Latin, or no token is left. The references alone decide, so all methods are
    scored on the same questions: an answer of which nothing is left shares no word with a reference
    that can be measured, and 0 is its true value.

    Returns:
        The most frequent other script of the first reference, by the first word of its letters'
        names in Unicode, such as CYRILLIC; `NOTHING_LEFT` if it has none.
    """
    dropped = [_dropped(reference) for reference in references]
    return dropped[0] if all(dropped) else ""


def _dropped(text: str) -> str:
    scripts: Counter[str] = Counter()
    for letter, count in () if text.isascii() else Counter(text).items():
        if letter.isalpha():
            scripts[unicodedata.name(letter, "UNNAMED").split()[0]] += count
    latin = scripts.pop("LATIN", 0)
    if scripts.total() > latin:
        return scripts.most_common(1)[0][0]
    return "" if rouge_words(text) else NOTHING_LEFT
