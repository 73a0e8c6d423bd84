"""Files that a crash, a bad disk or an editor has damaged: the step names the one it cannot read.

What carries no checksum can be damaged unseen: a line lost at the end of a local JSONL file, a bit
within safetensors. Sources with a `sha256` and parquet files made here are safe from that.
"""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_steps import Experiment, arguments, done_here, failed_here, outputs

from asft.data.tokens import Split, read_tokens
from asft.errors import UserError
from asft.models.loading import load_policy
from asft.parquet import read_parquet
from asft.training.reference_logps import COLUMNS
from asft.training.settings import read_settings


def cut(content: bytes) -> bytes:
    return content[: len(content) * 7 // 11]  # not at the end of a line


def zeros(content: bytes) -> bytes:
    """What some file systems leave after a power cut: the length, and nothing in it."""
    return bytes(len(content))


def garbage(content: bytes) -> bytes:
    return b"\xff\xfe\x00garbage\x80" * 10


# Each step, and each file that it reads.
READ = [
    ("prepare-dataset", "rows.jsonl"),
    ("prepare-dataset", "model/tokenizer.json"),
    ("prepare-dataset", "model/tokenizer_config.json"),
    ("settings", "data/counts.json"),
    ("settings", "model/card.json"),
    ("reference", "data/tokens/pairs.parquet"),
    ("reference", "model/model.safetensors"),
    ("reference", "model/config.json"),
    ("train", "run/settings.yaml"),
    ("train", "data/tokens/pairs.parquet"),
    ("train", "data/reference.parquet"),
    ("generate", "questions.jsonl"),
    ("generate", "model/model.safetensors"),
    ("score", "questions.jsonl"),
    ("score", "answers.jsonl"),
    ("table3", "scores.csv"),
]


@pytest.fixture
def copy(experiment: Experiment, tmp_path: Path) -> Path:
    """The experiment's files, to be damaged."""
    return Path(shutil.copytree(experiment.folder, tmp_path / "given"))


@pytest.mark.parametrize("damage", [cut, zeros, garbage], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("step", "name"), READ)
def test_the_damaged_file_is_named(
    step: str,
    name: str,
    damage: Callable[[bytes], bytes],
    copy: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = copy / name
    path.write_bytes(damage(path.read_bytes()))
    error = failed_here(arguments(step, copy, tmp_path / "out"), capfd)
    # Libraries that read a model's folder do not say which of its files.
    assert str(path.parent if name.startswith("model/") else path) in error
    assert not outputs(tmp_path / "out")


# Without this one the tokenizer is read all the same.
NEEDED = [(step, name) for step, name in READ if name != "model/tokenizer_config.json"]


@pytest.mark.parametrize(("step", "name"), NEEDED)
def test_a_missing_file_is_named(
    step: str, name: str, copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (copy / name).unlink()
    error = failed_here(arguments(step, copy, tmp_path / "out"), capfd)
    assert str(copy / "model" if name.startswith("model/") else copy / name) in error
    assert not outputs(tmp_path / "out")


def tokens(path: Path) -> list[list[object]]:
    splits: list[Split] = ["train", "heldout"]
    pairs = [pair for split in splits for pair in read_tokens(path.parent, split)]
    return [[pair.id, *(ids.tolist() for ids in pair[1:4])] for pair in pairs]


def reference(path: Path) -> dict[str, list[object]]:
    found: dict[str, list[object]] = read_parquet(path, columns=["id", *COLUMNS]).to_pydict()
    return found


@pytest.mark.parametrize(
    ("name", "read"),
    [("data/tokens/pairs.parquet", tokens), ("data/reference.parquet", reference)],
)
def test_no_flipped_bit_goes_unseen(
    name: str, read: Callable[[Path], object], copy: Path, chance: random.Random
) -> None:
    """Refused, or (a bit without meaning, in the footer) read as it was written."""
    path = copy / name
    sound, expected = path.read_bytes(), read(path)
    refused = 0
    for _ in range(100):
        content = bytearray(sound)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        found = outcome(read, path)
        assert found == expected or str(path) in str(found)
        refused += found != expected
    assert refused > 20


def outcome(read: Callable[[Path], object], path: Path) -> object:
    """What was read, or the words of the refusal."""
    try:
        return read(path)
    except UserError as error:
        return str(error)


def test_settings_cut_anywhere_are_refused(copy: Path) -> None:
    path = copy / "run/settings.yaml"
    text = path.read_text()
    assert read_settings(path)["loss"] == "dpo"
    for end in range(len(text) - 1):
        path.write_text(text[:end])
        with pytest.raises(UserError, match=r"run/settings\.yaml: "):
            read_settings(path)


def test_settings_cannot_run_code(copy: Path) -> None:
    path, marker = copy / "run/settings.yaml", copy / "was_run"
    path.write_text(f"!!python/object/apply:os.mkdir ['{marker}']")
    with pytest.raises(UserError, match=r"settings\.yaml: not YAML"):
        read_settings(path)
    assert not marker.exists()


def test_a_model_that_lacks_weights_is_refused(copy: Path) -> None:
    """transformers would go on with random numbers in their place."""
    path = copy / "model/model.safetensors"
    weights = load_file(path)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"1 weights are not in its files \(first: model.layers.1"):
        load_policy(copy / "model", torch.float32)


def test_a_model_of_another_shape_is_refused(copy: Path) -> None:
    path = copy / "model/config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"intermediate_size": 64}))
    with pytest.raises(UserError, match=r"^model .*: ") as fault:
        load_policy(copy / "model", torch.float32)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("content", ["", "[]", '{"hub": 1}', '{"local": null}', "{"])
def test_a_damaged_pointer_is_named(
    content: str, copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (copy / "model/pointer.json").write_text(content)
    error = failed_here(arguments("prepare-dataset", copy, tmp_path / "out"), capfd)
    assert "model/pointer.json" in error


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_upstream_files_cut_at_random(
    name: str, copy: Path, chance: random.Random, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(line) for line in (copy / "rows.jsonl").read_text().splitlines()]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), copy / "rows.parquet")
    sound = (copy / name).read_bytes()
    given = {"format": "trl", "sources": [{"local": str(copy / name)}]}
    words = arguments("prepare-dataset", copy, tmp_path / "out", dataset=given)
    done_here(words)
    for _ in range(10):
        content = sound[: chance.randrange(1, len(sound))]
        if name == "rows.jsonl" and content.rstrip().endswith(b"}"):
            continue  # cut between two rows: a shorter file, and a good one
        (copy / name).write_bytes(content)
        assert str(copy / name) in failed_here(words, capfd)
