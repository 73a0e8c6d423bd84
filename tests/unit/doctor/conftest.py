"""A project whose base policy is the tiny random model in a folder."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from asft.config import PROJECT

TEST = "workflow/config/test.yaml"


@pytest.fixture
def project(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with config.yaml and an overlay `mine.yaml`; nothing was run there."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(PROJECT / "config.yaml", "config.yaml")
    overlay(tmp_path, {"models": {"tiny": {"sources": [{"local": str(tiny)}]}}})
    return tmp_path


def overlay(folder: Path, more: dict[str, Any]) -> None:
    path = folder / "mine.yaml"
    before = yaml.safe_load(path.read_text()) if path.exists() else {}
    path.write_text(yaml.safe_dump(before | more))
