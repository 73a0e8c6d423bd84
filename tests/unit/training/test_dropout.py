"""Without dropout a policy in training computes what it computes in evaluation."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from asft.training.dropout import without_dropout

SIZES = {"vocab_size": 64, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 1}
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
KINDS = {
    "gpt2": GPT | {"resid_pdrop": 0.5, "embd_pdrop": 0.5, "attn_pdrop": 0.5},
    "opt": {
        **{"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
        **{"word_embed_proj_dim": 32, "max_position_embeddings": 64},
        **{"dropout": 0.5, "attention_dropout": 0.5, "layerdrop": 0.5},
    },
    "llama": {
        **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "attention_dropout": 0.5},
    },
    "phi": {
        **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "resid_pdrop": 0.5, "embd_pdrop": 0.5},
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_training_computes_what_evaluation_does(kind):
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **SIZES, **KINDS[kind])
    policy = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    ids = torch.arange(2, 40)[None]
    with torch.no_grad():
        plain = policy.eval()(ids).logits
        assert not torch.equal(policy.train()(ids).logits, plain)  # the test can fail
        assert torch.equal(without_dropout(policy).train()(ids).logits, plain)
    assert policy.config.to_dict() == config.to_dict()  # what is saved is the base's
