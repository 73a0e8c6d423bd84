"""Several base models: the config of each one's experiment."""

import pytest
from default_config import DEFAULT, merged

from asft.config.base_models import experiments
from asft.config.loading import load
from asft.errors import UserError

OTHER = {"billion_parameters": 0.5, "sources": [{"random": 1}]}
FIRST = "smollm2-135m-instruct"


def with_models(**rows):
    return merged(DEFAULT, {"models": {"other": OTHER}, "base_models": {FIRST: None, **rows}})


def test_each_has_the_experiment_with_its_own_changes_in_a_folder_of_its_own():
    changes = {"methods": {"asft": {"beta": 0.3}}, "tables": {"table2": None}, "seeds": [1, 2]}
    raw = with_models(other=changes)
    found = {name: load(own) for name, own in experiments(raw).items()}
    assert list(found) == [FIRST, "other"]
    assert [own.model for own in found.values()] == [FIRST, "other"]
    assert [own.results for own in found.values()] == [f"results/{FIRST}", "results/other"]
    first, other = found.values()
    assert first == load(merged(DEFAULT, {"models": {"other": OTHER}, "results": first.results}))
    assert other.methods["asft"].hyperparameters == {"beta": 0.3}
    assert other.methods["dpo"] == first.methods["dpo"]
    assert other.seeds == [1, 2]  # a list is replaced, as by an overlay
    assert other.tables.table2 is None
    assert other.tables.table3 == first.tables.table3


def test_without_them_nothing_is_said_to_the_rules():
    assert "base_models" not in load(DEFAULT).model_dump_json()
    assert experiments(DEFAULT) == {}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"othr": {}}, "config: base_models.othr: no model 'othr'; did you mean 'other'"),
        ({"other": {"results": "x"}}, "base_models.other.results: not for one model alone.*/other"),
        ({"other": {"model": FIRST}}, "base_models.other.model: not for one model"),
        ({"other": {"methds": {}}}, "with base_models.other: config: methds.*did you mean"),
        ({"other": {"methods": {"dpo": {"beat": 1}}}}, "with base_models.other: .*dpo.beat"),
        ({"other": 3}, "base_models.other"),
    ],
)
def test_what_is_wrong_names_the_model(row, words):
    with pytest.raises(UserError, match=words):
        load(with_models(**row))
