"""What transformers 5.23 leaves out of a GGUF file in silence: carried over, or refused by name.

It reads the keys that it has a name for. Scaled positions, the token that ends a turn and factors
of logits or residuals are not among them; and a file that holds its own output matrix is taken for
a model that is not tied, though most such files hold the embeddings again, otherwise quantised.
"""

import re
from typing import Any

import torch
from gguf import GGUFReader, dequantize
from transformers.modeling_gguf_pytorch_utils import GGUF_TO_TRANSFORMERS_MAPPING
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from asft.errors import UserError

# Keys that change what a model computes, where transformers has no name for them.
_COMPUTES = re.compile(r"rope\.scaling|softcapping|scale$|sliding_window|clamp|temperature")
# Llama 3.1 and 3.2; the factors themselves stand in the file.
_LLAMA3 = {
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
# Of the embeddings' norm. Quantised to 4 bits rows differ by about 0.1, other matrices by over 1.
_SAME = 0.25


def carry_over(reader: GGUFReader, policy: Any) -> dict[str, Any]:
    """Give a policy what its file says and its loader left out; return what its card says of it.

    Raises:
        UserError: the file says something that the policy cannot be told.
    """
    arch = _value(reader, "general.architecture")
    said = {
        key.removeprefix(f"{arch}."): key for key in reader.fields if key.startswith(f"{arch}.")
    }
    names: Any = GGUF_TO_TRANSFORMERS_MAPPING["config"]
    known = names.get(arch, {})
    unread = {short: _value(reader, said[short]) for short in said if short not in known}
    card: dict[str, Any] = {}
    if rope := _scaled_positions(reader, unread, policy.config):
        policy.config.rope_parameters = policy.config.rope_parameters | rope
        card["rope_parameters"] = rope
    if lost := [key for key in unread if _COMPUTES.search(key) and not key.startswith("rope.sca")]:
        raise UserError(
            f"{said[lost[0]]} = {unread[lost[0]]} cannot be carried over; use the model's"
            " safetensors"
        )
    return card | _ends(reader, policy) | _tied(reader, policy)


def _scaled_positions(reader: GGUFReader, unread: dict[str, Any], config: Any) -> dict[str, Any]:
    kind, factor = unread.get("rope.scaling.type", "none"), unread.get("rope.scaling.factor", 1.0)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    if "rope_freqs.weight" in tensors:
        return _llama3(torch.tensor(tensors["rope_freqs.weight"].data).float().flatten(), config)
    if strange := [name for name in tensors if name.startswith("rope_factors")]:
        raise UserError(f"{strange[0]} cannot be carried over; use the model's safetensors")
    if kind == "none" or factor == 1:
        return {}
    if kind not in ("linear", "yarn"):
        raise UserError(f"rope.scaling.type {kind!r} cannot be carried over; use its safetensors")
    scaled = {"rope_type": kind, "factor": float(factor)}
    if kind == "yarn" and "rope.scaling.original_context_length" in unread:
        length = unread["rope.scaling.original_context_length"]
        scaled["original_max_position_embeddings"] = int(length)
    return scaled


def _llama3(factors: torch.Tensor, config: Any) -> dict[str, Any]:
    """Llama 3's scaling, if the file's factors, one a frequency, are those that it gives."""
    scaled = {"rope_type": "llama3", "factor": float(factors.max())} | _LLAMA3
    if factors.max() == 1:
        return {}
    trial = type(config)(**config.to_dict())
    trial.rope_parameters = config.rope_parameters | scaled
    plain_frequencies = 1.0 / config.rope_parameters["rope_theta"] ** (
        torch.arange(0, 2 * len(factors), 2).float() / (2 * len(factors))
    )
    frequencies, _ = ROPE_INIT_FUNCTIONS["llama3"](trial, torch.device("cpu"))
    if not torch.allclose(plain_frequencies / frequencies, factors, rtol=1e-3):
        raise UserError("rope_freqs.weight: other factors than Llama 3's; use its safetensors")
    return scaled


def _ends(reader: GGUFReader, policy: Any) -> dict[str, Any]:
    """The end of a turn beside the end of a text."""
    names = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
    ends = sorted({int(_value(reader, name)) for name in names if name in reader.fields})
    if len(ends) < 2:
        return {}
    policy.generation_config.eos_token_id = ends
    return {"end_tokens": ends}


def _tied(reader: GGUFReader, policy: Any) -> dict[str, Any]:
    """Tie an output matrix that is the embeddings again, but for how it was quantised."""
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    if not {"output.weight", "token_embd.weight"} <= tensors.keys():
        return {}
    words, output = (_dense(tensors[f"{name}.weight"]) for name in ("token_embd", "output"))
    if words.shape != output.shape:
        return {"tied": "no"}
    apart = float((words - output).norm() / words.norm())
    if apart > _SAME:
        return {"tied": f"no: the output matrix is {apart:.2g} of the embeddings' norm from them"}
    policy.config.tie_word_embeddings = True
    policy.tie_weights()
    return {"tied": f"yes: the file's output matrix is its embeddings, {apart:.2g} apart"}


def _dense(tensor: Any) -> torch.Tensor:
    return torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy()).float()


def _value(reader: GGUFReader, key: str) -> Any:
    return reader.fields[key].contents()
