"""A judge's API key through the whole DAG: it reaches the server and nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from judge_calls import CANARY
from judge_server import JudgeServer, completion, error
from project import BIN, OVERLAY, copy_project, overlay

CONTENT = {
    "judges": {"remote": {"backend": "openai", "model": "gpt-4", "api_key_env": "JUDGE_KEY"}},
    "tables": {
        "table3": {"methods": ["sft"], "datasets": ["hh_rlhf"]},
        "table2": {
            **{"methods": ["base"], "controls": [], "dataset": "hh_rlhf"},
            **{"arena_hard_judge": "remote", "mt_bench_judges": ["remote"]},
        },
    },
    "figures": {"margins": None, "cost": None},
    "training": {"report_to": ["tensorboard"]},
}


TABLE2 = "results/test/table2.csv"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [str(BIN / "snakemake"), "--cores", "2", *arguments]
    environment = os.environ | {"JUDGE_KEY": CANARY, "ASFT_CACHE": str(folder / "cache")}
    return subprocess.run(
        [*command, "--configfile", OVERLAY, "remote.yaml"],
        cwd=folder,
        env=environment,
        capture_output=True,
    )


def given_away(folder: Path) -> bytes:
    """What leaves the machine: answers to one's own prompts, a published policy, an archive."""
    configs = ["--configfile", OVERLAY, "--configfile", "remote.yaml"]
    printed = b""
    for words in (
        ["ask", "hh_rlhf/sft", "-", "--results", "results/test", "--out", "asked"],
        ["publish", "hh_rlhf/sft", "--out", "published", *configs],
        ["bundle", "--out", "appendix.tar.gz", *configs],
    ):
        done = subprocess.run(
            [str(BIN / "asft"), *words],
            cwd=folder,
            env=os.environ | {"JUDGE_KEY": CANARY, "HF_TOKEN": CANARY},
            input=b"Who are you?",
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        printed += done.stdout + done.stderr
    shutil.unpack_archive(folder / "appendix.tar.gz", folder / "packed", filter="data")
    return printed


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("secret"))


@pytest.mark.timeout(900)  # a whole DAG, and two that fail
def test_no_artefact_holds_the_key(project: Path) -> None:
    printed = b""
    for reply in (
        error(401, f"Bearer {CANARY} is not welcome", CANARY),
        error(500, f"{CANARY} broke it"),
        completion(f"Your key is {CANARY}. [[7]] [[A>B]]"),
    ):
        with JudgeServer([reply]) as server:
            CONTENT["judges"]["remote"] |= {
                "base_url": server.url,
                "max_attempts": 1,
                "backoff_s": 0.05,
            }
            overlay(project, "remote.yaml", CONTENT)
            done = run(project, TABLE2, "--printshellcmds", "--verbose")
            printed += done.stdout + done.stderr
            assert server.bodies
            assert {headers["authorization"] for headers in server.headers} == {f"Bearer {CANARY}"}
    assert done.returncode == 0, printed.decode()[-3000:]
    everything = run(project)  # figures, model card and report too; no call is left to make
    assert everything.returncode == 0, everything.stderr.decode()[-3000:]
    may_cost = {"max_cost": 5, "prices": {"input": 30, "output": 60}}
    judges = {"judges": {"remote": CONTENT["judges"]["remote"] | may_cost}}
    overlay(project, "remote.yaml", CONTENT | judges)  # on which no verdict depends
    again = run(project, "-n", TABLE2)
    assert b"Nothing to be done" in again.stdout + again.stderr
    overlay(project, "remote.yaml", CONTENT)
    report = run(project, "--report", "report.zip")
    printed += everything.stdout + everything.stderr + run(project, "--summary").stdout
    printed += report.stdout + report.stderr
    assert report.returncode == 0, report.stderr.decode()[-2000:]
    shutil.unpack_archive(project / "report.zip", project / "unpacked")
    printed += given_away(project)
    files = [path for path in project.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"table2.md", "remote.log", "report.html", "report.zip"} <= names
    assert [path for path in files if path.parent.name == "judge.answers"]
    assert {"index.html", "samples.html", "figure3.csv", "model_card.md"} <= names
    assert {"asked/hh_rlhf-sft.jsonl", "published/README.md", "packed/appendix/sha256.txt"} <= {
        path.relative_to(project).as_posix() for path in files
    }
    assert any(".tfevents." in name for name in names)
    assert any(".snakemake/metadata" in str(path) for path in files)
    assert any(".snakemake/log" in str(path) for path in files)
    for secret in (CANARY.encode(), CANARY[5:].encode()):
        assert secret not in printed
        assert [path for path in files if secret in path.read_bytes()] == []
