"""The replaced operations against transformers' own: values, gradients, types, refusals."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama import modeling_llama
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from asft.models.loading import load_policy
from asft.training.fused import (
    Rotation,
    _agrees,
    _is_gated,
    _rotates_alike,
    add_rows_in_place,
    fuse,
)
from asft.training.kernels import cast_linear, gated_mlp, rms_norm, rotary

FUSED = ["Linear", "LlamaMLP", "LlamaRMSNorm", "apply_rotary_pos_emb"]
PLAIN_ROTARY = modeling_llama.apply_rotary_pos_emb


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(modeling_llama, "apply_rotary_pos_emb", PLAIN_ROTARY)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rms_norm(dtype: torch.dtype):
    torch.manual_seed(0)
    norm = LlamaRMSNorm(24, eps=1e-5)
    torch.nn.init.normal_(norm.weight)
    x = torch.randn(2, 7, 24, dtype=dtype) * 3
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    weight = norm.weight.detach().clone().requires_grad_()
    out, expected = rms_norm(ours, weight, 1e-5), norm(theirs)
    torch.testing.assert_close(out, expected, atol=1e-6, rtol=1e-6)
    seed = torch.randn_like(expected)
    out.backward(seed)
    expected.backward(seed)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weight.grad, norm.weight.grad, atol=1e-5, rtol=1e-5)


def test_rotary():
    torch.manual_seed(0)
    angles = torch.randn(1, 7, 8).repeat(1, 1, 2)
    cos, sin = angles.cos(), angles.sin()
    parts = [torch.randn(1, heads, 7, 16) for heads in (6, 2)]
    ours = [x.clone().requires_grad_() for x in parts]
    theirs = [x.clone().requires_grad_() for x in parts]
    for found, expected in zip(
        rotary(*ours, cos, sin), PLAIN_ROTARY(*theirs, cos, sin), strict=True
    ):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
        seed = torch.randn_like(expected)
        found.backward(seed)
        expected.backward(seed)
    for x, y in zip(ours, theirs, strict=True):
        torch.testing.assert_close(x.grad, y.grad, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gated_mlp_to_the_bit(dtype: torch.dtype):
    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=24, intermediate_size=40, num_attention_heads=2)
    mlp = modeling_llama.LlamaMLP(config)
    results = []
    for forward in (mlp, lambda x: gated_mlp(x, mlp)):
        x = torch.randn(2, 7, 24, generator=torch.Generator().manual_seed(1)).requires_grad_()
        mlp.zero_grad()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            out = forward(x)
        out.float().square().sum().backward()
        results.append([out, x.grad, *(weight.grad.clone() for weight in mlp.parameters())])
    for theirs, ours in zip(*results, strict=True):
        assert theirs.dtype == ours.dtype
        assert torch.equal(theirs, ours)


def test_gated_mlp_keeps_two_of_four():
    mlp = modeling_llama.LlamaMLP(
        LlamaConfig(hidden_size=8, intermediate_size=64, num_attention_heads=2)
    )
    kept: dict[bool, int] = {}
    for ours in (False, True):
        sizes: list[int] = []

        def keep(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel() if tensor.shape[-1] == 64 and tensor.dim() == 3 else 0)
            return tensor

        x = torch.randn(1, 5, 8, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            _ = gated_mlp(x, mlp) if ours else mlp(x)
        kept[ours] = sum(sizes)
    assert kept[True] == 2 * 5 * 64 < kept[False]


def test_a_linear_layer_under_autocast_keeps_no_cast_weight():
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 32, bias=False)
    x = torch.randn(1, 5, 64, requires_grad=True)
    seed, found = torch.randn(1, 5, 32), {}
    for ours in (True, False):
        sizes: list[tuple[int, torch.dtype]] = []

        def keep(tensor: torch.Tensor, into: list[tuple[int, torch.dtype]] = sizes) -> torch.Tensor:
            into.append((tensor.numel(), tensor.dtype))
            return tensor

        hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
        with hooks, torch.autocast("cpu", torch.bfloat16):
            out = cast_linear(x, layer) if ours else layer(x)
        x.grad = layer.weight.grad = None
        out.backward(seed.to(out.dtype))
        assert ((64 * 32, torch.bfloat16) in sizes) is not ours
        found[ours] = [out, x.grad, layer.weight.grad]
    for one, two in zip(*found.values(), strict=True):
        assert one.dtype == two.dtype
        torch.testing.assert_close(one, two)


def test_a_frozen_linear_layer_gets_no_gradient():
    layer = torch.nn.Linear(8, 4, bias=False).requires_grad_(False)
    x = torch.randn(3, 8, requires_grad=True)
    cast_linear(x, layer).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(3, 8))


def test_what_is_no_plain_gated_mlp_stays():
    config = LlamaConfig(hidden_size=8, intermediate_size=16, num_attention_heads=2)
    plain, other = modeling_llama.LlamaMLP(config), modeling_llama.LlamaMLP(config)
    other.act_fn = torch.nn.GELU()
    assert _is_gated(plain)
    assert not _is_gated(other)
    plain.down_proj = torch.nn.Linear(16, 8, bias=True)
    assert not _is_gated(plain)
    assert not _is_gated(torch.nn.Linear(8, 8))


def test_under_autocast_the_type_is_that_of_the_next_operation():
    x, weight = torch.randn(2, 8, requires_grad=True), torch.ones(8, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out = rms_norm(x, weight, 1e-5)
        q, k = rotary(*[torch.randn(1, 1, 3, 8)] * 2, *[torch.ones(1, 3, 8)] * 2)
    assert {out.dtype, q.dtype, k.dtype} == {torch.bfloat16}
    out.float().sum().backward()
    assert x.grad is not None
    assert weight.grad is not None
    assert (x.grad.dtype, weight.grad.dtype) == (torch.float32, torch.float32)


def test_a_whole_model_computes_the_same(tiny: Path):
    model = load_policy(tiny, torch.float32)
    other = copy.deepcopy(model)
    ids = torch.arange(20)[None]
    expected = model(ids, labels=ids).loss
    expected.backward()
    assert fuse(other) == FUSED
    assert fuse(other) == FUSED  # twice does no harm
    found = other(ids, labels=ids).loss
    found.backward()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    for (name, one), two in zip(model.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(two.grad, one.grad, atol=1e-5, rtol=1e-4, msg=name)


def one_layer(**options: Any) -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": 20, "hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 2}
    config = LlamaConfig(num_hidden_layers=1, **sizes, **options)
    return modeling_llama.LlamaForCausalLM(config)


@pytest.mark.parametrize("padding", [None, 3])
def test_a_shared_embedding_adds_its_gradient_in_place(padding: int | None):
    model = one_layer(tie_word_embeddings=True, pad_token_id=padding)
    other = copy.deepcopy(model)
    assert add_rows_in_place(other)
    ids = torch.tensor([[3, 5, 5, 7, 3, 1]])
    for _ in range(2):  # rows of a step add up
        for each in (model, other):
            each(ids, labels=ids).loss.backward()
    for (name, one), two in zip(model.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(two.grad, one.grad, msg=name)


def test_other_embeddings_stay(tiny: Path):
    model = load_policy(tiny, torch.float32)
    model.get_input_embeddings().weight.requires_grad_(False)
    assert not add_rows_in_place(model)
    assert not add_rows_in_place(one_layer(tie_word_embeddings=False))


def test_what_computes_something_else_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    norm = GemmaRMSNorm(8)
    norm.variance_epsilon = norm.eps
    assert not _agrees(norm)
    assert _agrees(LlamaRMSNorm(8))
    assert not _rotates_alike(lambda q, k, cos, sin: (q * cos, k * cos))
    assert not _rotates_alike(lambda q: q)
    assert _rotates_alike(PLAIN_ROTARY)


def test_queries_that_rotate_alone_are_rotated_by_the_models_own():
    """As an indexer's do (Qwen4): keys are left out, cosines and sines given by name."""

    def theirs(q, k=None, cos=None, sin=None, unsqueeze_dim=1):
        if k is None:
            return q * cos.unsqueeze(unsqueeze_dim)
        return PLAIN_ROTARY(q, k, cos, sin, unsqueeze_dim)

    assert _rotates_alike(theirs)
    q, cos, sin = torch.randn(1, 3, 2, 8), torch.randn(1, 3, 8), torch.randn(1, 3, 8)
    rotation = Rotation(theirs)
    found = rotation(q, cos=cos, sin=sin, unsqueeze_dim=2)
    torch.testing.assert_close(found, q * cos.unsqueeze(2))
    with_keys = rotation(q, q[:, :, :1], cos, sin, unsqueeze_dim=2)
    torch.testing.assert_close(with_keys, PLAIN_ROTARY(q, q[:, :, :1], cos, sin, 2))
