"""Any valid config survives the ways it travels: as YAML to users, as JSON to the steps."""

import copy
import json
from typing import Any
from unittest import mock

import yaml
from default_config import DEFAULT
from hypothesis import given
from hypothesis import strategies as st

from asft.config.data import Dataset, Tokens
from asft.config.experiment import Config
from asft.config.generation import Decoding
from asft.config.loading import load
from asft.config.runs import run_settings
from asft.config.training import Training
from asft.errors import UserError

POSITIVE = st.floats(1e-9, 1e9)
SHARE = st.floats(0, 1)
NUMBER = st.integers(1, 10**9)
TRAINING = st.fixed_dictionaries(
    {},
    optional={
        "epochs": POSITIVE,
        "batch_size": NUMBER,
        "learning_rate": POSITIVE,
        "warmup_ratio": SHARE,
        "adam_beta1": st.floats(0, 0.999),
        "precision": st.sampled_from(["auto", "bf16", "fp32"]),
        "token_budget": NUMBER,
        "gradient_checkpointing": st.booleans(),
        "save_dtype": st.sampled_from(["bfloat16", "float32"]),
    },
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
METHODS = st.dictionaries(
    NAMES.filter(lambda name: name != "base"),
    st.fixed_dictionaries(
        {"loss": st.sampled_from(["dpo", "ipo", "orpo", "asft"]), "beta": POSITIVE},
        optional={"training": TRAINING},
    ),
    max_size=3,
)
SECTIONS = st.fixed_dictionaries(
    {"methods": METHODS},
    optional={
        "note": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40),
        "training": TRAINING,
        "tokens": st.fixed_dictionaries({"max_length": st.integers(2, 10**6)}),
        "seeds": st.lists(st.integers(0, 2**31), min_size=1, max_size=4, unique=True),
    },
)


def merged(changes: dict[str, Any]) -> dict[str, Any]:
    raw = copy.deepcopy(DEFAULT)
    for key, value in changes.items():
        raw[key] = raw[key] | value if isinstance(value, dict) else value
    return raw


def through_yaml(section: dict[str, Any]) -> Any:
    return yaml.safe_load(yaml.safe_dump(section, allow_unicode=True))


@given(SECTIONS)
def test_a_config_survives_yaml_and_json(changes: dict[str, Any]) -> None:
    """In YAML the changed sections alone, since it is slow; the default whole: the next test."""
    config = load(merged(changes))
    dumped = config.model_dump()
    assert load(dumped | through_yaml({key: dumped[key] for key in changes})) == config
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_the_default_survives_yaml() -> None:
    config = load(DEFAULT)
    assert load(through_yaml(config.model_dump())) == config


@given(SECTIONS)
def test_a_runs_settings_survive_too(changes: dict[str, Any]) -> None:
    config = load(merged(changes))
    for name in ["sft", *changes["methods"]]:
        settings = run_settings(config, "hh_rlhf", name, 1)
        again = through_yaml(json.loads(json.dumps(settings)))
        assert again == settings
        assert Training.model_validate(again["training"]).model_dump() == settings["training"]


@given(TRAINING, st.integers(2, 10**6), SHARE, st.floats(1e-6, 1))
def test_parts_survive_as_the_steps_get_them(
    training: dict[str, Any], length: int, share: float, top_p: float
) -> None:
    parts = [
        Training(**training),
        Tokens(max_length=length),
        Dataset(format="trl", sources=[{"local": "ä b"}], max_dropped_share=share),
        Decoding(top_p=top_p),
    ]
    for part in parts:
        assert type(part).model_validate_json(part.model_dump_json()) == part


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(Config.model_fields)), ANYTHING)
def test_whatever_stands_under_a_key_is_taken_or_refused_by_name(key: str, value: object) -> None:
    assert refusal(copy.deepcopy(DEFAULT) | {key: value}).startswith("config: ")


SCHEMA = Config.model_json_schema()


def refusal(raw: dict[str, Any]) -> str:
    """The words with which a config is refused; "config: fine" if it is not."""
    try:
        # Built again for each refusal, it would take most of the time.
        with mock.patch.object(Config, "model_json_schema", return_value=SCHEMA):
            load(raw)
    except UserError as error:
        return str(error)
    return "config: fine"
