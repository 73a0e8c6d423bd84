"""Several processes train what one trains: same steps, same numbers, one set of files."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from hypothesis import given
from hypothesis import strategies as st
from preferences import learnable_pairs
from safetensors.torch import load_file

from asft.data.tokens import TokenPair, write_tokens
from asft.files import write_jsonl
from asft.records import Question
from asft.training.distributed import share_out

TRAINING = {"epochs": 3, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32"}
TRAINING |= {"save_dtype": "float32", "measure_every": 4}
# Rows of one or two pairs: the processes do not have equally many.
TRAINING |= {"token_budget": 40}
METHODS = {"asft": {"beta": 0.1}, "dpo": {"beta": 0.1}, "sft": {}, "kto": {"beta": 0.5}}
WITH_REFERENCE = ("dpo", "kto")


@pytest.fixture(scope="module")
def tokens(tiny, tmp_path_factory):
    """18 pairs, so that the last batch of an epoch has 2, and 6 held out."""
    folder = tmp_path_factory.mktemp("tokens")
    write_tokens(folder, ["train"] * 17 + ["heldout"] * 6, learnable_pairs(23))
    return folder


@pytest.fixture(scope="module")
def reference(tiny, tokens, tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "reference.parquet"
    settings = json.dumps({"precision": "fp32", "token_budget": 64})
    command = ["reference", "--model", tiny, "--tokens", tokens, "--settings", settings]
    finish(start([*command, "--out", path]))
    return path


@pytest.fixture(scope="module")
def mismatched_too(tiny, tokens, tmp_path_factory):
    """The reference of pairs, and of prompts with other pairs' completions."""
    path = tmp_path_factory.mktemp("mismatched") / "reference.parquet"
    settings = json.dumps({"precision": "fp32", "token_budget": 64, "mismatched": True})
    command = ["reference", "--model", tiny, "--tokens", tokens, "--settings", settings]
    finish(start([*command, "--out", path]))
    return path


def start(words, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "asft", *map(str, words)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, status=0):
    _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    return said


def words(tiny, tokens, reference, out, method, **training):
    out.mkdir(exist_ok=True)
    run = {"loss": method, "hyperparameters": METHODS[method], "seed": 7, "provenance": {}}
    run["training"] = TRAINING | training
    (out / "settings.yaml").write_text(yaml.safe_dump(run))
    found = ["train", "--settings", out / "settings.yaml", "--model", tiny, "--tokens", tokens]
    return [*found, *(["--reference", reference] if method in WITH_REFERENCE else []), "--out", out]


def shares_in(said, what):
    """What the log says of how work was split: for each kind, how much each process had."""
    (line,) = [line for line in said.splitlines() if line.startswith(f"{what}: process 0: ")]
    parts = [re.findall(r"(\d[\d,]*) \w+", part.partition(": ")[2]) for part in shares(line)]
    return [[int(n.replace(",", "")) for n in kind] for kind in zip(*parts, strict=True)]


def shares(line):
    return line.partition(": ")[2].split("; ")


@pytest.mark.parametrize("method", METHODS)
def test_two_processes_train_what_one_trains(tiny, tokens, mismatched_too, tmp_path, method):
    one, two = tmp_path / "one", tmp_path / "two"
    finish(start(words(tiny, tokens, mismatched_too, one, method)))
    said = finish(start(words(tiny, tokens, mismatched_too, two, method, processes=2)))
    assert "2 processes" in said
    rows, pairs, tokens_each = shares_in(said, "trained on")
    assert all(rows)
    assert sum(pairs) == 3 * 17
    assert (
        sum(tokens_each)
        == pd.read_csv(one / "history.csv").query("split == 'train'")["tokens"].sum()
    )
    assert max(tokens_each) < 1.2 * min(tokens_each)
    assert_same_training(one, two)


