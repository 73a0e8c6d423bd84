"""System prompts by category, read from a module that is never run, or from YAML."""

import pytest

from asft.data.system_prompts import read_system_prompts
from asft.errors import UserError

MODULE = """
import os
os.abort()
SHARED = "Judge.\\nWell."
OTHER = {"no": "settings"}

SETTINGS = {
    "hard_prompt": {"baseline": "o3", "system_prompt": SHARED},
    "creative_writing": {"baseline": "g", "system_prompt": "Judge art."},
}"""


def read(folder, text):
    path = folder / "judge_utils"
    path.write_text(text, encoding="utf-8")
    return read_system_prompts(path)


def test_a_module_s_texts(tmp_path):
    assert read(tmp_path, MODULE) == {
        "hard_prompt": "Judge.\nWell.",
        "creative_writing": "Judge art.",
    }


def test_a_mapping(tmp_path):
    assert read(tmp_path, "hard_prompt: |\n  Judge.\n  Well.\n") == {
        "hard_prompt": "Judge.\nWell.\n"
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "hard_prompt: 3",
        "x = 1",
        "def (",
        MODULE.replace("SHARED =", "MISSING ="),
        MODULE.replace('"Judge art."', "make()"),
        MODULE.replace('"creative_writing":', "name():"),
    ],
)
def test_what_holds_none(tmp_path, text):
    with pytest.raises(UserError, match="judge_utils: no system prompts; expected a mapping"):
        read(tmp_path, text)
