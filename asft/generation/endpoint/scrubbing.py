"""Texts of a server made fit for files: no secret, no lone surrogate, one printable line.

Servers echo the key (OpenAI's 401 does, in part), so all that they say passes through here. Secrets
are given by the names of the environment variables that hold them.
"""

import os
import re

SHOWN = 200  # characters of a server's message
# Servers without authentication are given any word as a key ("none", "x"): to cut that out of a
# judge's words would change them, and it is no secret.
SHORTEST_SECRET = 12


def encodable(text: str) -> str:
    """Return `text` with each lone surrogate replaced by U+FFFD; no UTF-8 can be made of them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def without_key(text: str, *variables: str | None) -> str:
    """Return `text` with `***` for each secret; all else stays as it is."""
    for secret in _secrets(variables):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def scrubbed(text: str, *variables: str | None) -> str:
    """Return the start of `text` on one printable line, without secrets, whole or masked."""
    for secret in _secrets(variables):
        text = text.replace(secret, "***")
    text = re.sub(r"\S*\*{3,}\S*", "***", text[: 5 * SHOWN])
    text = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"


def _secrets(variables: tuple[str | None, ...]) -> list[str]:
    values = [os.environ.get(name or "", "").strip() for name in variables]
    return [value for value in values if value]
