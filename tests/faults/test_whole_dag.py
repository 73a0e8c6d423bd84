"""The whole DAG where nothing is as usual: an odd folder, no home, no network, a second run."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from project import BIN, OVERLAY, copy_project, overlay

SMALL = {
    "datasets": {"hh_rlhf": {"limit": 8, "heldout": 2}},
    "tables": {
        "table3": {"methods": ["base", "asft"], "datasets": ["hh_rlhf"]},
        "table2": {"methods": ["base"], "controls": ["injection"], "dataset": "hh_rlhf"},
    },
    "figures": {"margins": {"dataset": "hh_rlhf", "methods": ["asft"]}, "cost": None},
}
# Nobody, not even root, can make a folder there.
NOWHERE = "/proc/nobody"
UNUSUAL = {
    **{"HOME": NOWHERE, "HF_HOME": f"{NOWHERE}/hf"},
    **{"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PATH": "/usr/bin:/bin"},
}


def offline() -> list[str]:
    """A prefix for commands that shall have no network, not even a loopback; skips without one."""
    prefix = ["unshare", "-rn"]
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"]).returncode:
        pytest.skip("this kernel gives nobody a network of their own: cannot take it away")
    return prefix


def start(folder: Path, prefix: list[str], *targets: str) -> subprocess.Popen[str]:
    command = [*prefix, str(BIN / "snakemake"), "--cores", "2", *targets]
    return subprocess.Popen(
        [*command, "--configfile", OVERLAY, "small.yaml"],
        cwd=folder,
        # Snakemake itself wants one folder of its own to write to.
        env=UNUSUAL | {"XDG_CACHE_HOME": str(folder / "snakemake's own")},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.timeout(600)
def test_everything_is_made_and_a_second_run_is_sent_away(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = copy_project(tmp_path_factory.mktemp("it's größer & 奇妙 (1)"))
    overlay(folder, "small.yaml", SMALL)
    first = start(folder, offline())
    locks = folder / ".snakemake/locks"
    while first.poll() is None and not (locks.is_dir() and any(locks.iterdir())):
        time.sleep(0.01)
    second = start(folder, [])
    message = second.communicate()[0]
    assert second.returncode != 0
    assert "LockException" in message
    assert "Directory cannot be locked" in message
    assert "other Snakemake process" in message
    assert "--unlock" in message
    output = first.communicate()[0]
    assert first.returncode == 0, output[-5000:]
    assert "Traceback" not in output
    results = folder / "results/test"
    made = {str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()}
    assert {"table1.csv", "table2.csv", "table3.csv", "report/index.html"} <= made
    assert {"figure1.pdf", "figure2a.pdf", "figure3.pdf"} <= made
    assert not [name for name in made if ".partial" in name]


def test_a_source_that_needs_the_network_says_so(tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    content = {
        "models": {"tiny": {"sources": [{"hub": "nobody/nothing", "revision": "0" * 40}]}},
        **SMALL,
    }
    overlay(folder, "small.yaml", content)
    run = start(folder, offline(), "results/test/models/tiny")
    output = run.communicate()[0]
    assert run.returncode != 0
    assert "error: hub nobody/nothing: " in output
    assert "the hub cannot be reached" in output
    assert "Traceback" not in output
