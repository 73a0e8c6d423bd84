"""What is given to others: no paths of this machine in it, and no key of a judge or the hub."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from asft.config import Config
from asft.errors import UserError

# From the root or the home to the last slash; not of a URL, nor what follows a word (hh_rlhf/asft).
_FOLDERS = re.compile(r"(?<![\w./])~?/(?!/)[^\s\"',;]*/")
_SHORTEST_KEY = 12  # local servers take "none" and the like


def without_paths(text: str) -> str:
    """Return settings or a card with absolute paths cut to their last part."""
    # By name first: their own names may hold spaces.
    for folder in (Path.cwd(), Path.home()):
        if folder != Path(folder.anchor):
            text = text.replace(f"{folder}/", "~/")
    return _FOLDERS.sub("", text)


def refuse_keys(contents: Iterable[tuple[str, bytes]], config: Config | None = None) -> None:
    """Refuse files that hold the value of a variable that a judge or the hub is given a secret by.

    Args:
        contents: names and bytes

    Raises:
        UserError: one does; names the file and the variable.
    """
    judges = config.judges.values() if config else ()
    variables = {"HF_TOKEN", *(name for judge in judges for name in judge.secrets)}
    values = {name: os.environ.get(name, "").strip().encode() for name in variables}
    keys = {name: value for name, value in values.items() if len(value) >= _SHORTEST_KEY}
    for file, content in contents:
        for name, key in keys.items():
            if key in content:
                raise UserError(f"{file}: holds the value of {name}; nothing is written")
