"""Words of --config mean what they mean to Snakemake."""

import pytest
from snakemake.cli import parse_config

from asft.config.values import read_values
from asft.errors import UserError


@pytest.mark.parametrize(
    "word",
    [
        *("results=here", "gpus=2", "share=0.5", "on=True", "none=", "search=null", "note=a: b: c"),
        "methods={asft: {beta: 0.3}, dpo: {}}",
        "seeds=[1, 2]",
        "note=x=y",
    ],
)
def test_as_snakemake_reads_them(word: str) -> None:
    assert read_values([word]) == parse_config([word])


def test_the_same_key_twice_is_merged() -> None:
    assert read_values(["a_=1", "methods={x: {}}", "methods={y: {}}", "a_=2"]) == {
        "a_": 2,
        "methods": {"x": {}, "y": {}},
    }


@pytest.mark.parametrize("word", ["results", "=3", "1a=3"])
def test_another_form_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="expected KEY=VALUE"):
        read_values([word])
