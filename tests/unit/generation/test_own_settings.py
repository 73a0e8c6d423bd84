"""A model's own decoding settings change no answer, and the log names them."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from asft.config.generation import Decoding
from asft.generation.answering import Sampling, _decode, _generate_groups
from asft.generation.own_settings import set_aside

SIZES = {
    **{"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1},
}
OWN = {"repetition_penalty": 5.0, "suppress_tokens": [7, 8], "min_new_tokens": 3}


def policy(**own):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SIZES)).eval()
    model.generation_config = GenerationConfig(eos_token_id=1, pad_token_id=1, **own)
    return model


class Words:
    pad_token_id = 1


def answers(decode, model):
    sampling = Sampling([Decoding(max_new_tokens=12)] * 2, [1, 2], {1}, 2, lambda ended: None)
    return decode(model, Words(), [[2, 3, 4], [5, 6]], sampling)


def test_both_decoders_obey_the_config_alone(capsys):
    plain = answers(_generate_groups, policy())
    assert answers(_generate_groups, policy(**OWN)) != plain  # the test can fail
    model = policy(**OWN, temperature=0.3, do_sample=True)
    assert set_aside(model) == OWN
    assert answers(_generate_groups, model) == answers(_decode, model) == plain
    said = capsys.readouterr().err
    assert "repetition_penalty 5.0" in said
    assert "temperature" not in said


def test_nothing_is_said_where_there_is_nothing(capsys):
    assert set_aside(policy()) == {}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("ends", [1, [1, 5]])
def test_the_end_tokens_stay(ends):
    model = policy()
    model.generation_config.eos_token_id = ends
    set_aside(model)
    assert model.generation_config.eos_token_id == ends
