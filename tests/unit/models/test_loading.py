"""Loading a policy: no code of others, and what ends its answers."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import GenerationConfig

from asft.errors import UserError
from asft.models.folders import load_tokenizer
from asft.models.loading import end_token_ids, load_policy


def test_code_beside_a_model_is_not_run(tiny: Path) -> None:
    marker = tiny / "was_run"
    (tiny / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w')\nclass Own: ...\n")
    config = json.loads((tiny / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}}
    (tiny / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError):
        load_policy(tiny, torch.float32)
    assert not marker.exists()


def test_end_token_ids(tiny_folder: Path) -> None:
    policy, tokenizer = load_policy(tiny_folder, torch.float32), load_tokenizer(tiny_folder)
    assert end_token_ids(policy, tokenizer) == [1]
    policy.generation_config.eos_token_id = [9, 4]
    policy.config.eos_token_id = 7
    assert end_token_ids(policy, tokenizer) == [1, 4, 7, 9]
    assert end_token_ids(GenerationConfig(eos_token_id=5), tokenizer) == [1, 5]
    with pytest.raises(UserError, match="end token"):
        end_token_ids(GenerationConfig(), SimpleNamespace(eos_token_id=None))