def assert_same_training(one, two):
    """To rounding: sums in another order, and kernels that look at how memory lies."""
    histories = [pd.read_csv(out / "history.csv") for out in (one, two)]
    assert list(histories[0]["step"]) == list(histories[1]["step"])
    assert histories[0]["step"].max() == 15  # 17 pairs in batches of 4, three times
    for column in histories[0].columns.drop("split"):
        expected, found = (history[column] for history in histories)
        kind = {"rtol": 1e-4, "atol": 1e-5} if expected.dtype == float else {"rtol": 0}
        np.testing.assert_allclose(found, expected, err_msg=column, **kind)
    expected, found = (load_file(out / "policy/model.safetensors") for out in (one, two))
    assert expected.keys() == found.keys()
    for name, weight in expected.items():
        np.testing.assert_allclose(found[name], weight, atol=2e-5, err_msg=name)
    assert json.loads((two / "cost.json").read_text())["processes"] == 2


def test_both_save_and_end_when_asked_to_and_go_on(tiny, tokens, reference, tmp_path):
    training = {"epochs": 60, "processes": 2, "measure_every": 0}
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    finish(start(words(tiny, tokens, reference, undisturbed, "asft", **training)))
    command = words(tiny, tokens, reference, out, "asft", **training)
    process = start(command, ASFT_CHECKPOINT_MINUTES="0.0001")
    while not list((out / "checkpoints").glob("*/complete.json")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = finish(process, status=1)
    assert said.count("error: ") == 1
    assert "after step" in said.strip().splitlines()[-1]
    finish(start(command))
    assert json.loads((out / "cost.json").read_text())["continued_from_step"] > 0
    for name in ("history.csv", "policy/model.safetensors"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes(), name


@pytest.mark.parametrize("processes", [2, 5])
def test_processes_share_the_reference(tiny, tokens, reference, tmp_path, processes):
    """The bytes of one process, also where there are more processes than rows."""
    budget = 64 if processes == 2 else 10_000
    settings = json.dumps({"precision": "fp32", "token_budget": budget, "processes": processes})
    command = ["reference", "--model", tiny, "--tokens", tokens, "--settings", settings]
    said = finish(start([*command, "--out", tmp_path / "reference.parquet"]))
    rows, pairs, _ = shares_in(said, "scores")
    assert len(rows) == processes
    assert sum(pairs) == 23
    assert [path.name for path in tmp_path.iterdir()] == ["reference.parquet"]
    found = pq.read_table(tmp_path / "reference.parquet")
    if processes == 2:
        assert (tmp_path / "reference.parquet").read_bytes() == reference.read_bytes()
    assert found["id"].to_pylist() == pq.read_table(reference)["id"].to_pylist()


def test_processes_share_the_questions(tiny, tmp_path):
    """The answers of one process; those that were kept by a killed run are not computed again."""
    questions = [Question(question_id=f"q{n}", turns=["Why? " * (n % 4), "And?"]) for n in range(9)]
    write_jsonl(tmp_path / "questions.jsonl", questions)
    made = []
    for processes in (1, 3):
        generation = {"batch_size": 2, "precision": "fp32", "processes": processes, "threads": 1}
        settings = {"decoding": {"max_new_tokens": 8}, "generation": generation}
        out = tmp_path / f"{processes}/answers.jsonl"
        command = ["generate", "--policy", tiny, "--questions", tmp_path / "questions.jsonl"]
        command += ["--settings", json.dumps(settings), "--out", out]
        said = finish(start(command))
        if processes == 3:
            assert shares_in(said, "answers") == [[3, 3, 3]]
        assert [path.name for path in out.parent.iterdir()] == ["answers.jsonl"]
        made.append(out.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("victim", [0, 1])
def test_one_that_is_killed_ends_all_in_one_line(tiny, tokens, reference, tmp_path, victim):
    command = words(tiny, tokens, reference, tmp_path, "asft", epochs=2000, processes=2)
    process = start(command, ASFT_CHECKPOINT_MINUTES="0.0001")
    while not list((tmp_path / "checkpoints").glob("*/complete.json")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    workers = children_of(process.pid)
    assert len(workers) == 2
    os.kill(workers[victim], signal.SIGKILL)
    said = finish(process, status=1)
    assert (
        said.strip().splitlines()[-1]
        == f"error: process {victim} was killed by SIGKILL; rerun to go on"
    )
    assert said.count("error: ") == 1
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_none_outlives_the_process_that_was_started(tiny, tokens, reference, tmp_path):
    command = words(tiny, tokens, reference, tmp_path, "asft", epochs=2000, processes=2)
    process = start(command, ASFT_CHECKPOINT_MINUTES="0.0001")
    while not list((tmp_path / "checkpoints").glob("*/complete.json")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    workers = children_of(process.pid)
    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < end
        time.sleep(0.05)


# As accelerate's launcher starts processes for sharded models, without the GPUs those need.
ON_CPUS = {"compute_environment": "LOCAL_MACHINE", "distributed_type": "MULTI_GPU", "use_cpu": True}


@pytest.fixture
def by_accelerate(tmp_path):
    path = tmp_path / "accelerate.yaml"
    content = ON_CPUS | {"num_machines": 1, "num_processes": 2, "mixed_precision": "no"}
    path.write_text(yaml.safe_dump(content))
    return {"processes": 2, "accelerate": str(path)}


def torchrun(command):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", 2, *command]
    return subprocess.run([*map(str, command)], env=os.environ | {"ACCELERATE_USE_CPU": "true"})


def test_other_launchers_train_the_same(tiny, tokens, reference, tmp_path, by_accelerate):
    ours = tmp_path / "ours"
    finish(start(words(tiny, tokens, reference, ours, "asft", processes=2)))
    theirs = tmp_path / "theirs"
    finish(start(words(tiny, tokens, reference, theirs, "asft", **by_accelerate)))
    assert json.loads((theirs / "cost.json").read_text())["processes"] == 2
    third = tmp_path / "torchrun"
    command = words(tiny, tokens, reference, third, "asft")
    assert torchrun(["-m", "asft", *command]).returncode == 0
    for out in (theirs, third):
        assert_same_training(ours, out)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_none_outlives_it_under_accelerate(
    tiny, tokens, reference, tmp_path, by_accelerate, number
):
    out = tmp_path / "out"
    process = start(
        words(tiny, tokens, reference, out, "asft", epochs=2000, **by_accelerate),
        ASFT_CHECKPOINT_MINUTES="0.0001",
    )
    while not list((out / "checkpoints").glob("*/complete.json")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    started = descendants_of(process.pid)
    assert len(started) == 3  # the launcher and two of ours
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    if number == signal.SIGTERM:
        assert said.strip().splitlines()[-1].startswith(f"error: {out}: stopped by ")
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in started):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["fsdp2", "zero3"])
def test_accelerate_reads_the_configs(name):
    path = Path(__file__).parents[2] / f"workflow/accelerate/{name}.yaml"
    config = load_config_from_file(str(path))
    assert config.distributed_type.value == {"fsdp2": "FSDP", "zero3": "DEEPSPEED"}[name]
    parser = launch_command_parser()
    words = ["--config_file", str(path), "--num_processes", "4", "-m", "asft", "train"]
    arguments, *_ = _validate_launch_command(parser.parse_args(words))
    assert arguments.num_processes == 4
    assert arguments.module
    assert arguments.use_fsdp == (name == "fsdp2")
    assert arguments.use_deepspeed != (name == "fsdp2")


def children_of(parent):
    """In the order in which they were started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(child) for child in children.split()]


def descendants_of(parent):
    children = children_of(parent)
    return [*children, *(each for child in children for each in descendants_of(child))]


def pair(number, sizes):
    prompt, chosen, rejected = (np.zeros(size, np.int32) for size in sizes)
    return TokenPair(str(number), prompt, chosen, rejected)


@given(
    st.lists(st.tuples(*[st.integers(1, 200)] * 3), max_size=20).map(
        lambda all_sizes: [pair(n, sizes) for n, sizes in enumerate(all_sizes)]
    ),
    st.integers(1, 6),
)
def test_shares_hold_every_pair_once_and_balance(pairs, count):
    shares = share_out(pairs, count)
    assert len(shares) == count
    assert sorted(p.id for share in shares for p in share) == sorted(p.id for p in pairs)
    for share in shares:
        assert [int(p.id) for p in share] == sorted(int(p.id) for p in share)
    sizes = [sum(len(ids) for p in share for ids in p[1:4]) for share in shares]
    longest = max((sum(map(len, p[1:4])) for p in pairs), default=0)
    assert max(sizes) - min(sizes) <= longest
