"""A disk without room: one line that names the file, nothing half-written, and a rerun heals."""

import shutil
import subprocess
from pathlib import Path

import pytest
from small_steps import (
    ASFT,
    STEPS,
    Experiment,
    arguments,
    failure,
    outputs,
    row,
    start,
    write_rows,
)

# The last file of each step, which the limit below leaves room for all but the end of.
LARGEST = {
    "prepare-dataset": "data/tokens/pairs.parquet",
    "settings": "run/settings.yaml",
    "reference": "data/reference.parquet",
    "train": "run/policy/model.safetensors",
    "generate": "answers.jsonl",
    "score": "scores.csv",
    "table3": "table3.csv",
}


@pytest.mark.parametrize("step", STEPS)
def test_a_file_that_cannot_grow(step: str, experiment: Experiment, tmp_path: Path) -> None:
    size = (experiment.folder / LARGEST[step]).stat().st_size
    out = tmp_path / "out"
    words = arguments(step, experiment.folder, out)
    error = failure(start(words, tmp_path / "step.log", file_size=size - 1))
    assert str(out) in error
    assert "File too large" in error
    assert "make room and rerun: nothing half-written is kept" in error
    for name, content in outputs(out).items():
        assert content == (experiment.folder / name).read_bytes(), f"{name} is not whole"
    assert LARGEST[step] not in outputs(out)
    if step not in ("train", "generate"):  # these keep a folder or answers for the rerun
        assert not [path for path in out.rglob(".*") if path.is_file()]


def test_answers_survive_a_full_disk(experiment: Experiment, tmp_path: Path) -> None:
    """Room for some answers: they are kept, and the rerun asks for the others alone."""
    words = arguments("generate", experiment.folder, tmp_path)
    whole = (experiment.folder / "answers.jsonl").read_bytes()
    failure(start(words, tmp_path / "step.log", file_size=len(whole) * 2 // 3))
    kept = (tmp_path / "answers.partial").read_bytes().split(b"\n")
    assert 1 < len(kept) - 1 < 7  # a key, and some of six answers
    child = start(words, tmp_path / "step.log")
    assert child.communicate()[1] == ""
    assert (tmp_path / "answers.jsonl").read_bytes() == whole
    answered = int((tmp_path / "step.log").read_text().split("answered ")[1].split()[0])
    assert 0 < answered < 6


def test_a_disk_of_64_kilobytes(experiment: Experiment, tmp_path: Path) -> None:
    """A real file system that is full, log included."""
    if not _may_mount():
        pytest.skip("this kernel lets nobody mount a file system; the limits above remain")
    write_rows(tmp_path, [row(n, chosen=f"Yes, {n * 7919 % 10007}.") for n in range(2000)])
    shutil.copytree(experiment.folder / "model", tmp_path / "model")
    shutil.copy(experiment.folder / "questions.jsonl", tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    words = arguments("prepare-dataset", tmp_path, disk)
    script = (
        f'mount -t tmpfs -o size=64k none "{disk}" && head -c 8k /dev/zero > "{disk}/other"\n'
        f'"$@"; status=$?; ls -AR "{disk}"; exit $status'
    )
    command = ["unshare", "-rm", "sh", "-c", script, "sh", ASFT, "--log", f"{disk}/log", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {disk}")
    assert "No space left on device (0 MiB free in " in done.stderr
    assert done.stderr.count("\n") == 1
    assert "pairs.parquet" not in done.stdout  # of the listing: neither whole nor hidden


def _may_mount() -> bool:
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command).returncode == 0
