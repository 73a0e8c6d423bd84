"""Stages of gpu.py beside training speed: memory, a step's profile, decoding."""

import gc
import json
import time
from collections import Counter
from typing import Any

import torch
from gpu_bench import Bench
from growth import synthetic_pairs
from torch.profiler import ProfilerActivity
from torch.profiler import profile as record
from training_arm import now, ours, policy
from transformers import GenerationConfig, TrainerCallback

from asft.config.training import Training
from asft.generation.decoding import Row, decode
from asft.losses import METHODS
from asft.models.folders import load_tokenizer
from asft.models.hardware import default_device
from asft.training.attention.choose import implementation
from asft.training.token_budget import peak, shape_of
from asft.training.trainer import PairTrainer


def memory(bench: Bench) -> None:
    """Peaks over tokens of a row, for shapes, with and without gradient checkpointing."""
    points = [("135m", 30, (2048, 8192, 16384)), ("1b", 16, (2048, 8192, 16384))]
    points += [("8b", 8, (2048, 8192)), ("8b", 2, (8192,))]
    for name, layers, lengths in points:
        for tokens in lengths:
            for checkpointing in (False, True):
                _memory_point(bench, name, layers, tokens, checkpointing)


def _memory_point(bench: Bench, name: str, layers: int, tokens: int, checkpointing: bool) -> None:
    training = Training(
        batch_size=tokens // 256, token_budget=tokens, gradient_checkpointing=checkpointing
    )
    attention = implementation("auto", default_device(), torch.bfloat16)
    model = policy(bench.shape(name, num_hidden_layers=layers), attention)
    torch.cuda.reset_peak_memory_stats()
    trainer = PairTrainer(
        model,
        synthetic_pairs(3 * training.batch_size, 64, 96),
        [],
        method=METHODS["asft"],
        hyperparameters={"beta": 0.1},
        training=training,
        precision=torch.bfloat16,
        seed=0,
        output_dir=str(bench.scratch),
    )
    trainer.train()
    shape = shape_of(model)
    row: dict[str, Any] = {"stage": "memory", "shape": name, "tokens": tokens, "scored": 0.75}
    row |= {"checkpointing": checkpointing, **shape._asdict()}
    row |= {"formula": round(peak(shape, tokens, training, 0.75, "cuda"))}
    row |= {"peak": torch.cuda.max_memory_allocated()}
    bench.say(**row, reserved=torch.cuda.max_memory_reserved())
    del trainer, model
    gc.collect()
    torch.cuda.empty_cache()


def profile(bench: Bench) -> None:
    """Where a step's time goes."""
    for shape, pairs, batch in (("135m", "hh", 8), ("135m", "uf", 32), ("8b", "uf", 4)):
        job: dict[str, Any] = {"batch": batch, "steps": 4, "attention": "flash", "method": "asft"}
        job |= {"model": str(bench.shape(shape)), "token_budget": 16384, "who": "asft"}
        job |= {"lora": 16, "checkpointing": True} if shape == "8b" else {}
        rows = json.loads(bench.pairs[pairs].read_text(encoding="utf-8"))[: batch * 4]
        trainer, _ = ours(job, rows, str(bench.scratch))
        for name, spent in _kernels(trainer).items():
            bench.say(stage="profile", shape=shape, workload=pairs, batch=batch, **spent, part=name)
        del trainer
        gc.collect()
        torch.cuda.empty_cache()


GROUPS = {
    "attention": ("flash", "fmha"),
    "products": ("gemm", "nvjet", "xmma", "cutlass", "splitk"),
    "optimiser": ("multi_tensor", "adam"),
    "copies": ("memcpy", "memset", "copy", "cat"),
}


def _kernels(trainer: Any) -> dict[str, dict[str, float]]:
    """Milliseconds and launches of the third step by kind of kernel; idle is the rest."""
    recorder = record(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU])
    wall = []

    class Window(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            torch.cuda.synchronize()
            if state.global_step == 2:
                recorder.start()
                wall.append(time.perf_counter())

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            torch.cuda.synchronize()
            if state.global_step == 3:
                wall.append(time.perf_counter())
                recorder.stop()

    trainer.add_callback(Window())
    trainer.train()
    time_of: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for event in recorder.events():
        if event.device_type.name == "CUDA" and event.name.find("ProfilerStep") < 0:
            name = event.name.lower()
            group = next((g for g, keys in GROUPS.items() if any(k in name for k in keys)), "other")
            time_of[group] += event.device_time
            count[group] += 1
    total = (wall[1] - wall[0]) * 1e3
    found = {g: {"ms": round(t / 1e3, 2), "launches": count[g]} for g, t in time_of.items()}
    busy = sum(part["ms"] for part in found.values())
    return found | {"idle": {"ms": round(total - busy, 2), "launches": 0}}


def generation(bench: Bench) -> None:
    """New tokens a second against `model.generate`, prompts in file order, same batch."""
    pairs = json.loads(bench.pairs["uf"].read_text(encoding="utf-8"))
    for name, batch, new in (("8b", 64, 64), ("135m", 64, 128)):
        folder = bench.shape(name)
        tokenizer = load_tokenizer(folder)
        texts = [pair["prompt"][-1]["content"] for pair in pairs[:batch]]
        prompts = [tokenizer(text)["input_ids"][:512] for text in texts]
        model = policy(folder, "sdpa").to("cuda", torch.bfloat16).eval()
        rates = _rates(model, prompts, new)
        ratio = round(rates["ours"] / rates["generate"], 2)
        bench.say(stage="generation", shape=name, batch=batch, new=new, **rates, ratio=ratio)
        del model
        gc.collect()
        torch.cuda.empty_cache()


def _rates(model: Any, prompts: list[list[int]], new: int) -> dict[str, float]:
    width = max(map(len, prompts))
    ids = torch.tensor([[2] * (width - len(p)) + p for p in prompts], device="cuda")
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device="cuda")
    config = GenerationConfig(
        do_sample=False, max_new_tokens=new, min_new_tokens=new, pad_token_id=2
    )

    def theirs() -> None:
        with torch.inference_mode():
            model.generate(input_ids=ids, attention_mask=mask, generation_config=config)

    def mine() -> None:
        rows = [Row(prompt, None, torch.zeros(new)) for prompt in prompts]
        decode(model, rows, top_k=0, top_p=1.0, max_new_tokens=new, end_tokens=set())

    rates = {}
    for who, call in (("generate", theirs), ("ours", mine)):
        times = []
        for _ in range(3):
            began = now()
            call()
            times.append(now() - began)
        rates[who] = round(len(prompts) * new / min(times[1:]), 1)
    return rates
