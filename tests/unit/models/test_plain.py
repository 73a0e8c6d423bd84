"""Our models against transformers' of the same files: to the bit, or not loaded at all."""

import json

import pytest
import torch
from transformers import (
    GemmaConfig,
    GemmaForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from asft.generation.decoding import Row, decode
from asft.models.loading import load_policy
from asft.models.plain import load_plain

pytestmark = pytest.mark.usefixtures("own_rotation")

SIZES = {
    **{"vocab_size": 61, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64},
    **{"bos_token_id": None, "eos_token_id": 3, "pad_token_id": 3},
}
KINDS = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True)),
    "llama, tied": (LlamaForCausalLM, LlamaConfig(**SIZES, tie_word_embeddings=True)),
    "mistral": (MistralForCausalLM, MistralConfig(**SIZES, head_dim=16, sliding_window=None)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SIZES)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=16, attention_bias=True)),
}


def saved(kind, config, folder):
    torch.manual_seed(0)
    model = kind(config)
    for weight in model.parameters():  # biases begin at 0, norms at 1
        torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    return folder


def both(folder, dtype):
    """Ours and theirs, whose weights lie in the mapped file: there last bits are the address's."""
    ours, theirs = load_plain(folder, dtype), load_policy(folder, dtype).eval()
    assert ours is not None
    for weight in theirs.parameters():
        weight.data = weight.data.clone()
    return ours, theirs


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", KINDS)
@torch.inference_mode()
def test_computes_the_bits_of_transformers(name, dtype, tmp_path):
    folder = saved(*KINDS[name], tmp_path / "model")
    ours, theirs = both(folder, dtype)
    ids = torch.tensor([[5, 9, 2, 7, 1], [8, 8, 4, 6, 0]])
    mask = torch.full((5, 5), torch.finfo(dtype).min, dtype=dtype).triu_(1)[None, None]
    for given in ({}, {"attention_mask": mask}):
        assert torch.equal(ours(ids, **given).logits, theirs(ids, **given).logits)
    assert torch.equal(*(m(ids, logits_to_keep=1).logits for m in (ours, theirs)))
    past = [m(ids, use_cache=True).past_key_values for m in (ours, theirs)]
    seen = torch.zeros(1, 1, 2, 7, dtype=dtype)
    seen[..., 0, 6] = torch.finfo(dtype).min
    more = {"attention_mask": seen, "position_ids": torch.tensor([[5, 6]])}
    after = [
        m(ids[:, :2], past_key_values=p, **more).logits
        for m, p in zip((ours, theirs), past, strict=True)
    ]
    assert torch.equal(*after)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", KINDS)
def test_decodes_the_same(name, dtype, tmp_path):
    folder = saved(*KINDS[name], tmp_path / "model")
    uniforms = torch.rand(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows = [Row([5, 9, 2, 7, 1], None, uniforms), Row([4], 0.8, uniforms), Row([6, 2], 1, uniforms)]
    how = {"top_k": 20, "top_p": 0.9, "max_new_tokens": 12, "end_tokens": {3}, "batch_size": 2}
    models = both(folder, dtype)
    ours, theirs = (decode(model, rows, **how) for model in models)
    assert ours == theirs
    generation = [model.generation_config.to_dict() for model in models]
    assert generation[0] == generation[1]


def changed(folder, **keys):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | keys))


def test_leaves_the_rest_to_transformers(tmp_path):
    def loaded(folder):
        return load_plain(folder, torch.float32)

    gemma = GemmaConfig(**SIZES, head_dim=16)
    assert loaded(saved(GemmaForCausalLM, gemma, tmp_path / "gemma")) is None
    scaled = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 2.0}
    for number, keys in enumerate(
        (
            {"rope_parameters": scaled},
            {"hidden_act": "gelu"},
            {"sliding_window": 8},
            {"head_dim": 8},
        )
    ):
        folder = saved(*KINDS["mistral"], tmp_path / str(number))
        assert loaded(folder) is not None
        changed(folder, **keys)
        assert loaded(folder) is None
    folder = saved(*KINDS["qwen2"], tmp_path / "damaged")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert loaded(folder) is None
    (folder / "pointer.json").write_text('{"local": "elsewhere"}')
    assert loaded(folder) is None
    assert loaded(tmp_path / "nowhere") is None
