"""Settings of a run that starts from another's policy: that run's own are part of them."""

import json

import pytest

from asft.errors import UserError
from asft.training.settings import read_settings, write_settings

SFT = {"model": "tiny", "dataset": "toy", "method": "sft", "seed": 1, "loss": "sft"}
DPO = SFT | {"method": "dpo", "loss": "dpo", "start": {"dataset": "toy", "method": "sft"}}


def written(folder, run, start=None):
    for name, content in (("counts.json", {"fingerprint": "ab"}), ("card.json", {})):
        (folder / name).write_text(json.dumps(content))
    out = folder / f"{run['method']}.yaml"
    write_settings(json.dumps(run), folder / "counts.json", folder / "card.json", out, start)
    return out


def test_the_start_is_whole_in_them(tmp_path):
    start = written(tmp_path, SFT | {"training": {"learning_rate": 1e-4}})
    first = written(tmp_path, DPO, start)
    assert read_settings(first)["start"] == read_settings(start)
    before = first.read_bytes()
    written(tmp_path, DPO, written(tmp_path, SFT | {"training": {"learning_rate": 1e-5}}))
    assert first.read_bytes() != before  # so a checkpoint after the other start is not its own


@pytest.mark.parametrize(
    ("key", "value"), [("model", "other"), ("seed", 2), ("dataset", "hh"), ("method", "ipo")]
)
def test_another_run_than_the_one_that_is_named_is_refused(tmp_path, key, value):
    start = written(tmp_path, SFT | {key: value})
    with pytest.raises(UserError, match=f"{key} {value!r}, and the run starts from one of {key}"):
        written(tmp_path, DPO, start)


def test_what_trials_have_chosen_replaces_the_row_s(tmp_path):
    run = SFT | {"method": "dpo", "loss": "dpo", "hyperparameters": {"beta": 0.1}}
    run |= {"training": {"learning_rate": 1e-4, "epochs": 1.0}}
    made = {"method": "dpo", "chosen": "dpo_trial2", "hyperparameters": {"beta": 0.3}}
    made |= {"training": {"learning_rate": 1e-5}, "trials": [{}, {}], "rule": "best"}
    made |= {"benchmark": "b", "metric": "rougeL", "seeds": [1], "n": 9}
    choice = tmp_path / "dpo.json"
    choice.write_text(json.dumps(made))
    written(tmp_path, run)
    files = (tmp_path / "counts.json", tmp_path / "card.json", tmp_path / "dpo.yaml")
    write_settings(json.dumps(run), *files, chosen=choice)
    found = read_settings(files[-1])
    assert found["hyperparameters"] == {"beta": 0.3}
    assert found["training"] == {"learning_rate": 1e-5, "epochs": 1.0}
    assert found["search"]["trials"] == 2
    assert found["search"]["chosen"] == "dpo_trial2"
    choice.write_text(json.dumps(made | {"method": "orpo"}))
    with pytest.raises(UserError, match="a choice of orpo, and the run is dpo's"):
        write_settings(json.dumps(run), *files, chosen=choice)
