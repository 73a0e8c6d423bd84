"""Shared by all tests: the same examples on every run, no telemetry, no network hub."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

settings.register_profile("suite", derandomize=True, max_examples=60, deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny random model (asft/tiny.py)."""
    from asft.tiny import tiny_model

    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder)
    return folder
