"""System prompts by category, as arena-hard-auto keeps them since v2.0: in a Python module.

Nothing in the module is run: its syntax tree is read for texts.
"""

import ast
from pathlib import Path
from typing import Any

import yaml

from asft.errors import UserError
from asft.files import read_text

KEY = "system_prompt"


def read_system_prompts(path: Path) -> dict[str, str]:
    """Read a judge's system prompt for each category of questions.

    The file is a YAML mapping of categories to texts, or arena-hard-auto's utils/judge_utils.py
    (196f6b8): a dictionary of categories whose values hold `system_prompt`, a text or the name of
    one.

    Raises:
        UserError: the file holds neither.
    """
    text = read_text(path)
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        found = _in_module(text)
    if not found or not all(isinstance(value, str) and value for value in found.values()):
        raise UserError(
            f"{path}: no system prompts; expected a mapping of categories to texts, or"
            " arena-hard-auto's utils/judge_utils.py"
        )
    return {str(category): value for category, value in found.items()}


def _in_module(text: str) -> dict[Any, Any]:
    """The texts in a module's dictionary of settings; empty where there is none."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return {}
    texts: dict[str, Any] = {}
    for node in body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        if isinstance(node.value, ast.Constant):
            texts[node.targets[0].id] = node.value.value
        elif isinstance(node.value, ast.Dict) and (found := _settings(node.value, texts)):
            return found
    return {}


def _settings(settings: ast.Dict, texts: dict[str, Any]) -> dict[Any, Any]:
    found = {}
    for category, value in zip(settings.keys, settings.values, strict=True):
        if not (isinstance(category, ast.Constant) and isinstance(value, ast.Dict)):
            return {}
        for key, prompt in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == KEY:
                named = texts.get(prompt.id) if isinstance(prompt, ast.Name) else None
                given = prompt.value if isinstance(prompt, ast.Constant) else named
                found[category.value] = given
    return found
