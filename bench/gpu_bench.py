"""What the stages of gpu.py share: model shapes, pairs, and a row for each arm."""

import gc
import json
import shutil
import statistics
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from flops import peak_flops, useful_flops
from training import HERE, MODEL, workload
from training_arm import run

from asft.training import fused as fused_kernels

PAIRS = 400  # of each workload
WARM_UP = 2  # steps left out
COMMON = {"rms_norm_eps": 1e-5, "max_position_embeddings": 8192}
SHAPES: dict[str, dict[str, Any]] = {
    "135m": COMMON
    | {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30}
    | {"num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64}
    | {"vocab_size": 49152, "tie_word_embeddings": True},
    "1b": COMMON
    | {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16}
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64}
    | {"vocab_size": 128256, "tie_word_embeddings": True},
    "8b": COMMON
    | {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}
    | {"vocab_size": 128256, "tie_word_embeddings": False},
}


class Bench:
    """Where shapes and pairs are, and where rows go."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.out = scratch, HERE / "gpu.jsonl"
        self.device = torch.cuda.get_device_name()
        self.peak = peak_flops("bfloat16", "cuda")
        self.pairs = {name: workload(name, scratch, PAIRS)[0] for name in ("hh", "uf")}
        for path in self.pairs.values():  # a short file again and again
            pairs = json.loads(path.read_text(encoding="utf-8"))
            whole = list(islice(cycle(pairs), PAIRS))
            path.write_text(json.dumps(whole), encoding="utf-8")

    def shape(self, name: str, **changes: Any) -> Path:
        """A folder with tokenizer and config, without weights."""
        from transformers import LlamaConfig

        folder = self.scratch / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in [*MODEL.glob("*token*"), MODEL / "chat_template.jinja"]:
            shutil.copy(file, folder)
        LlamaConfig(**(SHAPES[name] | changes)).save_pretrained(folder)
        return folder

    def say(self, **row: Any) -> None:
        """Add a row."""
        row = {"device": self.device, "torch": torch.__version__} | row
        print(json.dumps(row), flush=True)
        with self.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def arm(self, stage: str, shape: str, pairs: str, fused: bool = True, **job: Any) -> None:
        """Train by one arm; an arm that fails is a row too."""
        fused_kernels.DEVICES[:] = ["cpu", "cuda"] if fused else ["cpu"]
        job |= {"model": str(self.shape(shape)), "pairs": str(self.pairs[pairs])}
        job |= {"token_budget": 16384}
        row: dict[str, Any] = {"stage": stage, "shape": shape, "workload": pairs, "fused": fused}
        row |= {k: v for k, v in job.items() if k not in ("model", "pairs", "token_budget")}
        try:
            found = run(job)
        except Exception as error:
            self.say(**row, error=f"{type(error).__name__}: {error}"[:300])
        else:
            seconds = statistics.median(found["seconds"][WARM_UP:])
            row |= {
                "seconds_a_step": round(seconds, 4),
                "pairs_s": round(job["batch"] / seconds, 2),
            }
            if "lora" not in job:  # whose frozen weights need fewer operations
                flops = useful_flops(Path(job["model"]), Path(job["pairs"])) * row["pairs_s"]
                row["mfu"] = round(flops / self.peak, 3)
            self.say(**row, **found)
        gc.collect()
        torch.cuda.empty_cache()
