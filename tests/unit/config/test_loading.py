"""The config, its schema and its overlays."""

import difflib

import pytest
import yaml
from default_config import DEFAULT, ROOT, merged

from asft.config.experiment import json_schema
from asft.config.loading import load
from asft.config.runs import Run, run_settings, table3_runs
from asft.errors import UserError


def test_schema_is_in_step():
    path = ROOT / "workflow/schemas/config.schema.json"
    lines = [text.splitlines() for text in (path.read_text(), json_schema())]
    diff = "\n".join(difflib.unified_diff(*lines, "committed", "generated", lineterm="", n=1))
    assert not diff, f"{diff}\nmend it with: make schema"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflow/config").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_overlay_is_valid_and_has_its_own_folder(path):
    config = load(merged(DEFAULT, yaml.safe_load(path.read_text())))
    assert config.results == f"results/{path.stem}"


def test_base_is_one_run_whatever_the_data_sets():
    config = load(DEFAULT)
    runs = table3_runs(config)
    assert runs[0] == Run("-", "base", 42)
    assert sum(run.method == "base" for run in runs) == 1
    assert len(runs) == 7


def test_run_settings_hold_what_the_run_depends_on_and_nothing_else():
    config = load(DEFAULT)
    changed = load(merged(DEFAULT, {"methods": {"asft": {"beta": 0.5}}}))
    assert run_settings(config, "hh_rlhf", "orpo", 1) == run_settings(changed, "hh_rlhf", "orpo", 1)
    settings = run_settings(changed, "hh_rlhf", "asft", 1)
    assert settings["hyperparameters"] == {"beta": 0.5}
    assert settings["loss"] == "asft"


def test_a_method_may_override_training_alone():
    raw = merged(DEFAULT, {"methods": {"orpo": {"training": {"learning_rate": 3e-6}}}})
    config = load(raw)
    assert run_settings(config, "hh_rlhf", "orpo", 1)["training"]["learning_rate"] == 3e-6
    assert run_settings(config, "hh_rlhf", "asft", 1)["training"]["learning_rate"] != 3e-6


def test_adapters_cannot_be_sharded():
    both = {"training": {"lora": {"rank": 4}, "accelerate": "workflow/accelerate/fsdp2.yaml"}}
    with pytest.raises(UserError, match="lora and accelerate: one of them"):
        load(merged(DEFAULT, both))
