"""Choose the attention of packed rows: what is asked for, or the fastest on this machine."""

from importlib.util import find_spec

import torch

import asft.training.attention.pairs  # noqa: F401 - registers itself
from asft.config import Attention
from asft.errors import UserError
from asft.training.attention.names import FLASH_ATTENTION, FLEX_ATTENTION, PAIR_ATTENTION


def implementation(wanted: Attention, device: torch.device, precision: torch.dtype) -> str:
    """Return the attention's name to load a model with; `auto` is the fastest at this precision.

    Raises:
        UserError: flex or flash attention is not available here.
    """
    if wanted == "flex":
        if device.type != "cuda":  # elsewhere it has no backward pass
            raise UserError("training.attention: flex needs a CUDA GPU; take pairs")
        import asft.training.attention.flex

        return FLEX_ATTENTION
    lacking = _what_flash_lacks(device, precision)
    if wanted == "flash" and lacking:
        raise UserError(f"training.attention: flash needs {lacking}; take pairs")
    if wanted == "pairs" or lacking:
        if device.type == "cuda":  # cuDNN's takes milliseconds for each new length, and all are new
            torch.backends.cuda.enable_cudnn_sdp(False)
        return PAIR_ATTENTION
    import asft.training.attention.flash  # noqa: F401 - registers itself

    return FLASH_ATTENTION


def _what_flash_lacks(device: torch.device, precision: torch.dtype) -> str | None:
    if device.type != "cuda" or torch.version.cuda is None:
        return "a CUDA GPU"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "a GPU of compute capability 8.0 (Ampere) or later"
    if precision == torch.float32:
        return "training.precision: bf16"
    if find_spec("torch.nn.attention.varlen") is None:
        return "torch 2.10 or later"
    return None
