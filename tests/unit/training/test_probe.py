"""Packed pairs are right for a model, or it computes one completion at a time, or it is refused."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from asft.data.tokens import TokenPair
from asft.errors import UserError
from asft.training.attention.names import attends_to_pairs
from asft.training.fused import fuse
from asft.training.loading import load_trainable
from asft.training.packing import PackedByLength, pack
from asft.training.pair_logps import pair_logps

BASE = {
    **{"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3},
    **{"max_position_embeddings": 64, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 1},
}
WIDE = {"hidden_size": 64}
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "max_position_embeddings": None}
PACKED = {
    "llama": {},
    "qwen3": {"head_dim": 8},
    "gemma3_text": {"head_dim": 8, "sliding_window": 64},
    "gpt2": GPT,
    # Part of a head rotates: fused rotation leaves these to the model.
    "gpt_neox": WIDE | {"rotary_pct": 0.25},
    "phi3": WIDE | {"partial_rotary_factor": 0.75, "sliding_window": None},
}
APART = {
    "lfm2": {
        **{"conv_L_cache": 3, "layer_types": ["conv", "full_attention"]},
        "block_auto_adjust_ff_dim": False,
    },
    "mamba": {"state_size": 4, "num_attention_heads": None, "num_key_value_heads": None},
    "gpt_oss": {
        **{"head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2},
        "sliding_window": 64,
    },
    "bloom": {"n_layer": 2, "n_head": 4, "num_attention_heads": None},
    "gptj": GPT | {"rotary_dim": 4},
    "stablelm": WIDE | {"partial_rotary_factor": 0.25},
    "gemma2": {"head_dim": 8, "attn_logit_softcapping": 50.0, "sliding_window": 64},
    # A window shorter than the longest pair.
    "mistral": {"sliding_window": 12},
}


def folder_of(kind, sizes, tmp_path):
    """A random model of an architecture, as it would lie on disk."""
    given = {key: value for key, value in (BASE | sizes).items() if value is not None}
    if "sliding_window" in sizes:
        given["sliding_window"] = sizes["sliding_window"]
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **given))
    model.save_pretrained(tmp_path / kind)
    return tmp_path / kind


def pairs(count=3, longest=9):
    random = np.random.default_rng(1)
    return [
        TokenPair(f"{n}", *(random.integers(2, 64, longest - n, dtype=np.int32) for _ in range(3)))
        for n in range(count)
    ]


def alone(folder):
    """Log-probabilities of each completion by the model's own forward, one plain sequence each."""
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    found = []
    for side in ("chosen", "rejected"):
        for pair in pairs():
            ids = torch.tensor(np.concatenate([pair.prompt, getattr(pair, side)])).long()[None]
            with torch.no_grad():
                logp = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
            scored = logp.gather(-1, ids[0, 1:, None])[len(pair.prompt) - 1 :]
            found.append(scored.sum())
    return torch.stack(found)


@pytest.mark.parametrize("kind", [*PACKED, *APART])
@pytest.mark.parametrize("budget", [8, 4096])
def test_pairs_are_what_separate_sequences_are(kind, budget, tmp_path, capfd):
    folder = folder_of(kind, (PACKED | APART)[kind], tmp_path)
    policy = load_trainable(folder, "auto", torch.float32, pairs()).eval()
    assert attends_to_pairs(policy) == (kind in PACKED)
    assert ("not packed" in capfd.readouterr().err) == (kind in APART)
    assert bool(policy.apart_because) == (kind in APART)
    fuse(policy)
    with torch.no_grad():
        rows = [pair_logps(policy, row) for row in pack(pairs(), budget)]
    found = [torch.cat([getattr(row, side).sum for row in rows]) for side in ("chosen", "rejected")]
    assert torch.cat(found).numpy() == pytest.approx(alone(folder).numpy(), abs=2e-4)


@pytest.mark.parametrize("kind", ["lfm2", "gpt_oss"])
def test_one_completion_at_a_time_has_the_gradient_of_separate_sequences(kind, tmp_path):
    folder = folder_of(kind, APART[kind], tmp_path)
    policy = load_trainable(folder, "auto", torch.float32, pairs())
    policy.eval()
    [row] = pack(pairs(), 4096, with_prompt=True)
    found = pair_logps(policy, row)
    assert found.prompt.tokens.tolist() == [len(pair.prompt) - 1 for pair in pairs()]
    (found.margin.sum() + found.prompt.sum.sum()).backward()
    packed = {name: weight.grad.clone() for name, weight in policy.named_parameters()}
    policy.zero_grad()
    for row in PackedByLength(pairs(), token_budget=1, with_prompt=True):
        one = pair_logps(policy, row)
        (one.margin.sum() + one.prompt.sum.sum()).backward()
    for name, weight in policy.named_parameters():
        assert torch.allclose(weight.grad, packed[name], atol=1e-5), name


def test_without_rejected_completions_the_chosen_ones_are_the_same(tmp_path):
    policy = load_trainable(folder_of("lfm2", APART["lfm2"], tmp_path), "auto", torch.float32, [])
    with torch.no_grad():
        both, one = (
            pair_logps(policy.eval(), pack(pairs(), 4096, paired=paired)[0])
            for paired in (True, False)
        )
    assert torch.equal(both.chosen.sum, one.chosen.sum)
    assert one.rejected.tokens.tolist() == [0, 0, 0]


def test_a_pair_beyond_learnt_positions_is_named(tmp_path):
    folder = folder_of("gpt2", GPT | {"n_positions": 16}, tmp_path)
    with pytest.raises(UserError, match=r"pair 0 has 18 tokens.*tokens\.max_length: 16"):
        load_trainable(folder, "auto", torch.float32, pairs())


def test_a_token_without_an_embedding_is_named(tmp_path):
    folder = folder_of("llama", {"vocab_size": 32}, tmp_path)
    with pytest.raises(UserError, match=r"pair 0 holds token \d+, .* embeddings of 32"):
        load_trainable(folder, "auto", torch.float32, pairs())


def test_several_processes_cannot_share_a_model_that_computes_apart(tmp_path, monkeypatch):
    folder = folder_of("lfm2", APART["lfm2"], tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="processes: 1"):
        load_trainable(folder, "auto", torch.float32, pairs())
