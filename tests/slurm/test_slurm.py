"""The DAG on a real SLURM of one node, with the profile: what a cluster's user relies on."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from project import BIN, OVERLAY, copy_project, overlay
from slurm_cluster import wait_for

TABLE3 = "results/test/table3.csv"
RUNS = "results/test/runs"
# Over workflow/config/test.yaml, which is what "the test config" means below.
CHANGES = {
    # The node has two GPUs that do nothing: jobs are given them, and find only CPUs to compute on.
    "gpus": 1,
    # All methods on both data sets are 33 SLURM jobs, six minutes on two cores; these are fewer.
    "tables": {
        "table3": {"datasets": ["hh_rlhf"], "methods": ["sft", "dpo"]},
        "table2": {"dataset": "hh_rlhf", "methods": ["dpo"], "controls": []},
    },
}
LIMIT_S = 360  # for Table 3, on two cores
# What a run leaves that must not depend on where it ran.
SAME = ["history.csv", "policy/model.safetensors", "completions/alpaca_en.jsonl"]


@pytest.fixture(scope="module")
def finished(cluster, tmp_path_factory):
    """Folder with Table 3 made by the cluster, and the seconds it took."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    overlay(folder, "slurm.yaml", CHANGES)
    began = time.monotonic()
    cluster.run(folder, TABLE3, overlays=["slurm.yaml"])
    return folder, time.monotonic() - began


def test_table_3_with_the_gpus_and_groups_of_the_profile(cluster, finished, capsys):
    _, seconds = finished
    with capsys.disabled():
        changes = json.dumps(CHANGES["tables"]["table3"])
        print(f"\nTable 3 of test.yaml, {changes}, through SLURM: {seconds:.0f} s", flush=True)
    assert seconds <= LIMIT_S
    jobs = cluster.jobs()
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    gpus = {job["comment"].partition("_wildcards")[0]: job["gpus"] for job in jobs}
    assert gpus["rule_train"].endswith("gpu:1")
    assert gpus["rule_answering_generate_score"].endswith("gpu:1")
    assert gpus["rule_table3"] == "N/A"
    (preparation,) = [name for name in gpus if name.startswith("rule_preparation")]
    assert gpus[preparation] == "N/A"
    assert "rule_settings" not in gpus  # a second each: not worth a job


def test_its_outputs_equal_those_of_a_local_run(finished, tmp_path):
    folder, _ = finished
    local = copy_project(tmp_path)
    overlay(local, "slurm.yaml", CHANGES)
    run_here(local, TABLE3, "slurm.yaml")
    for name in ("table3.csv", "table3.md", "table3.tex", "table3.differences.csv"):
        path = Path("results/test") / name
        assert (local / path).read_bytes() == (folder / path).read_bytes(), name
    runs = sorted(path.parent.relative_to(local) for path in local.glob(f"{RUNS}/*/*/*/cost.json"))
    assert len(runs) == 2
    for run in runs:
        for name in SAME:
            assert (local / run / name).read_bytes() == (folder / run / name).read_bytes(), name


