"""Importing and loading models, on a random model of 0.1 million parameters."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import GenerationConfig

from asft.config.data import Model
from asft.config.sources import HubSource, LocalSource, RandomSource
from asft.errors import UserError
from asft.models.fetch_model import fetch_base_model, import_model
from asft.models.folders import load_tokenizer, resolve
from asft.models.hardware import resolve_precision
from asft.models.loading import end_token_ids, load_policy
from asft.models.tiny import tiny_model

MESSAGES = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model(folder, seed=0)
    return folder


@pytest.fixture
def tiny(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))


def local(path: Path, **settings: str) -> Model:
    return Model(sources=[LocalSource(local=str(path))], **settings)


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


def test_folder_becomes_a_pointer(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "tiny"
    fetch_base_model(local(tiny).model_dump_json(), out)
    assert sorted(path.name for path in out.iterdir()) == ["card.json", "pointer.json"]
    assert resolve(out) == (str(tiny), None)
    card = json.loads((out / "card.json").read_text())
    policy = load_policy(out, torch.float32)
    assert card["source"] == {"local": str(tiny)}
    assert card["parameters"] == policy.num_parameters()
    assert card["dtype"] == "F32"
    assert len(card["sha256"]) == 64
    assert not list(out.parent.glob(".*"))
    assert load_policy(out, torch.bfloat16, attn_implementation="eager").dtype == torch.bfloat16


def test_import_again_replaces_a_model_but_nothing_else(tiny: Path, tmp_path: Path) -> None:
    import_model(local(tiny), tmp_path / "out")
    import_model(local(tiny), tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        import_model(local(tiny), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_hub_becomes_a_pointer(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the hub's cache alone, laid out as the hub's client lays it out."""
    revision = "a" * 40
    cache = tmp_path / "hub" / "models--owner--tiny"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text(revision)
    shutil.copytree(tiny, cache / "snapshots" / revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    source = HubSource(hub="owner/tiny", revision=revision)
    import_model(Model(sources=[source]), tmp_path / "out")
    assert resolve(tmp_path / "out") == ("owner/tiny", revision)
    assert load_tokenizer(tmp_path / "out").pad_token == "<|im_end|>"
    assert load_policy(tmp_path / "out", torch.float32).num_parameters() > 100_000
    assert not list((tmp_path / "out").glob("*.safetensors"))
    gone = HubSource(hub="owner/gone", revision=revision)
    with pytest.raises(UserError, match=r"^hub owner/gone.*hub cannot be reached"):
        import_model(Model(sources=[gone]), tmp_path / "out")
    assert resolve(tmp_path / "out") == ("owner/tiny", revision)


def test_pickled_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    (tiny / "model.safetensors").rename(tiny / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"only pickled weights \(pytorch_model.bin\)"):
        import_model(local(tiny), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(UserError, match=r"model.safetensors"):
        load_policy(tiny, torch.float32)


def test_damaged_weights_are_named(tiny: Path, tmp_path: Path) -> None:
    (tiny / "model.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(UserError, match=r"model.safetensors is damaged"):
        import_model(local(tiny), tmp_path / "out")
    with pytest.raises(UserError, match=f"^model {tiny}: "):
        load_policy(tiny, torch.float32)


def test_code_beside_a_model_is_not_run(tiny: Path) -> None:
    marker = tiny / "was_run"
    (tiny / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w')\nclass Own: ...\n")
    config = json.loads((tiny / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}}
    (tiny / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError):
        load_policy(tiny, torch.float32)
    assert not marker.exists()


def test_other_files_are_not_models(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no weights")
    with pytest.raises(UserError, match=rf"^{tmp_path}/notes.txt: notes.txt is not a GGUF file"):
        import_model(local(tmp_path / "notes.txt"), tmp_path / "out")
    (tmp_path / "empty.gguf").write_bytes(b"GGUF")
    with pytest.raises(UserError, match=r"cannot read empty.gguf"):
        import_model(local(tmp_path / "empty.gguf"), tmp_path / "out")
    with pytest.raises(UserError, match="asft fetch-model"):
        resolve(tmp_path)


def test_missing_chat_template(tiny: Path, tmp_path: Path) -> None:
    (tiny / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match=r"set models.<name>.chat_template"):
        import_model(local(tiny), tmp_path / "out")


def test_chat_template_of_the_config_wins(tiny: Path, tmp_path: Path) -> None:
    template = tmp_path / "mine.jinja"
    template.write_text("{{ messages[0]['content'] }}!")
    import_model(local(tiny, chat_template=str(template)), tmp_path / "out")
    tokenizer = load_tokenizer(tmp_path / "out")
    assert tokenizer.apply_chat_template(MESSAGES, tokenize=False) == "Hi!"
    with pytest.raises(UserError, match=r"gone.jinja: no such file"):
        import_model(local(tiny, chat_template="gone.jinja"), tmp_path / "out")


def test_next_source_is_tried(tiny: Path, tmp_path: Path) -> None:
    sources = [LocalSource(local="gone"), LocalSource(local=str(tiny))]
    import_model(Model(sources=sources), tmp_path / "out")
    assert resolve(tmp_path / "out") == (str(tiny), None)


def test_settings_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--settings, key 'sources'"):
        fetch_base_model('{"sources": []}', tmp_path / "out")


def test_pad_falls_back_to_eos(tiny: Path) -> None:
    config = json.loads((tiny / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (tiny / "tokenizer_config.json").write_text(json.dumps(config))
    assert load_tokenizer(tiny).pad_token == "<|im_end|>"


def test_end_token_ids(tiny_folder: Path) -> None:
    policy, tokenizer = load_policy(tiny_folder, torch.float32), load_tokenizer(tiny_folder)
    assert end_token_ids(policy, tokenizer) == [1]
    policy.generation_config.eos_token_id = [9, 4]
    policy.config.eos_token_id = 7
    assert end_token_ids(policy, tokenizer) == [1, 4, 7, 9]
    assert end_token_ids(GenerationConfig(eos_token_id=5), tokenizer) == [1, 5]
    with pytest.raises(UserError, match="end token"):
        end_token_ids(GenerationConfig(), SimpleNamespace(eos_token_id=None))


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"architecture": "aarch64", "bf16": True}, torch.bfloat16),
        ({"avx2": True, "avx512_f": True}, torch.float32),
    ],
)
def test_precision_of_a_cpu(
    capabilities: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asft.models.hardware.default_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert resolve_precision("auto") == expected
    assert resolve_precision("fp32") == torch.float32
    assert resolve_precision("bf16") == torch.bfloat16
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert resolve_precision("auto") == torch.float32
