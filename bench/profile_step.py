"""What a training step's time goes into, by torch.profiler: profile.csv beside this.

HH-like pairs, batch 4, ASFT: where a step is shortest. By hand: python bench/profile_step.py
Needs a quiet machine and the default model in results/models/ (`make demo` puts it there).
"""

import csv
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BATCH, STEPS, LEFT_OUT = 4, 8, 2
# What belongs together; the first that fits. Self time, so that nothing counts twice.
OF_WEIGHTS = {  # or of their gradients, by shape: as much for one pair as for many
    "casts of weights": ("aten::copy_",),
    "clipping": ("aten::linalg_vector_norm", "aten::mul_"),
}
KINDS = {
    "matrix products": ("aten::mm", "aten::addmm"),
    "attention": ("_BlockAttention", "aten::bmm", "aten::baddbmm", "aten::_softmax"),
    "AdamW": ("aten::_fused_adamw_",),
    "other copies": ("aten::copy_", "aten::cat", "aten::clone", "aten::_to_copy"),
}


def profile() -> Counter[str]:
    """Seconds a step of each kind in the steps behind the first ones."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as torch_profile
    from training import MODEL, workload
    from training_arm import ours
    from transformers import TrainerCallback, set_seed

    import asft.cli  # noqa: F401 - sets what the `asft` command sets before torch reads it

    class Begin(TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == LEFT_OUT:
                profiler.start()

    with tempfile.TemporaryDirectory() as scratch:
        path, _ = workload("hh", Path(scratch), BATCH * STEPS)
        rows = json.loads(path.read_text(encoding="utf-8"))
        job = {"method": "asft", "batch": BATCH, "model": str(MODEL)}
        set_seed(0)
        trainer, _ = ours(job, rows, scratch)
        profiler = torch_profile(activities=[ProfilerActivity.CPU], record_shapes=True)
        trainer.add_callback(Begin())
        trainer.train()
        profiler.stop()
    weights = {tuple(weight.shape) for weight in trainer.model.parameters()}
    seconds: Counter[str] = Counter()
    for event in profiler.key_averages(group_by_input_shape=True):
        of_weight = bool(event.input_shapes) and tuple(event.input_shapes[0]) in weights
        kinds = (OF_WEIGHTS if of_weight else {}) | KINDS
        kind = next((k for k, names in kinds.items() if event.key.startswith(names)), "the rest")
        seconds[kind] += event.self_cpu_time_total / 1e6 / (STEPS - LEFT_OUT)
    return seconds


def main() -> None:
    """Elementwise operations, norms and Python are the rest."""
    seconds = profile()
    total = sum(seconds.values())
    with (HERE / "profile.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "seconds_a_step", "share"])
        for kind, spent in seconds.most_common():
            writer.writerow([kind, round(spent, 3), round(spent / total, 3)])
            print(kind, round(spent, 3), f"{spent / total:.1%}")


if __name__ == "__main__":
    main()
