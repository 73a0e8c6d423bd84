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

from asft.training.kernels import EmbeddingRows, cast_linear, gated_mlp, rms_norm, rotary

DEVICES = ["cpu", "cuda"]  # where `fuse` replaces anything


class Rotation:
    """`apply_rotary_pos_emb` by ours where all of a head rotates, else by the model's own."""

    def __init__(self, theirs: Callable[..., Any]) -> None:
        self.theirs = theirs

    def __call__(self, *given: Any, **options: Any) -> Any:
        """Rotate queries and keys; arguments as of the model's own function.

        Where that has others, or rotates queries alone (Qwen4's indexer), it is called itself.
        """
        widths = {x.shape[-1] if isinstance(x, Tensor) else 0 for x in given[:4]}
        if len(given) in (4, 5) and len(widths) == 1 and options.keys() <= {"unsqueeze_dim"}:
            return rotary(*given, **options)
        return self.theirs(*given, **options)


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
        rows: Tensor = EmbeddingRows.apply(anchor, tokens, words)  # type: ignore[no-untyped-call]
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
