"""Surroundings that are not as usual: a clock that jumps, files from the future, no cache yet."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from small_steps import Experiment, arguments, outputs, start

from asft.config.generation import Server
from asft.generation.server import served

DAY = 86_400
PRODUCTS = {
    "prepare-dataset": ["data/counts.json", "data/pairs.parquet", "data/tokens/pairs.parquet"],
    "train": ["run/history.csv"],
    "score": ["scores.csv"],
    "table3": ["table3.csv", "table3.differences.csv", "table3.md", "table3.tex"],
}


@pytest.mark.parametrize("step", PRODUCTS)
def test_nothing_follows_from_times(step: str, experiment: Experiment, tmp_path: Path) -> None:
    """Inputs of 1970 and of the next century, a clock that jumps by a day: the same bytes."""
    given = tmp_path / "given"
    shutil.copytree(experiment.folder, given)
    files = sorted(path for path in given.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        os.utime(path, [(0, 0), (2**32, 2**32)][number % 2])
    for days in (-1, 1):
        out = tmp_path / f"out {days}"
        child = start(arguments(step, given, out), tmp_path / "log", clock=days * DAY)
        assert child.communicate()[1] == ""
        assert child.returncode == 0
        made = outputs(out)
        assert set(PRODUCTS[step]) <= set(made)
        for name, content in made.items():
            if name != "data/counts.json" or step != "prepare-dataset":
                assert content == (experiment.folder / name).read_bytes(), name


def test_a_home_that_is_not_there_yet(experiment: Experiment, tmp_path: Path) -> None:
    """A new machine: neither home nor caches; the step makes what it wants to write to."""
    home = tmp_path / "new/home"
    environment = {"HOME": str(home), "HF_HOME": str(home / "hf"), "ASFT_CACHE": str(home / "c")}
    words = arguments("prepare-dataset", experiment.folder, tmp_path / "out")
    child = start(words, tmp_path / "log", environment=environment)
    assert child.communicate()[1] == ""
    pairs = "data/pairs.parquet"
    assert outputs(tmp_path / "out")[pairs] == (experiment.folder / pairs).read_bytes()


# Stands for a server: says whether the hub's cache is there, since real ones answer 500 without it.
ASKING = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.isdir(sys.argv[2]) else 500)
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_server_finds_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = tmp_path / "new/hf/hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    script = tmp_path / "server.py"
    script.write_text(ASKING)
    command = f"'{sys.executable}' '{script}' {{port}} '{hub}'"
    settings = Server(command=command, model="{policy}", ready_s=60)
    with served(settings, tmp_path / "policy", tmp_path / "log") as url:
        assert url.startswith("http://127.0.0.1:")
    assert hub.is_dir()
