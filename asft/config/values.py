"""Values of the config that a command line sets, as Snakemake's --config reads them."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from asft.config.base_models import merged
from asft.config.fields import as_number
from asft.errors import UserError

_KEY = re.compile(r"[a-zA-Z_][\w-]*\w")


def read_values(words: Sequence[str]) -> dict[str, Any]:
    """Read words KEY=VALUE; what is nested in a value stays text, which the sections understand.

    Raises:
        UserError: a word is none of that form; names it.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise UserError(f"--config {word}: expected KEY=VALUE")
        found = merged(found, {key: _value(text)})
    return found


def _value(text: str) -> Any:
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    number = as_number(text)
    if number is not text:
        return number
    try:
        return yaml.BaseLoader(text).get_single_data()
    except yaml.YAMLError:
        return text
