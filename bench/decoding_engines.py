"""Engines that decoding.py compares, each a function: prompts, most new tokens → new tokens.

Greedy, all prompts at once, answers end with the end token, which counts. An engine imports what
its environment has; none of them keeps anything of a prompt from one call to the next.
"""

import os
from collections.abc import Callable
from typing import Any

Tokens = list[list[int]]
Engine = Callable[[Tokens, int], Tokens]


def ours(model: str, precision: str, end: int, threads: int) -> Engine:
    """`asft generate`'s decoding."""
    import asft.cli  # noqa: F401, I001 - sets what the `asft` command sets before torch reads it
    import torch
    from asft.generation.decoding import Row, decode
    from asft.models.loading import load_policy

    policy = _policy(load_policy, model, precision, threads)

    def answer(prompts: Tokens, most: int) -> Tokens:
        rows = [Row(prompt, None, torch.zeros(most)) for prompt in prompts]
        limits = {"max_new_tokens": most, "end_tokens": {end}}
        return decode(policy, rows, top_k=0, top_p=1.0, **limits)

    return answer


def transformers(model: str, precision: str, end: int, threads: int) -> Engine:
    """`model.generate`, padded on the left."""
    import asft.cli  # noqa: F401, I001 - threads wait as ours do
    import torch
    from transformers import AutoModelForCausalLM

    policy = _policy(AutoModelForCausalLM.from_pretrained, model, precision, threads)

    def answer(prompts: Tokens, most: int) -> Tokens:
        width = max(map(len, prompts))
        ids = torch.tensor([[end] * (width - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        with torch.inference_mode():
            found = policy.generate(
                ids, attention_mask=mask, do_sample=False, max_new_tokens=most, eos_token_id=end
            )
        return [_until(end, row) for row in found[:, width:].tolist()]

    return answer


def _policy(load: Any, model: str, precision: str, threads: int) -> Any:
    from pathlib import Path

    import torch

    from asft.machine import keep_freed_memory

    keep_freed_memory()
    torch.set_num_threads(threads)
    return load(Path(model), dtype=getattr(torch, precision)).eval()


def ctranslate2(model: str, precision: str, end: int, threads: int) -> Engine:
    """CTranslate2, all prompts as one batch."""
    import json
    from pathlib import Path

    import ctranslate2 as peer

    words = json.loads((Path(model) / "vocabulary.json").read_text(encoding="utf-8"))
    generator = peer.Generator(
        model, device="cpu", compute_type=precision, inter_threads=1, intra_threads=threads
    )
    if generator.compute_type != precision:
        raise SystemExit(f"CTranslate2 computes in {generator.compute_type}, not in {precision}")

    def answer(prompts: Tokens, most: int) -> Tokens:
        found = generator.generate_batch(
            [[words[token] for token in prompt] for prompt in prompts],
            max_length=most,
            sampling_topk=1,
            include_prompt_in_result=False,
            end_token=[end],
            return_end_token=True,
        )
        return [_until(end, result.sequences_ids[0]) for result in found]

    return answer


def llama_cpp(model: str, precision: str, end: int, threads: int) -> Engine:
    """llama.cpp by its batches, a sequence a prompt; `precision` is the file's."""
    from decoding_llama_cpp import Sequences

    return Sequences(model, end, threads).answer


def vllm(model: str, precision: str, end: int, threads: int) -> Engine:
    """vLLM, whose CPU build takes a folder of transformers."""
    settings = {"OMP_THREADS_BIND": f"0-{threads - 1}", "KVCACHE_SPACE": "2"}
    os.environ.update({f"VLLM_CPU_{name}": value for name, value in settings.items()})
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    from vllm import LLM, SamplingParams

    engine = LLM(model, dtype=precision, max_model_len=1024, enable_prefix_caching=False)

    def answer(prompts: Tokens, most: int) -> Tokens:
        how = SamplingParams(temperature=0, max_tokens=most, stop_token_ids=[end])
        found = engine.generate([{"prompt_token_ids": p} for p in prompts], how, use_tqdm=False)
        return [_until(end, list(each.outputs[0].token_ids)) for each in found]

    return answer


def _until(end: int, tokens: list[int]) -> list[int]:
    return tokens[: tokens.index(end) + 1] if end in tokens else tokens


ENGINES = {each.__name__: each for each in (ours, transformers, ctranslate2, llama_cpp, vllm)}
