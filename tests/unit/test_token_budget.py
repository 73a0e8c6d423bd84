"""`token_budget: auto`: the formula against measured peaks, and what is made of it."""

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from asft import token_budget as module
from asft.config import Training
from asft.devices import visible_gpus
from asft.token_budget import Shape, memory, peak, shape_of, token_budget

SMOLLM2 = Shape(134_515_008, 134_515_008, layers=30, width=576, inner=1536, vocabulary=49152)
WIDE = Shape(155_730_944, 155_730_944, layers=8, width=1024, inner=2816, vocabulary=32000)
SMALL = Shape(24_388_992, 24_388_992, layers=12, width=384, inner=1024, vocabulary=8192)
WORDY = Shape(268_535_680, 268_535_680, layers=12, width=896, inner=4864, vocabulary=100_000)
# Tokens of a row, share of them scored, gradient checkpointing; peak resident GB of two steps of
# ASFT in bf16 on a CPU, each in a process of its own.
MEASURED = [
    (SMOLLM2, 512, 0.75, False, 3.353),
    (SMOLLM2, 2048, 0.75, False, 4.739),
    (SMOLLM2, 4096, 0.75, False, 6.525),
    (SMOLLM2, 4096, 0.25, False, 6.284),
    (WIDE, 512, 0.75, False, 3.407),
    (WIDE, 2048, 0.75, False, 4.068),
    (WIDE, 2048, 0.75, True, 3.534),
    (SMALL, 512, 0.75, False, 1.076),
    (SMALL, 2048, 0.75, False, 1.495),
    (SMALL, 2048, 0.75, True, 1.150),
    (WORDY, 512, 0.75, False, 6.072),
    (WORDY, 2048, 0.75, False, 7.207),
    (WORDY, 2048, 0.75, True, 6.338),
]


@pytest.mark.parametrize(("shape", "tokens", "scored", "checkpointing", "gigabytes"), MEASURED)
def test_the_formula_fits_what_was_measured(shape, tokens, scored, checkpointing, gigabytes):
    training = Training(gradient_checkpointing=checkpointing)
    assert peak(shape, tokens, training, scored) / 1e9 == pytest.approx(gigabytes, rel=0.07)


@pytest.fixture
def model():
    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        vocab_size=128,
    )
    return LlamaForCausalLM(config)


def test_shape_of_a_model_with_frozen_weights(model):
    model.model.embed_tokens.weight.requires_grad = False
    weights = model.num_parameters()
    assert shape_of(model) == Shape(weights, weights - 64 * 128, 3, 64, 96, 128)


def test_a_number_is_taken_as_it_is(model):
    assert token_budget(Training(token_budget=777), model) == 777


@pytest.mark.skipif(bool(visible_gpus()), reason="of machines without a GPU")
def test_auto_halves_until_a_step_fits(model, monkeypatch):
    monkeypatch.setattr(module, "shape_of", lambda _: SMOLLM2)
    found = {}
    for gigabytes in (4, 6, 8, 12, 64):
        monkeypatch.setattr(module, "memory", lambda _, size=gigabytes: size * 10**9)
        found[gigabytes] = token_budget(Training(), model)
        if found[gigabytes] > module.LEAST:
            assert peak(SMOLLM2, found[gigabytes], Training()) <= 0.8 * gigabytes * 1e9
    assert list(found.values()) == [512, 1024, 2048, 4096, 4096]
    monkeypatch.setattr(module, "memory", lambda _: 8 * 10**9)
    assert token_budget(Training(processes=2), model) == 512
    assert token_budget(Training(processes=2, accelerate="x.yaml"), model) == 1024


def test_memory_is_the_clusters_share(monkeypatch):
    whole = memory()
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "3000")
    assert memory() == min(whole, 3000 * 2**20)
