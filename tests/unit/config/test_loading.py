"""The config: its schema, its overlays, and what does not go together."""

import difflib

import pytest
import yaml
from default_config import DEFAULT, ROOT, merged

from asft.config.experiment import json_schema
from asft.config.loading import load
from asft.errors import UserError


def test_schema_is_in_step():
    path = ROOT / "workflow/schemas/config.schema.json"
    lines = [text.splitlines() for text in (path.read_text(), json_schema())]
    diff = "\n".join(difflib.unified_diff(*lines, "committed", "generated", lineterm="", n=1))
    assert not diff, f"{diff}\nfix it with: make schema"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflow/config").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_overlay_is_valid_and_has_its_own_folder(path):
    config = load(merged(DEFAULT, yaml.safe_load(path.read_text())))
    assert config.results == f"results/{path.stem}"


def test_adapters_cannot_be_sharded():
    both = {"training": {"lora": {"rank": 4}, "accelerate": "workflow/accelerate/fsdp2.yaml"}}
    with pytest.raises(UserError, match="lora and accelerate: one of them"):
        load(merged(DEFAULT, both))


@pytest.mark.parametrize("form", ["sft", "unpaired"])
def test_rows_of_one_completion_are_for_methods_that_compare_none(form):
    one = {"datasets": {"ultrafeedback": {"format": form}}}
    with pytest.raises(UserError, match=rf"compares two completions.*ultrafeedback \({form}\)"):
        load(merged(DEFAULT, one))
    alone = {"table3": {"datasets": ["ultrafeedback"], "methods": ["base", "sft"]}, "table2": None}
    load(merged(DEFAULT, one | {"tables": alone, "figures": {"margins": None, "cost": None}}))
