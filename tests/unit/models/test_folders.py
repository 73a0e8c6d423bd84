"""Reading the folder of a policy."""

import json
from pathlib import Path

from asft.config.data import Model
from asft.config.sources import LocalSource
from asft.data.chat_templates import DATE, apply_template
from asft.files import write_json
from asft.models.fetch_model import import_model
from asft.models.folders import files_of, load_tokenizer

DATED = "{{ strftime_now('%Y') }}{% for m in messages %}{{ m['content'] }}{% endfor %}"


def test_pad_falls_back_to_eos(tiny: Path) -> None:
    config = json.loads((tiny / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (tiny / "tokenizer_config.json").write_text(json.dumps(config))
    assert load_tokenizer(tiny).pad_token == "<|im_end|>"


def pointing_to(tiny: Path, tmp_path: Path, **settings: str) -> Path:
    model = Model(sources=[LocalSource(local=str(tiny))], **settings)
    import_model(model, tmp_path / "model")
    return tmp_path / "model"


def test_a_server_gets_the_template_that_lies_beside_a_pointer(tiny: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    plain = pointing_to(tiny, tmp_path / "plain")
    assert files_of(plain, links) == tiny
    assert not links.exists()
    other = pointing_to(tiny, tmp_path / "other", chat_template="zephyr")
    assert files_of(other, links) == files_of(other, links) == links
    assert (links / "model.safetensors").samefile(tiny / "model.safetensors")
    assert load_tokenizer(links).chat_template == load_tokenizer(other).chat_template
    assert files_of(tiny, links) == tiny


def test_the_date_of_a_template_goes_with_the_model_and_what_is_saved(
    tiny: Path, tmp_path: Path
) -> None:
    (tiny / "chat_template.jinja").write_text(DATED)
    model = pointing_to(tiny, tmp_path, template_date="2031-02-03")
    load_tokenizer(model).save_pretrained(tmp_path / "policy")
    write_json(tmp_path / "policy/config.json", {})
    for folder in (model, tmp_path / "policy"):
        tokenizer = load_tokenizer(folder)
        assert tokenizer.init_kwargs[DATE] == "2031-02-03"
        assert apply_template([{"role": "user", "content": "x"}], tokenizer).startswith("2031x")
