"""Reading the folder of a policy."""

import json
from pathlib import Path

from asft.models.folders import load_tokenizer


def test_pad_falls_back_to_eos(tiny: Path) -> None:
    config = json.loads((tiny / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (tiny / "tokenizer_config.json").write_text(json.dumps(config))
    assert load_tokenizer(tiny).pad_token == "<|im_end|>"
