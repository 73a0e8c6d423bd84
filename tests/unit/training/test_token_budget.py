"""`token_budget: auto`: the formula against measured peaks, and what is made of it."""

from types import SimpleNamespace

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from asft.config.training import Training
from asft.errors import UserError
from asft.machine import visible_gpus
from asft.training import token_budget as module
from asft.training.token_budget import CUDA, Shape, peak, shape_of, token_budget, usable_memory

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


LLAMA_1B = Shape(1_235_814_400, 1_235_814_400, 16, 2048, 8192, 128_256)
LLAMA_8B = Shape(8_030_261_248, 8_030_261_248, 32, 4096, 14_336, 128_256)
EIGHT = LLAMA_8B._replace(weights=2_795_573_248, trained=2_795_573_248, layers=8)
ADAPTERS = LLAMA_8B._replace(trained=41_943_040)
# The same on an H200, GB that torch had allocated; one row a step.
MEASURED_ON_GPU = [
    (SMOLLM2, 2048, 0.75, False, 3.290),
    (SMOLLM2, 2048, 0.75, True, 2.408),
    (SMOLLM2, 8192, 0.75, False, 6.762),
    (SMOLLM2, 8192, 0.75, True, 3.297),
    (SMOLLM2, 16384, 0.75, False, 11.412),
    (SMOLLM2, 16384, 0.75, True, 4.502),
    (LLAMA_1B, 2048, 0.75, False, 20.908),
    (LLAMA_1B, 8192, 0.75, False, 27.117),
    (LLAMA_1B, 8192, 0.75, True, 21.033),
    (LLAMA_1B, 16384, 0.75, False, 37.757),
    (LLAMA_1B, 16384, 0.75, True, 22.100),
    (EIGHT, 2048, 0.75, False, 44.830),
    (EIGHT, 8192, 0.75, False, 46.984),
    (EIGHT, 8192, 0.75, True, 45.079),
    (LLAMA_8B, 2850, 0.75, True, 128.701),
    (ADAPTERS, 2850, 0.75, True, 36.931),
]


@pytest.mark.parametrize(
    ("shape", "tokens", "scored", "checkpointing", "gigabytes"), MEASURED_ON_GPU
)
def test_the_formula_fits_what_was_measured_on_a_gpu(
    shape, tokens, scored, checkpointing, gigabytes
):
    whole = peak(shape, tokens, Training(gradient_checkpointing=checkpointing), scored, "cuda")
    # A first row's gradients come as its activations go, so one of both is there; a second row
    # would find the gradients of the first, which is what the formula counts with.
    alone = max(4 * shape.weights + 12 * shape.trained, whole - 4 * shape.trained - CUDA.base)
    assert alone / 1e9 == pytest.approx(gigabytes, rel=0.09)
    assert whole / 1e9 > gigabytes


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


def test_widths_may_differ_from_layer_to_layer(model, monkeypatch):
    """Gemma 3n's config has one a layer: the widest counts."""
    monkeypatch.setitem(vars(model.config), "intermediate_size", [16, 48])
    assert shape_of(model).inner == 48


def test_a_model_that_tells_no_sizes_needs_a_number(model, monkeypatch):
    """BLT's config is four configs; none of their sizes is the model's."""
    told = SimpleNamespace(model_type="blt")
    monkeypatch.setitem(vars(model.config), "get_text_config", lambda: told)
    with pytest.raises(UserError, match=r"set training\.token_budget to a number"):
        token_budget(Training(token_budget="auto"), model)


def test_a_number_is_taken_as_it_is(model):
    assert token_budget(Training(token_budget=777), model) == 777


@pytest.mark.skipif(bool(visible_gpus()), reason="of machines without a GPU")
def test_auto_halves_until_a_step_fits(model, monkeypatch):
    monkeypatch.setattr(module, "shape_of", lambda _: SMOLLM2)
    found = {}
    for gigabytes in (4, 6, 8, 12, 64):
        monkeypatch.setattr(module, "usable_memory", lambda _, size=gigabytes: size * 10**9)
        found[gigabytes] = token_budget(Training(), model)
        if found[gigabytes] > module.LEAST:
            assert peak(SMOLLM2, found[gigabytes], Training()) <= 0.8 * gigabytes * 1e9
    assert list(found.values()) == [512, 1024, 2048, 4096, 4096]
    monkeypatch.setattr(module, "usable_memory", lambda _: 8 * 10**9)
    assert token_budget(Training(processes=2), model) == 512
    assert token_budget(Training(processes=2, accelerate="x.yaml"), model) == 1024


def test_memory_is_the_clusters_share(monkeypatch):
    whole = usable_memory()
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "3000")
    assert usable_memory() == min(whole, 3000 * 2**20)
