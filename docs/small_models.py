"""Configs of every architecture, as small as its names for sizes allow (for docs/models.py)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import transformers

WORDS = 96
# What makes a model small, by the names that configs have for it.
SMALL: dict[str, Any] = {
    **dict.fromkeys(("vocab_size", "vocab_size_per_layer_input"), WORDS),
    **dict.fromkeys(
        ("hidden_size", "d_model", "n_embd", "embedding_size", "word_embed_proj_dim"), 64
    ),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "d_inner"), 96),
    **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "shared_intermediate_size"), 96),
    **{"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2},
    **{"expert_layer_offset": 1},
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 4),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads", "num_global_key_value_heads"), 2),
    **dict.fromkeys(("head_dim", "attention_head_size", "global_head_dim", "kv_channels"), 16),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), 256),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_k", "top_k_experts", "moe_top_k"), 2),
    **dict.fromkeys(("moe_intermediate_size", "expert_ffn_hidden_size", "expert_dim"), 32),
    **dict.fromkeys(("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size"), 32),
    **dict.fromkeys(("n_group", "topk_group", "num_expert_group", "n_shared_experts"), 1),
    **{"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8},
    **{"v_head_dim": 16, "qk_head_dim": 16, "index_head_dim": 16, "index_n_heads": 2},
    **{"index_topk": 8, "o_lora_rank": 16, "first_k_dense_replace": 1, "pad_token_id": 1},
    **{"linear_key_head_dim": 8, "linear_value_head_dim": 8, "linear_num_key_heads": 4},
    **{"linear_num_value_heads": 4, "conv_L_cache": 3, "state_size": 8, "mamba_d_state": 8},
    **{"mamba_n_heads": 4, "mamba_d_head": 32, "mamba_n_groups": 1, "mamba_expand": 2},
    **{"mamba_num_heads": 4, "mamba_head_dim": 32, "ssm_state_size": 8, "n_groups": 1},
    **{"mamba_dt_rank": 4, "time_step_rank": 4, "attention_hidden_size": 64, "lru_width": 64},
    **{"dim_model": 64, "chunk_size": 16, "laurel_rank": 8, "hidden_size_per_layer_input": 8},
    **{"bos_token_id": 0, "eos_token_id": 1, "num_kv_shared_layers": 0, "rotary_dim": 8},
    **{"attn_config": None, "mtp_num_layers": 0, "num_nextn_predict_layers": 0},
    **{"kda_num_heads": 4, "kda_head_dim": 16, "num_memory_blocks": 2, "image_token_id": 5},
    "initializer_range": 0.3,
}
# Kinds of layers that are not all in an architecture's default config.
ALSO: dict[str, dict[str, Any]] = {
    "lfm2": {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2},
    "bamba": {"attn_layer_indices": [1]},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "mamba2": {"num_heads": 8, "head_dim": 16, "n_groups": 1},
    "falcon_h1": {"mamba_d_ssm": 128},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2},
}
_PLAIN = {
    **{"vocab_size": WORDS, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "pad_token_id": 1},
    **{"max_position_embeddings": 256, "initializer_range": 0.3},
}
_WINDOWED = _PLAIN | {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}
_MAMBA = _PLAIN | {"num_hidden_layers": 6, "num_key_value_heads": 4, "mamba_d_state": 8}
_ROTARY = {"rope_type": "default", "rope_theta": 10000.0}
_GEMMA = _WINDOWED | {"global_head_dim": 16}
_MEDIA = {"image_token_id": 5, "video_token_id": 6, "audio_token_id": 7, "boi_token_id": 8}
_BYTES = _PLAIN | {"hidden_size_global": 64, "num_key_value_heads": 4, "cross_attn_k": 2}
_QWEN4 = _PLAIN | {
    **{"layer_types": ["linear_attention", "indexed_attention"], "num_experts": 4},
    **{"num_experts_per_tok": 2, "moe_intermediate_size": 32, "linear_key_head_dim": 8},
    **{"shared_expert_intermediate_size": 32, "linear_value_head_dim": 8, "hc_lowrank": 8},
    **{"linear_num_key_heads": 4, "linear_num_value_heads": 4, "indexer_n_heads": 2},
    **{"indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 8},
    **{"indexer_compress_ratio": 2, "ngram_vocab_size_base": 100, "split_ngram_parts": 2},
}
# Configs whose sizes hang together in ways that their names do not tell.
WHOLE: dict[str, dict[str, Any]] = {
    "blt": {
        **{"vocab_size": WORDS, "max_position_embeddings": 256, "cross_attn_k": 2},
        **{"encoder_hash_byte_group_vocab": 64, "encoder_hash_byte_group_size": [2, 3]},
        **{"patcher_config": _BYTES, "encoder_config": _BYTES, "decoder_config": _BYTES},
        **{"global_config": _BYTES, "initializer_range": 0.3},
    },
    "cohere_compass_text": _WINDOWED
    | {"rope_parameters": {"full_attention": _ROTARY, "sliding_attention": _ROTARY}},
    "dbrx": {
        **{"d_model": 64, "n_heads": 4, "n_layers": 2, "max_seq_len": 256, "vocab_size": WORDS},
        **{"attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 10000.0}},
        "ffn_config": {
            **{"ffn_hidden_size": 96, "moe_num_experts": 4, "moe_top_k": 2, "hidden_size": 64}
        },
        "initializer_range": 0.3,
    },
    "dots1": _WINDOWED
    | {
        **{"num_key_value_heads": 4, "moe_intermediate_size": 32, "n_shared_experts": 1},
        **{"n_routed_experts": 4, "num_experts_per_tok": 2, "first_k_dense_replace": 1},
    },
    "emu3": {"text_config": _PLAIN},
    "gemma4": _MEDIA
    | {
        "text_config": _GEMMA
        | {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": WORDS}
    },
    "gemma4_unified": _MEDIA | {"text_config": _GEMMA},
    "mllama": {"text_config": _PLAIN | {"cross_attention_layers": [1]}},
    "nemotron": _PLAIN,
    "qwen4_exp": {"text_config": _QWEN4},
    "qwen4_exp_text": _QWEN4,
    "reformer": {
        **{"is_decoder": True, "vocab_size": WORDS, "hidden_size": 64, "num_attention_heads": 4},
        **{"attention_head_size": 16, "feed_forward_size": 96, "attn_layers": ["local", "lsh"]},
        **{"axial_pos_shape": [16, 16], "axial_pos_embds_dim": [32, 32], "num_buckets": 2},
        **{"max_position_embeddings": 256, "hash_seed": 1, "initializer_range": 0.3},
        **{"local_attn_chunk_length": 4, "lsh_attn_chunk_length": 4},
    },
    "xmod": {
        **{"vocab_size": WORDS, "hidden_size": 64, "num_hidden_layers": 2, "is_decoder": True},
        **{"num_attention_heads": 4, "intermediate_size": 96, "default_language": "en_XX"},
        **{"max_position_embeddings": 256, "initializer_range": 0.3},
    },
    "zamba": _MAMBA
    | {
        **{"attn_layer_period": 2, "attn_layer_offset": 1, "n_mamba_heads": 2},
        **{"mamba_dt_rank": 4, "attention_hidden_size": 128, "attention_head_dim": 32},
    },
    "zamba2": _MAMBA | {"layers_block_type": ["linear_attention", "hybrid"] * 3, "chunk_size": 16},
    "zaya": _PLAIN
    | {
        **{"layer_types": ["hybrid", "hybrid_sliding"], "sliding_window": 8, "num_experts": 4},
        **{"moe_intermediate_size": 32, "num_experts_per_tok": 1, "router_hidden_size": 16},
    },
}
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_blocks", "decoder_layers")
LISTS = ("layer_types", "layers_block_type", "mlp_layer_types", "block_types", "no_rope_layers")


def small(kind: str) -> Iterator[Any]:
    """Yield configs of an architecture, as small as its names for sizes allow."""
    if kind in WHOLE:
        yield transformers.AutoConfig.for_model(kind, **WHOLE[kind])
        return
    for head in (False, True):
        with contextlib.suppress(Exception):  # sizes that others are computed from at the start
            plain: Any = transformers.AutoConfig.for_model(kind)
            sizes = {k: v for k, v in _sizes(plain, head).items() if not isinstance(v, property)}
            yield transformers.AutoConfig.for_model(kind, **sizes | ALSO.get(kind, {}))
        with contextlib.suppress(Exception):
            config: Any = transformers.AutoConfig.for_model(kind, **ALSO.get(kind, {}))
            for part in [config, *(getattr(config, name) for name in config.sub_configs)]:
                if part is not None:
                    _shrink(part, head)
            yield config


def _sizes(config: Any, head: bool) -> dict[str, Any]:
    """Sizes for what a config knows; `head`: also of heads that it leaves open."""
    known = set(config.to_dict()) | set(config.attribute_map)
    lists = {name: values for name in LISTS if isinstance(values := _get(config, name), list)}
    layers = max([2, *(min(len({*values}), 4) for values in lists.values())])
    sizes = SMALL | dict.fromkeys(LAYERS, layers)
    if "qk_rope_head_dim" in known:
        sizes["head_dim"] = sizes["qk_rope_head_dim"]
    if "kv_lora_rank" in known:  # latent attention has a key for each query
        sizes["num_key_value_heads"] = sizes["num_attention_heads"]
    for name, values in lists.items():  # one layer of each kind, that all stay in
        sizes[name] = (list(dict.fromkeys(values)) * layers)[:layers]
    return {
        name: value
        for name, value in sizes.items()
        if name in known
        and value is not None
        and (_get(config, name) is not None or (head and name == "head_dim"))
    }


def _get(config: Any, name: str) -> Any:
    with contextlib.suppress(Exception):  # a property that has no value for all layers
        return getattr(config, name, None)


def _shrink(config: Any, head: bool) -> None:
    for name, value in _sizes(config, head).items():
        with contextlib.suppress(Exception):  # a property of others
            setattr(config, name, value)
