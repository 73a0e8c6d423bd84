"""GPUs counted without torch and claimed by one process each; tcmalloc before what we start."""

import os
import subprocess
import sys

import pytest

from asft import machine
from asft.machine import visible_gpus

CLAIM = """
import os
from asft.machine import claim_gpus
claim_gpus({count})
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
input()
"""


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("2", ["2"]),
        ("0, 3", ["0", "3"]),
        ("0,-1,1", ["0"]),
        ("GPU-4ad1,MIG-77", ["GPU-4ad1", "MIG-77"]),
    ],
)
def test_what_the_user_made_visible_is_what_counts(monkeypatch, tmp_path, chosen, names):
    (tmp_path / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert visible_gpus(tmp_path) == names


def test_devices_are_counted_as_cuda_numbers_them(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == []
    for name in ("nvidia3", "nvidia12", "nvidiactl", "nvidia-uvm", "nvidia-caps"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path) == ["0", "1"]


@pytest.fixture
def process(tmp_path):
    """Start a process that claims GPUs and keeps them until told to end."""
    started = []

    def start(visible="0,1", count=1, **variables):
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": visible, "TMPDIR": str(tmp_path)}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        code = CLAIM.format(count=count)
        command = [sys.executable, "-u", "-c", code]
        started.append(subprocess.Popen(command, env=environment | variables, text=True, **pipes))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_each_process_has_a_gpu_of_its_own_and_one_too_many_waits(process):
    first, second = process(), process()
    mine, other = (each.stdout.readline().strip() for each in (first, second))
    assert sorted([mine, other]) == ["0", "1"]
    third = process()
    assert third.stderr.readline().strip() == "waits for 1 of the GPUs 0, 1"
    first.kill()  # a lock goes with its process, however that ends
    assert third.stdout.readline().strip() == mine


def test_several_are_claimed_together_or_not_at_all(process):
    assert process("0,1,2").stdout.readline().strip() == "0"
    both = process("0,1,2", count=2)
    assert both.stdout.readline().strip() == "1,2"


def test_where_there_is_no_choice_nothing_is_claimed(process):
    """A cluster's job sees its own GPU as number 0, and so does the job beside it."""
    for _ in range(2):
        assert process("0").stdout.readline().strip() == "0"
    for rank in "01":  # a launcher's processes choose by their rank
        assert process("0,1", LOCAL_RANK=rank).stdout.readline().strip() == "0,1"


linux = pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's")


@linux
@pytest.mark.parametrize("given", [None, "", "libother.so"])
@pytest.mark.parametrize("installed", [None, "libtcmalloc_minimal.so.4"])
def test_preload(given: str | None, installed: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "find_library", lambda name: installed)
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    if given is not None:
        monkeypatch.setenv("LD_PRELOAD", given)
    machine.preload_allocator()
    assert os.environ.get("LD_PRELOAD") == (installed if given is None else given)


@linux
@pytest.mark.optional
def test_a_started_process_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    name = machine.tcmalloc()
    if name is None:
        pytest.skip("no tcmalloc on this system")
    monkeypatch.setenv("LD_PRELOAD", name)
    code = "print('tcmalloc' in open('/proc/self/maps').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert not done.stderr


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'cpu 4'; echo 'gpu 8'; echo 'cpu 16'", {"cpu": 16, "gpu": 8}),
        ("echo 'cpu 4'; exit 1", {}),
        (None, {}),
    ],
)
def test_a_partition_has_the_cores_of_its_largest_node(script, found, monkeypatch, tmp_path):
    if script:
        (tmp_path / "sinfo").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.partition_cores() == found
