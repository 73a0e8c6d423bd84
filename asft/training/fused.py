"""RMS norm, rotary embedding, linear layers and gated MLP in less memory, for training.

On a CPU elementwise operations cost a quarter of a training step: each intermediate is a pass over
memory, and autograd keeps several. Here forward and backward are written out, norm and rotation in
fp32 as in transformers, and the result has the type that autocast would turn it into next.

On CUDA the same is replaced, but for the norm, of which torch has a kernel there: less memory, and
fewer kernels to launch.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, linear, silu

DEVICES = ["cpu", "cuda"]  # where `fuse` replaces anything


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


class _Rows(torch.autograd.Function):
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


class Rotation:
    """`apply_rotary_pos_emb` by ours where all of a head rotates, else by the model's own."""

    def __init__(self, theirs: Callable[..., Any]) -> None:
        self.theirs = theirs

    def __call__(
        self, q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, *more: Any, **options: Any
    ) -> Any:
        """Rotate queries and keys; arguments as of transformers' function."""
        whole = q.shape[-1] == k.shape[-1] == cos.shape[-1] == sin.shape[-1]
        if not whole or not options.keys() <= {"unsqueeze_dim"} or len(more) > 1:
            return self.theirs(q, k, cos, sin, *more, **options)
        return rotary(q, k, cos, sin, *more, **options)


def rotary(
    q: Tensor, k: Tensor, cos: Tensor, sin: Tensor, unsqueeze_dim: int = 1
) -> tuple[Tensor, Tensor]:
    """Compute `apply_rotary_pos_emb`, in autocast's type where autocast is on."""
    cos, sin = cos.unsqueeze(unsqueeze_dim).float(), sin.unsqueeze(unsqueeze_dim).float()
    dtype = autocast_dtype(q) or q.dtype
    rotated = [_Rotary.apply(x, cos, sin, dtype) for x in (q, k)]  # type: ignore[no-untyped-call]
    return rotated[0], rotated[1]


def fuse(model: Any) -> list[str]:
    """Replace the layers of `model` that are computed alike here; return what was replaced.

    Architectures differ (Gemma's norm adds 1 to the weight, some rotate half of the dimensions), so
    each is tried on random numbers first and left alone if it disagrees.
    """
    if model.device.type not in DEVICES:
        return []
    replaced = set()
    for module in model.modules():
        name = type(module).__name__
        if name.endswith("RMSNorm") and hasattr(module, "variance_epsilon") and _agrees(module):
            module.forward = partial(rms_norm, weight=module.weight, eps=module.variance_epsilon)
            replaced.add(name)
        elif name.endswith("MLP") and _is_gated(module):
            module.forward = partial(gated_mlp, mlp=module)
            replaced.add(name)
        elif type(module) is torch.nn.Linear and module.bias is None:
            module.forward = partial(cast_linear, module=module)
            replaced.add(name)
    for source in {type(module).__module__ for module in model.modules()}:
        theirs = getattr(sys.modules[source], "apply_rotary_pos_emb", None)
        if theirs is not None and not isinstance(theirs, Rotation) and _rotates_alike(theirs):
            theirs = sys.modules[source].apply_rotary_pos_emb = Rotation(theirs)  # type: ignore[attr-defined]
        if isinstance(theirs, Rotation):
            replaced.add("apply_rotary_pos_emb")
    return sorted(replaced)


def add_rows_in_place(model: Any) -> bool:
    """Let a tied embedding add its gradient to that of the head; return whether it does.

    Autograd would make both, each as large as the weight, and their sum. Its hooks do not see what
    is added.
    """
    words, head = model.get_input_embeddings(), model.get_output_embeddings()
    plain = type(words) is torch.nn.Embedding and type(head) is torch.nn.Linear
    if not plain or words.weight is not head.weight or model.device.type != "cpu":
        return False
    if not words.weight.requires_grad or words.max_norm or words.scale_grad_by_freq:
        return False
    # Something must ask for a gradient, or autograd would not come back here.
    anchor = torch.empty(0, requires_grad=True)

    def look_up(tokens: Tensor) -> Tensor:
        rows: Tensor = _Rows.apply(anchor, tokens, words)  # type: ignore[no-untyped-call]
        return rows

    words.forward = look_up
    return True


def _agrees(norm: Any) -> bool:
    x = torch.randn(3, norm.weight.numel(), generator=torch.Generator().manual_seed(0))
    x = x.to(norm.weight)
    with torch.no_grad():
        expected = type(norm).forward(norm, x).float()
        found = rms_norm(x, norm.weight, norm.variance_epsilon).float()
    return torch.allclose(found, expected, atol=1e-5 if x.dtype == torch.float32 else 1e-2)


def _is_gated(mlp: Any) -> bool:
    down = getattr(mlp, "down_proj", None)
    # An adapter (peft) is of another class: it stays.
    if type(down) is not torch.nn.Linear or down.bias is not None:
        return False
    if not (hasattr(mlp, "gate_proj") and hasattr(mlp, "up_proj")):
        return False
    x = torch.randn(3, down.out_features, generator=torch.Generator().manual_seed(0))
    x = x.to(down.weight)
    with torch.no_grad():
        return torch.equal(type(mlp).forward(mlp, x), gated_mlp(x, mlp))


def _rotates_alike(theirs: Callable[..., Any]) -> bool:
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(1, heads, 3, 8, generator=generator) for heads in (4, 2))
    angles = torch.randn(1, 3, 4, generator=generator).repeat(1, 1, 2)
    try:
        expected = theirs(q, k, angles.cos(), angles.sin())
    except Exception:  # another signature: theirs stays
        return False
    found = rotary(q, k, angles.cos(), angles.sin())
    return all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, expected, strict=True))


def autocast_dtype(x: Tensor) -> torch.dtype | None:
    """Return the type that autocast would turn `x` into; None where it is off."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
