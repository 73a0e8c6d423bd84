"""Forward and backward of RMS norm, rotation, linear layers and gated MLP, written out."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, linear, silu


class _RMSNorm(torch.autograd.Function):
    """y = w · x / rms(x); keeps x and one number a token."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        full = x.float()
        norm = torch.linalg.vector_norm(full, dim=-1, keepdim=True)
        scale = norm.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        out: Tensor = (full * scale).to(x.dtype).mul_(weight).to(dtype)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        grad, normed = grads[0].float(), x.float() * scale
        product = grad * normed
        # d y / d x = (w - normed · mean(w · normed)) / rms
        along = (product @ weight.float()).unsqueeze(-1).div_(x.shape[-1])
        d_x = (grad * weight).addcmul_(normed, along, value=-1).mul_(scale)
        d_weight = product.flatten(0, -2).sum(0)
        return d_x.to(x.dtype), d_weight.to(weight.dtype), None, None


class _Rotary(torch.autograd.Function):
    """Rotation of the pairs (i, i + dim/2) of the last dimension; keeps nothing of x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.dtype, half = x.dtype, x.shape[-1] // 2
        full = x.float()
        out = full * cos
        out[..., :half].addcmul_(full[..., half:], sin[..., :half], value=-1)
        out[..., half:].addcmul_(full[..., :half], sin[..., half:])
        return out.to(dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        cos, sin = ctx.saved_tensors
        full, half = grads[0].float(), grads[0].shape[-1] // 2
        out = full * cos
        out[..., :half].addcmul_(full[..., half:], sin[..., half:])
        out[..., half:].addcmul_(full[..., :half], sin[..., :half], value=-1)
        return out.to(ctx.dtype), None, None, None


class _Linear(torch.autograd.Function):
    """x @ weight.T in the type of x; the weight is cast again backwards instead of being kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return linear(x, weight.to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        d_weight = _weight_gradient(grads[0], x, weight) if ctx.needs_input_grad[1] else None
        return grads[0] @ weight.to(x.dtype), d_weight


class _GatedDown(torch.autograd.Function):
    """(silu(gate) · up) @ weight.T; keeps gate and up, their product is made again backwards."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up, weight)
        return linear(silu(gate).mul_(up), weight.to(gate.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        gate, up, weight = ctx.saved_tensors
        active, d_product = silu(gate), grads[0] @ weight.to(gate.dtype)
        d_up = d_product * active
        d_gate: Tensor = torch.ops.aten.silu_backward(d_product.mul_(up), gate)
        if not ctx.needs_input_grad[2]:
            return d_gate, d_up, None
        return d_gate, d_up, _weight_gradient(grads[0], active.mul_(up), weight)


class EmbeddingRows(torch.autograd.Function):
    """Rows of a weight, whose gradient is added to what the head has put into `weight.grad`."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, tokens: Tensor, words: torch.nn.Embedding) -> Tensor:
        ctx.tokens, ctx.words = tokens.flatten(), words
        return embedding(tokens, words.weight.detach())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, None, None]:
        weight, rows = ctx.words.weight, grads[0].flatten(0, -2)
        if ctx.words.padding_idx is not None:  # whose row gets no gradient
            rows = rows.masked_fill((ctx.tokens == ctx.words.padding_idx)[:, None], 0)
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        weight.grad.index_add_(0, ctx.tokens, rows.to(weight.dtype))
        return None, None, None


def _weight_gradient(grad: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    return (grad.flatten(0, -2).T @ x.flatten(0, -2)).to(weight.dtype)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Compute `LlamaRMSNorm`, in autocast's type where autocast is on."""
    dtype = autocast_dtype(x) or torch.promote_types(x.dtype, weight.dtype)
    if x.device.type == "cuda":  # where torch has a kernel
        return torch.nn.functional.rms_norm(x, weight.shape, weight, eps).to(dtype)
    return _RMSNorm.apply(x, weight, eps, dtype)  # type: ignore[no-any-return, no-untyped-call]


def gated_mlp(x: Tensor, mlp: Any) -> Tensor:
    """Compute `LlamaMLP`, in autocast's type where autocast is on."""
    gate, up = mlp.gate_proj(x), mlp.up_proj(x)
    return _GatedDown.apply(gate, up, mlp.down_proj.weight)  # type: ignore[no-any-return, no-untyped-call]


def cast_linear(x: Tensor, module: torch.nn.Linear) -> Tensor:
    """Compute `Linear` without bias, in autocast's type where autocast is on."""
    x = x.to(autocast_dtype(x) or x.dtype)
    return _Linear.apply(x, module.weight)  # type: ignore[no-any-return, no-untyped-call]


def rotary(
    q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, unsqueeze_dim: int = 1
) -> tuple[Tensor, Tensor]:
    """Compute `apply_rotary_pos_emb`, in autocast's type where autocast is on."""
    cos, sin = cos.unsqueeze(unsqueeze_dim).float(), sin.unsqueeze(unsqueeze_dim).float()
    dtype = autocast_dtype(q) or q.dtype
    rotated = [_Rotary.apply(x, cos, sin, dtype) for x in (q, k)]  # type: ignore[no-untyped-call]
    return rotated[0], rotated[1]


def autocast_dtype(x: Tensor) -> torch.dtype | None:
    """Return the type that autocast would turn `x` into; None where it is off."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
