"""What jobs ask for: on this machine with and without GPUs, and of a cluster. Plans only."""

import os
import re
import subprocess

import pytest
from project import BIN, OVERLAY, ROOT, copy_project, overlay

TABLES = ["results/test/table3.csv", "results/test/table2.csv"]
WITH_MODEL = {"reference", "train", "generate", "judge"}
SLURM = ["--profile", "workflow/profiles/slurm"]


def plan(*arguments, configs=(OVERLAY,), targets=TABLES, folder=ROOT, gpus=""):
    """Rule → what its first job asks for, in a plan made where CUDA sees `gpus`."""
    result = subprocess.run(
        [
            str(BIN / "snakemake"),
            "-n",
            "--forceall",
            *targets,
            *arguments,
            "--configfile",
            *configs,
        ],
        cwd=folder,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": gpus},
        text=True,
        capture_output=True,
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    asked = {}
    # Jobs of a group are indented.
    for block in re.split(r"\n *(?=(?:local)?rule [\w-]+:)", output)[1:]:
        rule = re.match(r"(?:local)?rule ([\w-]+):", block)[1]
        threads = re.search(r"threads: (\d+)", block)
        found = dict(re.findall(r"(\w+)=([^,\s]+)", re.search(r"resources: (.*)", block)[1]))
        asked.setdefault(rule, {"threads": int(threads[1]) if threads else 1, **found})
    return asked


def test_without_a_gpu_jobs_with_a_model_take_all_cores():
    asked = plan("--cores", "8")
    assert {asked[rule].get("gpu", "0") for rule in asked} == {"0"}
    assert asked["train"]["threads"] == asked["reference"]["threads"] == 8
    assert asked["generate"]["threads"] == 1  # as config.yaml says


@pytest.mark.parametrize(("gpus", "threads"), [("0", 8), ("0,1", 4), ("0,1,2,3", 2)])
def test_gpus_of_this_machine_take_one_job_each_and_share_the_cores(gpus, threads):
    asked = plan("--cores", "8", gpus=gpus)
    assert {rule for rule in asked if asked[rule].get("gpu", "0") == "1"} == WITH_MODEL
    assert asked["train"]["threads"] == threads


def test_the_users_own_limit_wins():
    asked = plan("--cores", "8", "--resources", "gpu=2", gpus="0,1,2,3")
    assert asked["train"]["threads"] == 4


def test_a_cluster_is_asked_by_the_config_whatever_this_machine_has(tmp_path):
    folder = copy_project(tmp_path)
    overlay(folder, "one.yaml", {"gpus": 1})
    here = {"folder": folder, "gpus": "0,1,2,3"}
    none = plan(*SLURM, **here)
    assert {none[rule].get("gpu", "0") for rule in none} == {"0"}
    one = plan(*SLURM, configs=(OVERLAY, "one.yaml"), **here)
    assert {rule for rule in one if one[rule].get("gpu", "0") == "1"} == WITH_MODEL
    assert one["train"]["threads"] == 8  # the profile's `cores`, not this machine's


@pytest.mark.parametrize(
    ("config", "made_of_others"),
    [
        ("search", {"train_trial", "train_rung", "trial_logps"}),
        ("simpo-table", {"reference_mismatched"}),
        ("chain", {"reference_start"}),
    ],
)
def test_what_is_made_of_a_rule_goes_where_that_goes(config, made_of_others, tmp_path):
    folder = copy_project(tmp_path)
    more = {"gpus": 1}
    if config == "search":
        more["search"] = {"halving": [0.5], "select": {"benchmark": None, "metric": "margin"}}
    overlay(folder, "more.yaml", more)
    configs = (f"workflow/config/{config}.yaml", "more.yaml")
    asked = plan(*SLURM, configs=configs, targets=[f"results/{config}/table3.csv"], folder=folder)
    with_gpu = {rule: asked[rule] for rule in asked if asked[rule].get("gpu", "0") != "0"}
    names = " ".join(with_gpu)  # of several models begin with each one's
    # Which trials are trained to the end is known later.
    assert [name for name in made_of_others - {"train_trial"} if name not in names] == []
    assert {found["slurm_partition"] for found in with_gpu.values()} == {"gpu"}


def test_a_cluster_is_asked_for_what_the_papers_model_needs():
    targets = [path.replace("test", "paper") for path in TABLES]
    asked = plan(*SLURM, configs=("workflow/config/paper.yaml",), targets=targets)
    train, judge = asked["train"], asked["judge"]
    assert train["gpu"] == "4"
    assert train["slurm_partition"] == "gpu"
    assert 4 * 40_000 < int(train["mem_mb"]) < 4 * 80_000  # weights pass through each process
    assert 600 < int(train["runtime"]) < 1440
    assert judge.get("gpu", "0") == "0"  # GPT-4 judges elsewhere
    assert asked["prepare_dataset"]["slurm_partition"] == "cpu"


@pytest.mark.parametrize(
    ("cores", "said"), [(4, "no node of partition gpu has more than 4"), (8, "")]
)
def test_a_node_smaller_than_the_profiles_cores_is_said(tmp_path, cores, said):
    # With sinfo alone the executor's plugin says that SLURM is half installed.
    for name in ("sinfo", "squeue"):
        (tmp_path / name).write_text(
            f"#!/bin/sh\necho 'cpu 64'; echo 'gpu {cores}'; echo 'gpu 2'\n"
        )
        (tmp_path / name).chmod(0o755)
    command = [str(BIN / "snakemake"), "-n", "results/test/table3.csv", *SLURM]
    result = subprocess.run(
        [*command, "--configfile", OVERLAY],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"},
        text=True,
        capture_output=True,
    )
    output = result.stdout + result.stderr
    assert (result.returncode != 0) == bool(said), output
    assert said in output
    assert ("profile: cores: 8 CPUs" in output) == bool(said)
