"""The tiny random model: the same bytes everywhere, and what its tokenizer does."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from asft.config.data import Model
from asft.config.sources import RandomSource
from asft.models.fetch_model import import_model
from asft.models.folders import load_tokenizer
from asft.models.tiny import tiny_model

MESSAGES = [{"role": "user", "content": "Hi"}]


def hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_tiny_model_has_the_same_bytes_in_any_process(tiny_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "asft.models.tiny", str(tmp_path / "again")]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "7"})
    assert hashes(tmp_path / "again") == hashes(tiny_folder)
    tiny_model(tmp_path / "other", seed=1)
    assert hashes(tmp_path / "other") != hashes(tiny_folder)


def test_tiny_model_keeps_the_random_state(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    tiny_model(tmp_path / "tiny", seed=3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_tiny_tokenizer_round_trip(tiny_folder: Path) -> None:
    tokenizer = load_tokenizer(tiny_folder)
    text = "Füße, 东京 and\n\n\t12 emoji 🙂"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    rendered = tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    assert rendered == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_random_source(tiny_folder: Path, tmp_path: Path) -> None:
    import_model(Model(sources=[RandomSource(random=0)]), tmp_path / "out")
    imported = hashes(tmp_path / "out")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert imported | hashes(tiny_folder) == imported
    assert card["source"] == {"random": 0}
