"""The config: its schema, its overlays, and what does not go together."""

import difflib

import pytest
import yaml
from default_config import DEFAULT, ROOT, merged

from asft.config.experiment import json_schema
from asft.config.loading import load
from asft.config.runs import needs_mismatched, needs_reference
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
    alone = {"table3": {"datasets": ["ultrafeedback"], "methods": ["base", "sft"]}}
    alone |= {"table2": None, "table4": None}
    load(merged(DEFAULT, one | {"tables": alone, "figures": {"margins": None, "cost": None}}))


def with_method(**row):
    return merged(DEFAULT, {"methods": {"mine": row}})


def test_a_loss_may_be_a_weighted_sum():
    config = load(with_method(loss={"dpo": 1, "sft": 0.2}, beta=0.1, label_smoothing=0.1))
    assert config.methods["mine"].loss == {"dpo": 1.0, "sft": 0.2}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"loss": {"dop": 1.0}}, "methods.mine: no loss 'dop'.*did you mean 'dpop'"),
        ({"loss": {"dpo": 0.0}}, "methods.mine.loss: expected a name, or names with weights above"),
        ({"loss": {"dpo": True}}, "methods.mine.loss: expected a name"),
        ({"loss": {}}, "methods.mine.loss: expected a name"),
        ({"loss": 5}, "methods.mine.loss: expected a name, .* given 5"),
        ({"loss": {"dpo": 1.0, "sft": 1.0}}, "methods.mine: needs the key 'beta'"),
        ({"loss": {"dpo": 1.0, "sft": 1.0}, "beta": 0}, "mine.beta: expected a number above 0"),
        ({"loss": {"dpo": 1.0}, "beta": 1, "gamma": 1}, "mine.gamma: unknown key"),
        ({"loss": "simpo", "beta": 2.5}, "methods.mine: needs the key 'gamma'"),
        (
            {"loss": "dpo", "beta": 0.1, "label_smoothing": 0.5},
            "mine.label_smoothing: expected a number of at least 0 and below 0.5, given 0.5",
        ),
        ({"loss": "asft", "beta": float("inf")}, "mine.beta: expected a number that is finite"),
    ],
)
def test_what_is_no_loss_or_no_value_of_it_is_refused(row, words):
    with pytest.raises(UserError, match=words):
        load(with_method(**row))


@pytest.mark.parametrize(
    ("form", "methods", "words"),
    [
        (
            "unpaired",
            ["kto", "bco", "aot_unpaired", "kto_sft", "sft"],
            "sft, kto, bco, aot_unpaired",
        ),
        ("sft", ["sft"], "sft"),
    ],
)
def test_labelled_rows_of_one_completion_are_for_losses_that_take_each(form, methods, words):
    rows = {"kto": {}, "bco": {"beta": 0.1}, "aot_unpaired": {"beta": 0.1}}
    rows |= {"kto_sft": {"loss": {"kto": 1.0, "sft": 0.1}}}

    def config(methods):
        table = {"datasets": ["ultrafeedback"], "methods": methods}
        return merged(
            DEFAULT,
            {
                "datasets": {"ultrafeedback": {"format": form}},
                "methods": rows,
                "tables": {"table3": table, "table2": None, "table4": None},
                "figures": {"margins": None, "cost": None},
            },
        )

    load(config(methods))
    other = "dpo" if form == "unpaired" else "kto"
    with pytest.raises(UserError, match=f"{other} compares.*that take such rows: {words}$"):
        load(config([*methods, other]))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"loss": "tr_dpo", "training": {"lora": {"rank": 4}}}, "moves all weights.*lora: null"),
        (
            {"loss": "tdpo1", "training": {"accelerate": "workflow/accelerate/fsdp2.yaml"}},
            "loads a whole reference model.*accelerate: null",
        ),
    ],
)
def test_a_reference_model_beside_the_policy_is_whole(row, words):
    with pytest.raises(UserError, match=f"methods.mine: the loss {words}"):
        load(with_method(beta=0.1, **row))
    load(with_method(loss="tdpo1", beta=0.1, training={"lora": {"rank": 4}}))


def test_a_loss_that_needs_the_reference_model_asks_for_no_cache():
    config = load(with_method(loss={"tdpo2": 1.0, "kto": 1.0}, beta=0.1))
    assert not needs_reference(config, "mine")
    assert not needs_mismatched(config, "mine")


def test_text_of_the_command_line_is_the_number_that_it_is():
    """Snakemake's --config reads nested values as text; the run must equal that of a file."""
    text = {"mine": {"loss": {"dpo": "1.0", "sft": "0.2"}, "beta": "0.3"}, "asft": {"beta": "1"}}
    training = {"epochs": "2", "learning_rate": "1e-3"}
    raw = merged(DEFAULT, {"methods": text, "training": training, "seeds": ["1"]})
    numbers = {"mine": {"loss": {"dpo": 1.0, "sft": 0.2}, "beta": 0.3}, "asft": {"beta": 1}}
    same = {"epochs": 2, "learning_rate": 1e-3}
    expected = load(merged(DEFAULT, {"methods": numbers, "training": same, "seeds": [1]}))
    assert load(raw).model_dump_json() == expected.model_dump_json()


@pytest.mark.parametrize("text", ["big", "nan", "inf", ""])
def test_text_that_is_no_finite_number_is_refused(text):
    with pytest.raises(UserError, match=r"methods\.asft\.beta: expected a number"):
        load(merged(DEFAULT, {"methods": {"asft": {"beta": text}}}))


def test_null_of_the_command_line_is_null():
    off = {"tables": {"table2": "null"}, "figures": {"cost": "null", "margins": "null"}}
    more = {"generation": {"threads": "null"}, "methods": {"sft": {"loss": "null"}}}
    config = load(merged(DEFAULT, off | more | {"note": "null"}))
    assert config.tables.table2 is config.figures.cost is config.figures.margins is None
    assert config.generation.threads is config.methods["sft"].loss is None
    assert config.note == "null"
    with pytest.raises(UserError, match="statistics: "):
        load(merged(DEFAULT, {"statistics": "null"}))
