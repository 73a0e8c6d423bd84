"""Special tokens that somebody wrote in a message ("<|im_start|>") stay text.

They are marked here before a chat template is rendered; `tokens` encodes marked pieces as ordinary
text. Only added tokens flagged as special are guarded: "<think>" and its like belong to what models
say.
"""

import re
from functools import lru_cache
from typing import Any

from asft.errors import UserError

# Unicode noncharacters: no text contains them rightfully.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
MARKED = re.compile(f"{_OPEN}(.*?){_CLOSE}", re.DOTALL)


def mark(content: str, tokenizer: Any) -> str:
    content = without_marks(content)
    # Most texts hold none: to look for the characters that one may begin with is faster.
    if not any(first in content for first in _first_characters(tokenizer)):
        return content
    return special_tokens(tokenizer).sub(f"{_OPEN}\\g<0>{_CLOSE}", content)


def mark_within(value: Any, tokenizer: Any) -> Any:
    """`value` with all texts in it marked, however deep: arguments of calls, schemas of tools."""
    if isinstance(value, str):
        return mark(value, tokenizer)
    if isinstance(value, list):
        return [mark_within(part, tokenizer) for part in value]
    if isinstance(value, dict):
        return {key: mark_within(part, tokenizer) for key, part in value.items()}
    return value


def without_marks(text: str) -> str:
    """`text` without the two noncharacters: nobody but this module may mark.

    A million unclosed marks would also be searched in a million squared steps.
    """
    return text.replace(_OPEN, "").replace(_CLOSE, "")


@lru_cache(maxsize=4)
def special_tokens(tokenizer: Any) -> re.Pattern[str]:
    """Any one special token; the longer first, since one may begin another."""
    added = tokenizer.added_tokens_decoder.values()
    names = sorted((token.content for token in added if token.special), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)) or "(?!)")


@lru_cache(maxsize=4)
def _first_characters(tokenizer: Any) -> frozenset[str]:
    added = tokenizer.added_tokens_decoder.values()
    return frozenset(token.content[:1] for token in added if token.special)


def eos_of(tokenizer: Any) -> str:
    if tokenizer.eos_token is None:
        raise UserError("the tokenizer has no eos_token; set it in its tokenizer_config.json")
    return str(tokenizer.eos_token)