def test_table_2_by_a_judge_with_a_model(cluster, finished):
    """Judging is a job with a GPU too; the policies are Table 3's."""
    folder, _ = finished
    before = cluster.newest()
    cluster.run(folder, "results/test/table2.csv", overlays=["slurm.yaml"])
    jobs = cluster.jobs(after=before)
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    judging = [job for job in jobs if job["comment"].startswith("rule_judge")]
    assert judging
    assert all(job["gpus"].endswith("gpu:1") for job in judging)
    assert not [job for job in jobs if "train" in job["comment"]]
    rows = (folder / "results/test/table2.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["dpo"]


def test_one_beta_runs_one_method_and_too_little_memory_is_mended(cluster, finished):
    """Its first training is killed for the memory it takes, not for what it was told to do."""
    folder, _ = finished
    before = cluster.newest()
    overlay(folder, "beta.yaml", {"methods": {"dpo": {"beta": 0.3}}})
    scarce = ["--set-resources", "train:mem_mb=200 * attempt ** 3"]
    cluster.run(folder, TABLE3, *scarce, overlays=["slurm.yaml", "beta.yaml"])
    jobs = cluster.jobs(after=before)
    training = [job for job in jobs if job["comment"].startswith("rule_train_")]
    tried = [(job["state"], job["memory"]) for job in training]
    assert tried == [("FAILED", "200M"), ("COMPLETED", "1600M")]
    assert len(jobs) == 4  # and its answers, and the table


def test_a_job_that_hangs_is_killed_and_sent_again_with_more_time(cluster, finished):
    folder, _ = finished
    before = cluster.newest()
    run = f"{RUNS}/hh_rlhf/sft/seed42"
    again = [f"{run}/history.csv", "--forcerun", "train"]
    short = ["--set-resources", "train:runtime=attempt"]
    process = cluster.start(folder, *again, *short, overlays=["slurm.yaml"])
    os.kill(wait_for(lambda: pid_of(folder, run)), signal.SIGSTOP)
    cluster.finish(folder, process)
    jobs = cluster.jobs(after=before)
    assert [(job["state"], job["limit"]) for job in jobs] == [
        ("TIMEOUT", "1:00"),
        ("COMPLETED", "2:00"),
    ]


def test_a_job_that_slurm_requeues_goes_on_where_it_was(cluster, finished, monkeypatch):
    """As after preemption, or when a node dies: the same job starts again."""
    folder, _ = finished
    before = cluster.newest()
    run = f"{RUNS}/hh_rlhf/sft/seed42"
    overlay(folder, "longer.yaml", {"methods": {"sft": {"training": {"epochs": 60}}}})
    monkeypatch.setitem(cluster.environment, "ASFT_CHECKPOINT_MINUTES", "0.0001")
    process = cluster.start(folder, f"{run}/history.csv", overlays=["slurm.yaml", "longer.yaml"])
    wait_for(lambda: list((folder / run / "checkpoints").glob("*/complete.json")))
    cluster.ask("scontrol", "requeue", cluster.jobs(after=before)[-1]["id"])
    cluster.finish(folder, process)
    (job,) = cluster.jobs(after=before)
    assert job["state"] == "COMPLETED"
    assert "Restarts=1" in cluster.ask("scontrol", "show", "job", job["id"])
    assert json.loads((folder / run / "cost.json").read_text())["continued_from_step"] > 0


def test_ctrl_c_leaves_an_empty_queue(cluster, finished):
    folder, _ = finished
    before = cluster.newest()
    run = f"{RUNS}/hh_rlhf/sft/seed42"
    process = cluster.start(folder, TABLE3, "--forcerun", "train", overlays=["slurm.yaml"])
    wait_for(lambda: pid_of(folder, run.rpartition("/sft")[0]))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    wait_for(lambda: not cluster.ask("squeue", "-h", "--states=PD,R,CG"), seconds=20)
    assert "CANCELLED" in {job["state"] for job in cluster.jobs(after=before)}


def test_a_killed_job_continues_from_its_checkpoint(cluster, finished, monkeypatch, tmp_path):
    """After kill -9 the next attempt trains what is left, to the bytes of an undisturbed run."""
    folder, _ = finished
    before = cluster.newest()
    run = f"{RUNS}/hh_rlhf/sft/seed42"
    local = copy_project(tmp_path)
    for project in (folder, local):
        overlay(project, "slurm.yaml", CHANGES)
        overlay(project, "long.yaml", {"methods": {"sft": {"training": {"epochs": 20}}}})
    monkeypatch.setitem(cluster.environment, "ASFT_CHECKPOINT_MINUTES", "0.0001")
    overlays = ["slurm.yaml", "long.yaml"]
    process = cluster.start(folder, f"{run}/history.csv", overlays=overlays)
    wait_for(lambda: list((folder / run / "checkpoints").glob("*/complete.json")))
    training = pid_of(folder, run)
    assert training, "the training ended before it could be killed: give it more epochs"
    os.kill(training, signal.SIGKILL)
    cluster.finish(folder, process)
    assert [job["state"] for job in cluster.jobs(after=before)] == ["FAILED", "COMPLETED"]
    assert json.loads((folder / run / "cost.json").read_text())["continued_from_step"] > 0
    run_here(local, f"{run}/history.csv", *overlays)
    for name in ("history.csv", "policy/model.safetensors"):
        assert (local / run / name).read_bytes() == (folder / run / name).read_bytes(), name


def run_here(folder, target, *overlays):
    """Without SLURM, one thread per job as there: sums in another order have other last bits."""
    command = [str(BIN / "snakemake"), target, "--cores", "2", "--max-threads", "1"]
    environment = os.environ | {"ASFT_CACHE": str(folder / "cache")}
    command += ["--configfile", OVERLAY, *overlays]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def pid_of(folder, run):
    """Process id of a training run's `asft train`, None as long as there is none."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode().split("\0")
            here = (process / "cwd").readlink() == folder
        except OSError:  # it has ended
            continue
        asft = any(part.endswith("/asft") for part in command[:2])  # not the shell around it
        if here and asft and "train" in command and run in " ".join(command):
            return int(process.name)
    return None
