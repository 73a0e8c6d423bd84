"""A GGUF file becomes safetensors, and splits text as its model does."""

from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers import PreTrainedTokenizerBase as Tokenizer

from asft.errors import UserError
from asft.files import file_sha256
from asft.models.folders import forget_reading
from asft.models.gguf_left_out import carry_over
from asft.models.weight_files import weights_of

# How a GGUF file splits text before BPE (`tokenizer.ggml.pre`). transformers 5.23 falls back to
# GPT-2's way for these, which put each digit alone (llama.cpp, llama-vocab.cpp). Read like that,
# 18% of alpaca's answers ("\n\n1.") were not in SmolLM2's tokens, and 3% less likely to it (nats).
DIGITS_APART = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone")
AS_GPT2 = ("gpt-2", "mpt", "olmo", "jais")


def convert_gguf(path: Path, folder: Path) -> tuple[Tokenizer, dict[str, Any]]:
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise UserError(f"{path.name} is not a GGUF file; name one, or a folder of safetensors")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        reader = GGUFReader(path)
        _split_as_its_model(tokenizer, reader)
        # A plain load stays marked as quantized: it can be neither trained nor saved.
        policy = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
        carried = carry_over(reader, policy)
    except UserError:
        raise
    except Exception as error:  # a damaged file fails anywhere in the parsers
        raise UserError(f"cannot read {path.name} ({error!r}); is it whole?") from error
    policy.config.architectures = [type(policy).__name__]
    policy.save_pretrained(folder)
    forget_reading(tokenizer)
    tokenizer.save_pretrained(folder)
    return tokenizer, {"sha256": file_sha256(path)} | weights_of(folder) | carried


def _split_as_its_model(tokenizer: Tokenizer, reader: GGUFReader) -> None:
    fields = reader.fields
    kind, name = (
        fields[key].contents() if key in fields else None
        for key in ("tokenizer.ggml.model", "tokenizer.ggml.pre")
    )
    splitting = tokenizer.backend_tokenizer.pre_tokenizer
    if kind != "gpt2" or not isinstance(splitting, pre_tokenizers.ByteLevel) or name in AS_GPT2:
        return
    if name not in DIGITS_APART:
        raise UserError(f"cannot split text as {name!r} does; use the model's safetensors")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), splitting]
    )
