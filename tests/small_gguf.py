"""A random Llama in a GGUF file: what is imported, what llama.cpp's server serves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

WIDTH, HEADS, LAYERS, WORDS = 32, 4, 1, 300
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{{ eos_token }}{% endfor %}"


def words() -> list[str]:
    """Byte-level pieces and three control tokens: end of text, end of turn, begin."""
    from tokenizers.pre_tokenizers import ByteLevel

    pieces = sorted(ByteLevel.alphabet())
    pieces += ["ab", *(f"piece{n}" for n in range(WORDS - 4 - len(pieces)))]
    return [*pieces, "<|end|>", "<|turn|>", "<|begin|>"]


def written(
    path: Path,
    *,
    keys: dict[str, Any] | None = None,
    tensors: dict[str, Callable[[Any], Any]] | None = None,
) -> Path:
    """Write the file.

    Args:
        keys: values by the name of the writer's method that adds each.
        tensors: further ones by name, made from those that are there.
    """
    out = gguf.GGUFWriter(path, "llama")
    out.add_block_count(LAYERS)
    out.add_context_length(512)
    out.add_embedding_length(WIDTH)
    out.add_feed_forward_length(48)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_rope_freq_base(500_000.0)
    out.add_vocab_size(WORDS)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(words())
    control = gguf.TokenType.CONTROL
    out.add_token_types([gguf.TokenType.NORMAL] * (WORDS - 3) + [control] * 3)
    out.add_token_merges(["a b"])
    out.add_eos_token_id(WORDS - 3)
    out.add_bos_token_id(WORDS - 1)
    out.add_chat_template(TEMPLATE)
    for add, value in (keys or {}).items():
        getattr(out, add)(value)
    random = np.random.default_rng(0)
    shapes = {"token_embd": (WORDS, WIDTH), "output_norm": (WIDTH,)}
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        shapes[f"blk.0.{part}"] = (WIDTH, WIDTH)
    shapes |= {"blk.0.ffn_gate": (48, WIDTH), "blk.0.ffn_up": (48, WIDTH)}
    shapes |= {
        "blk.0.ffn_down": (WIDTH, 48),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
    }
    found = {f"{n}.weight": random.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    for name, make in (tensors or {}).items():
        found[name] = make(found)
    for name, tensor in found.items():
        if isinstance(tensor, tuple):
            out.add_tensor(name, tensor[0], raw_dtype=tensor[1])
        else:
            out.add_tensor(name, tensor)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path
