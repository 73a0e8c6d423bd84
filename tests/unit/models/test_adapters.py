"""A published adapter becomes a policy: merged into its base, or refused in a line."""

import json

import pytest
import torch
from peft import LoraConfig, get_peft_model

from asft.config.data import Model
from asft.errors import UserError
from asft.files import read_json
from asft.models.adapters import merge_adapter
from asft.models.fetch_model import import_model
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "tiny"
    import_model(Model(sources=[{"random": 0}]), folder)
    return folder


def write_adapter(base, folder, modules="all-linear"):
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=modules, init_lora_weights=False, task_type="CAUSAL_LM")
    adapted = get_peft_model(load_policy(base, torch.float32), config)
    adapted.save_pretrained(folder)
    return adapted


def merge(base, adapter, out):
    merge_adapter(json.dumps({"sources": [{"local": str(adapter)}]}), base, out)


def test_an_adapter_is_merged_into_its_base(base, tmp_path):
    adapted = write_adapter(base, tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "policy")
    ids = torch.arange(10, 20)[None]
    policy = load_policy(tmp_path / "policy", torch.float32)
    with torch.no_grad():
        ours, theirs = policy(ids).logits, adapted(ids).logits
        plain = load_policy(base, torch.float32)(ids).logits
    difference = (ours - theirs).abs().max()
    assert difference < 0.05  # bf16's rounding of the weights
    assert (plain - theirs).abs().max() > 5 * difference
    assert load_tokenizer(tmp_path / "policy").chat_template == load_tokenizer(base).chat_template
    card = read_json(tmp_path / "policy/card.json")
    assert card["adapter_of"] == "tiny"
    assert card["source"] == {"local": str(tmp_path / "adapter")}


def test_what_is_no_adapter_of_the_base_is_refused(base, tmp_path):
    with pytest.raises(UserError, match=r"no adapter_config\.json; an adapter is a folder or repo"):
        merge(base, base, tmp_path / "policy")
    write_adapter(base, tmp_path / "adapter", ["q_proj"])
    path = tmp_path / "adapter/adapter_config.json"
    path.write_text(json.dumps(read_json(path) | {"target_modules": ["q_proj", "v_proj"]}))
    with pytest.raises(UserError, match=r"no adapter of tiny: \d+ weights, base_model"):
        merge(base, tmp_path / "adapter", tmp_path / "policy")
    path.write_text(json.dumps(read_json(path) | {"target_modules": ["query_key_value"]}))
    with pytest.raises(UserError, match="no adapter of tiny: "):
        merge(base, tmp_path / "adapter", tmp_path / "policy")
    assert not (tmp_path / "policy").exists()
