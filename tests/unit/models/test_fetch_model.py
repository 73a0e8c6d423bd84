"""Importing models, on a random model of 0.1 million parameters."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from asft.config.data import CHAT_TEMPLATES, Model
from asft.config.sources import HubSource, LocalSource
from asft.errors import UserError
from asft.files import read_json
from asft.models.fetch_model import fetch_base_model, import_model
from asft.models.folders import load_tokenizer, resolve
from asft.models.loading import load_policy

TURN = {"role": "system", "content": "Be brief."}
PROMPT = {"add_generation_prompt": True}
# The forms that the models' own templates give, of the same conversation.
RENDERED = {
    "chatml": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
    "<|im_start|>assistant\nYes<|im_end|>\n",
    "gemma": "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n"
    "<start_of_turn>model\nYes<end_of_turn>\n",
    "llama-3": "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nYes<|eot_id|>",
    "mistral": "<s>[INST] Be brief.\n\nHi[/INST] Yes<|im_end|>",
    "zephyr": "<|system|>\nBe brief.<|im_end|>\n<|user|>\nHi<|im_end|>\n"
    "<|assistant|>\nYes<|im_end|>\n",
}


def local(path: Path, **settings: str) -> Model:
    return Model(sources=[LocalSource(local=str(path))], **settings)


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


def test_other_files_are_not_models(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no weights")
    with pytest.raises(UserError, match=rf"^{tmp_path}/notes.txt: notes.txt is not a GGUF file"):
        import_model(local(tmp_path / "notes.txt"), tmp_path / "out")
    (tmp_path / "empty.gguf").write_bytes(b"GGUF")
    with pytest.raises(UserError, match=r"cannot read empty.gguf"):
        import_model(local(tmp_path / "empty.gguf"), tmp_path / "out")
    with pytest.raises(UserError, match="asft fetch-model"):
        resolve(tmp_path)


@pytest.mark.parametrize("name", CHAT_TEMPLATES)
def test_named_chat_templates(name: str, tiny: Path, tmp_path: Path) -> None:
    import_model(local(tiny, chat_template=name), tmp_path / "out")
    tokenizer = load_tokenizer(tmp_path / "out")
    tokenizer.bos_token = "<s>"
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes"}]
    assert tokenizer.apply_chat_template([TURN, *talk], tokenize=False) == RENDERED[name]
    asked = tokenizer.apply_chat_template([TURN, *talk[:1]], tokenize=False, **PROMPT)
    assert RENDERED[name].startswith(asked)


def test_chat_templates_that_draw_at_random_are_refused(tiny: Path, tmp_path: Path) -> None:
    (tiny / "chat_template.jinja").write_text("{{ messages | random }}")
    with pytest.raises(UserError, match="draws at random"):
        import_model(local(tiny), tmp_path / "out")


def test_missing_chat_template(tiny: Path, tmp_path: Path) -> None:
    (tiny / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match=r"set models.<name>.chat_template"):
        import_model(local(tiny), tmp_path / "out")


def test_chat_template_of_the_config_wins(tiny: Path, tmp_path: Path) -> None:
    template = tmp_path / "mine.jinja"
    template.write_text("{{ messages[0]['content'] }}!")
    import_model(local(tiny, chat_template=str(template)), tmp_path / "out")
    tokenizer = load_tokenizer(tmp_path / "out")
    messages = [{"role": "user", "content": "Hi"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == "Hi!"
    with pytest.raises(UserError, match=r"gone.jinja: no such file"):
        import_model(local(tiny, chat_template="gone.jinja"), tmp_path / "out")


def test_next_source_is_tried(tiny: Path, tmp_path: Path) -> None:
    sources = [LocalSource(local="gone"), LocalSource(local=str(tiny))]
    import_model(Model(sources=sources), tmp_path / "out")
    assert resolve(tmp_path / "out") == (str(tiny), None)


def test_settings_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--settings, key 'sources'"):
        fetch_base_model('{"sources": []}', tmp_path / "out")


def test_an_adapter_is_refused_with_the_remedy(tiny: Path, tmp_path: Path) -> None:
    """Beside whole weights too: transformers would load it on top of them."""
    (tiny / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="an adapter, not a whole model: merge it"):
        import_model(local(tiny), tmp_path / "out")


def test_weights_that_lie_there_twice_count_once(tiny: Path, tmp_path: Path) -> None:
    """Mistral's repositories hold consolidated.safetensors beside the files of the index."""
    import_model(local(tiny), tmp_path / "once")
    shutil.copyfile(tiny / "model.safetensors", tiny / "consolidated.safetensors")
    import_model(local(tiny), tmp_path / "beside")
    whole = (tiny / "model.safetensors").rename(tiny / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"model.norm.weight": whole.name}}
    (tiny / "model.safetensors.index.json").write_text(json.dumps(index))
    import_model(local(tiny), tmp_path / "index")
    once, *others = (
        read_json(tmp_path / name / "card.json") for name in ("once", "beside", "index")
    )
    assert [card["parameters"] for card in others] == [once["parameters"]] * 2
    assert others[0]["sha256"] == once["sha256"]
