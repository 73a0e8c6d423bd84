"""Llama and its like in plain torch: for steps on a CPU that only read a model.

To import transformers' models takes longer than all else of such a step's start. Here is what four
architectures compute, operation by operation as there, so that the bits are the same. Whatever is
not quite what it is written for is left to transformers: `load_plain` then returns None.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from asft.errors import UserError
from asft.files import read_json
from asft.models.plain_layers import KINDS, Decoder
from asft.models.weight_files import weight_files

# Without one of these the defaults of transformers would count, which differ between the kinds.
_SAID = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "eos_token_id"),
    *("num_attention_heads", "num_key_value_heads", "max_position_embeddings", "rms_norm_eps"),
    *("hidden_act", "rope_parameters", "tie_word_embeddings"),
)
_WIDEST = 256  # head: beyond, transformers copies keys for each head


class PlainConfig(SimpleNamespace):
    """What config.json says, as attributes."""

    def get_text_config(self) -> PlainConfig:
        """Return itself: there are no pictures."""
        return self


def load_plain(folder: Path, dtype: torch.dtype) -> PlainModel | None:
    """Load the model in `folder`; None where it is to be loaded by transformers.

    That is any other kind, scaled positions, a window, quantised, missing or damaged weights, and
    a folder that points elsewhere or does not say how it generates.
    """
    config = _config_of(folder)
    if config is None:
        return None
    from transformers import GenerationConfig

    try:
        weights = {
            # Copied: where a file's bytes lie as they are mapped, the last bits of a product
            # depend on their address.
            name: weight.to(dtype, copy=True)
            for file in weight_files(folder)
            for name, weight in load_file(file).items()
        }
        with torch.device("meta"):
            model = PlainModel(config)
        if config.tie_word_embeddings:
            if "lm_head.weight" in weights:
                return None
            weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
        model.load_state_dict(weights, strict=True, assign=True)
        model.generation_config = GenerationConfig.from_pretrained(str(folder))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, UserError):
        return None  # transformers says what is wrong, or knows how to read it
    model.model.rotary_emb.set(config)
    return model.eval()


def _config_of(folder: Path) -> PlainConfig | None:
    there = all((folder / name).is_file() for name in ("config.json", "generation_config.json"))
    elsewhere = any((folder / name).exists() for name in ("pointer.json", "adapter_config.json"))
    if not there or elsewhere:
        return None
    said = read_json(folder / "config.json")
    if not isinstance(said, dict) or said.get("model_type") not in KINDS:
        return None
    switches = [key for key in KINDS[said["model_type"]] if isinstance(key, str)]
    if not said.keys() >= {*_SAID, *switches}:
        return None
    if said["model_type"] == "qwen2":  # alone has no default of its own
        said.setdefault("head_dim", said["hidden_size"] // said["num_attention_heads"])
    layers = set(said.get("layer_types") or ["full_attention"])
    positions = said["rope_parameters"]
    plain = (
        (layers == {"full_attention"} and said.get("sliding_window") is None)
        and isinstance(positions, dict)
        and positions.keys() == {"rope_type", "rope_theta"}
        and (positions["rope_type"] == "default" and said["hidden_act"] == "silu")
        and ("quantization_config" not in said and said.get("head_dim") is not None)
        and (said["num_key_value_heads"] is not None and said["head_dim"] <= _WIDEST)
    )
    return PlainConfig(**said, _attn_implementation="plain") if plain else None


class PlainModel(nn.Module):
    """A causal language model; names and calls as of one of transformers."""

    generation_config: Any

    def __init__(self, config: PlainConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    @property
    def base_model(self) -> Decoder:
        """The model without its head."""
        return self.model

    def get_decoder(self) -> Decoder:
        """Return the model without its head."""
        return self.model

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.lm_head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.lm_head.weight.dtype

    def forward(self, input_ids: Tensor, logits_to_keep: int = 0, **given: Any) -> SimpleNamespace:
        """Compute `logits`, of the last `logits_to_keep` tokens or all, and `past_key_values`."""
        found = self.model(input_ids, **given)
        kept = found.last_hidden_state[:, -logits_to_keep if logits_to_keep else 0 :]
        return SimpleNamespace(logits=self.lm_head(kept), past_key_values=found.past_key_values)
