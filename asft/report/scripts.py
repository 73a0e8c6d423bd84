"""Data as JavaScript files: a page opened from disk may load scripts, but fetch nothing."""

import json
from typing import Any

# `<` and `&` so that no text can end a script element or open a comment, wherever the data may be
# pasted. Line ends that JSON allows in strings and old JavaScript does not (U+2028, U+2029) and
# lone surrogates, which no file can hold, are escaped with everything else that is not ASCII.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def assignment(name: str, value: Any) -> str:
    """Return a script of pure ASCII that sets `ASFT_DATA[name]`.

    Args:
        value: lists, strings, finite numbers, and dicts with keys of our own. Texts from models or
            files must not be keys: "__proto__" is none in JavaScript.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)
    key = json.dumps(name).translate(_ESCAPES)
    return f"(window.ASFT_DATA = window.ASFT_DATA || {{}})[{key}] = {text};\n"
