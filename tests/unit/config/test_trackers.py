"""`training.report_to`: which trackers there are, and that nothing depends on them."""

from typing import get_args

import pytest
from default_config import DEFAULT, merged
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

from asft.config.loading import load
from asft.config.runs import run_settings
from asft.config.trackers import Tracker, require_trackers
from asft.errors import UserError

REPORTED = {"training": {"report_to": ["tensorboard", "wandb"]}}


def test_they_are_transformers():
    assert set(get_args(Tracker)) == set(INTEGRATION_TO_CALLBACK)


def test_no_run_and_nothing_that_rules_print_depends_on_them():
    plain, reported = load(DEFAULT), load(merged(DEFAULT, REPORTED))
    assert reported.training.report_to == ["tensorboard", "wandb"]
    assert reported.model_dump_json() == plain.model_dump_json()
    runs = [run_settings(config, "hh_rlhf", "asft", 1) for config in (plain, reported)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"report_to": ["wandbs"]}}, "training.report_to.*'wandb'"),
        ({"training": {"report_to": ["wandb", "wandb"]}}, "'wandb' stands here twice"),
        (
            {"methods": {"asft": {"training": {"report_to": ["wandb"]}}}},
            "methods.asft.training.report_to: not for one method; set training.report_to",
        ),
    ],
)
def test_what_is_refused(changes, said):
    with pytest.raises(UserError, match=said):
        load(merged(DEFAULT, changes))


def test_a_name_by_hand():
    with pytest.raises(UserError, match="no tracker 'wandbs'; did you mean 'wandb'"):
        require_trackers(["wandbs"])
    with pytest.raises(UserError, match=r"swanlab needs swanlab, .*: pip install swanlab"):
        require_trackers(["swanlab"])
