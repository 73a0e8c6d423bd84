"""What may go is named, and nothing else goes: neither answers nor what training goes on from."""

import os

import pytest

from asft.cli.app import run

RUN = "runs/toy/asft/seed1"
FILES = {
    "models/tiny/model.safetensors": 4_000_000,
    "data/toy/pairs.parquet": 300_000,
    f"{RUN}/policy/model.safetensors": 4_000_000,
    f"{RUN}/policy/.snakemake_timestamp": 0,
    f"{RUN}/checkpoints/checkpoint-3/model.safetensors": 12_000_000,
    f"{RUN}/completions/alpaca_en.jsonl": 200_000,
    f"{RUN}/scores/alpaca_en/references.csv": 100_000,
    f"{RUN}/history.csv": 100_000,
    "runs/toy/dpo/seed1/checkpoints/checkpoint-3/model.safetensors": 12_000_000,
    "runs/toy/dpo/seed1/.policy.partial/model.safetensors": 2_000_000,
    "runs/toy/dpo/seed1/completions/alpaca_en.partial": 40_000,
    "runs/toy/sft/seed1/policy/model.safetensors": 4_000_000,
    "runs/toy/sft/seed1/completions/alpaca_en.jsonl": 100_000,
    "runs/base/completions/alpaca_en.jsonl": 100_000,
    "table3.csv": 100_000,
    ".table3.csv.x1y2_abc": 100_000,
}


@pytest.fixture
def results(tmp_path):
    for name, size in FILES.items():
        path = tmp_path / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    for name in (".table3.csv.x1y2_abc", "runs/toy/dpo/seed1/.policy.partial"):
        os.utime(tmp_path / "results" / name, (1e9, 1e9))
    return tmp_path / "results"


def said(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        run([*map(str, arguments)])
    assert not end.value.code
    return capsys.readouterr().out


def left(results):
    return {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}


def test_usage_by_kind(results, capsys):
    lines = [line.split(None, 2) for line in said(capsys, "du", results).splitlines()]
    assert [line for line in lines if line[1] == "MB"] == [
        ["4.0", "MB", "base policies and judges"],
        ["0.3", "MB", "prepared data, and the reference's log-probabilities"],
        ["8.0", "MB", "trained policies"],
        ["24.0", "MB", "checkpoints of training"],
        ["0.4", "MB", "answers"],
        ["2.2", "MB", "scores, verdicts, histories"],
        ["0.2", "MB", "tables, figures, report"],
        ["39.1", "MB", str(results)],
    ]
    assert " ".join(lines[-1]).endswith("names 14.1 MB that may go")


def test_what_may_go_goes_when_told(results, capsys):
    gone = {
        f"{RUN}/checkpoints/checkpoint-3/model.safetensors",
        "runs/toy/dpo/seed1/.policy.partial/model.safetensors",
        ".table3.csv.x1y2_abc",
    }
    assert "14.1 MB in all; `--delete` deletes it" in said(capsys, "clean", results)
    assert left(results) == {*FILES}
    assert "14.1 MB deleted" in said(capsys, "clean", results, "--delete")
    assert left(results) == {*FILES} - gone
    assert said(capsys, "clean", results).startswith("0.0 MB")


def test_policies_whose_answers_are_scored_go_too(results, capsys):
    said(capsys, "clean", results, "--policies", "--delete")
    assert not (results / RUN / "policy").exists()
    assert (results / "runs/toy/sft/seed1/policy/model.safetensors").is_file()


def test_what_is_being_written_stays(results, capsys):
    (results / ".figure1.pdf.x1").touch()
    assert "figure1" not in said(capsys, "clean", results, "--delete")
    assert (results / ".figure1.pdf.x1").exists()


def test_another_folder_is_refused(tmp_path, capfd):
    with pytest.raises(SystemExit):
        run(["clean", str(tmp_path / "resluts")])
    assert "no such folder of results; give the config's `results`" in capfd.readouterr().err


def test_hidden_files_of_others_stay(results, capsys):
    """In a results folder, and in a project's, which is refused as a whole."""
    for name in (".git", "runs/.notes", "data/.env.local"):
        (results / name).mkdir(parents=True)
        os.utime(results / name, (1e9, 1e9))
    with pytest.raises(SystemExit) as end:
        run(["clean", str(results), "--delete"])
    assert end.value.code
    assert left(results) == {*FILES}
    (results / ".git").rmdir()
    said(capsys, "clean", results, "--delete")
    assert (results / "runs/.notes").is_dir()
    assert (results / "data/.env.local").is_dir()
