"""What the CPU cannot show: the kernels of GPUs give its numbers, and a step does not wait."""

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback

from asft.config.training import Training
from asft.data.tokens import TokenPair
from asft.generation.decoding import Row, decode
from asft.losses import METHODS
from asft.training import fused
from asft.training.attention.choose import implementation
from asft.training.attention.names import PAIR_ATTENTION
from asft.training.packing import pack
from asft.training.pair_logps import pair_logps
from asft.training.reference_logps import CachedReference, score_pairs, write_reference
from asft.training.trainer import PairTrainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

VOCABULARY = 499
LENGTHS = [(9, 30, 41), (130, 1, 2), (3, 200, 70), (1, 5, 4), (64, 64, 64), (20, 7, 133)]
BF16, FP32 = torch.bfloat16, torch.float32
KINDS = [("pairs", FP32), ("pairs", BF16), ("flash", BF16), ("flex", FP32), ("flex", BF16)]
CUDA = torch.device("cuda", 0)


def model_with(attention):
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=192,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.1,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config)


def some_pairs(lengths=LENGTHS):
    rng = np.random.default_rng(0)
    draw = [[rng.integers(0, VOCABULARY, n, dtype=np.int32) for n in row] for row in lengths]
    return [TokenPair(f"p{i}", *row) for i, row in enumerate(draw)]


def values_and_gradients(model, precision, replace):
    device = model.device
    if replace:
        fused.fuse(model)
    kept = []
    for row in pack(some_pairs(), 512, with_prompt=True):
        on_device = {k: v.to(device) if torch.is_tensor(v) else v for k, v in row.items()}
        with torch.autocast(device.type, precision, enabled=precision != FP32):
            kept += [part.sum for part in pair_logps(model, on_device)[:3]]
    values = torch.cat(kept)
    weights = torch.randn(len(values), generator=torch.manual_seed(3)).to(device)
    (values * weights).sum().backward()
    gradients = torch.cat([weight.grad.flatten() for weight in model.parameters()])
    return values.detach().cpu(), gradients.cpu()


def distance(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("replace", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize(("kind", "precision"), KINDS)
def test_values_and_gradients_are_the_cpus(kind, precision, replace, monkeypatch):
    expected = values_and_gradients(model_with(PAIR_ATTENTION), FP32, False)
    monkeypatch.setattr(fused, "DEVICES", ["cuda"])
    model = model_with(implementation(kind, CUDA, precision)).to(CUDA)
    found = values_and_gradients(model, precision, replace)
    far = [distance(a, b) for a, b in zip(found, expected, strict=True)]
    if precision == FP32:
        assert max(far) < 1e-4
        return
    # No farther from fp32 than a CPU's bf16 is, but for chance.
    cpu = values_and_gradients(model_with(PAIR_ATTENTION), precision, False)
    usual = [distance(a, b) for a, b in zip(cpu, expected, strict=True)]
    print(kind, replace, "GPU", far, "CPU", usual)
    assert all(a < 1.5 * b for a, b in zip(far, usual, strict=True))


def trained(kind, precision, folder, method="dpo", budget=512, guard=None, device=CUDA):
    pairs = some_pairs(LENGTHS * 4)
    pairs = [pair._replace(id=f"p{i}") for i, pair in enumerate(pairs)]
    attention = implementation(kind, device, precision)
    reference = None
    if METHODS[method].needs_reference:
        path = folder / "reference.parquet"
        base = model_with(attention).to(device)
        write_reference(path, score_pairs(base, pack(pairs, budget), precision))
        reference = CachedReference(path)
    trainer = PairTrainer(
        model_with(attention),
        pairs,
        [],
        method=METHODS[method],
        hyperparameters={} if method == "sft" else {"beta": 0.1},
        training=Training(epochs=1, batch_size=6, learning_rate=1e-3, token_budget=budget),
        precision=precision,
        seed=0,
        output_dir=str(folder),
        reference=reference,
    )
    if guard:
        trainer.add_callback(guard)
    trainer.train()
    return [row["loss"] for row in trainer.history.rows()], trainer


@pytest.mark.parametrize(("kind", "precision"), KINDS)
def test_rows_may_be_cut_anywhere(kind, precision, tmp_path):
    whole, _ = trained(kind, precision, tmp_path, "asft", budget=4096)
    parts, _ = trained(kind, precision, tmp_path, "asft", budget=64)
    assert parts == pytest.approx(whole, rel=1e-4 if precision == FP32 else 2e-2)


class NoWaiting(TrainerCallback):
    """An operation for which the CPU waits is an error within a step, but for the first."""

    def on_step_begin(self, args, state, control, **_):
        torch.cuda.set_sync_debug_mode("error" if state.global_step else "default")

    def on_step_end(self, args, state, control, **_):
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("method", ["dpo", "sft"])
@pytest.mark.parametrize(("kind", "precision"), KINDS[:3])  # not flex, which compiles on the way
def test_a_step_does_not_wait_for_the_gpu(kind, precision, method, tmp_path):
    try:
        losses, _ = trained(kind, precision, tmp_path, method, guard=NoWaiting())
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(losses) == 4


@pytest.mark.parametrize("batch_size", [None, 2])
def test_greedy_answers_are_those_of_generate(batch_size):
    model = model_with("sdpa").to(CUDA).eval()
    prompts = [pair.prompt.tolist() for pair in some_pairs()]
    rows = [Row(prompt, None, torch.zeros(20)) for prompt in prompts]
    options = {"max_new_tokens": 20, "end_tokens": {7}, "batch_size": batch_size}
    found = decode(model, rows, top_k=0, top_p=1.0, **options)
    for prompt, answer in zip(prompts, found, strict=True):
        ids = torch.tensor([prompt], device=CUDA)
        alone = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=20,
            do_sample=False,
            eos_token_id=7,
            pad_token_id=0,
        )
        assert alone[0, len(prompt) :].tolist() == answer
