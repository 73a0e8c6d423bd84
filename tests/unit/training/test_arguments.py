"""What the config says of training, as transformers understands it."""

import pytest

from asft.config.training import Training
from asft.training.arguments import training_arguments


@pytest.mark.parametrize(
    ("ratio", "steps"), [(0, 0), (0.1, 20), (0.101, 21), (0.999, 200), (1, 200)]
)
def test_the_warm_up_is_a_share_of_the_steps(ratio, steps, tmp_path):
    """Of 200; rounded up."""
    arguments = training_arguments(Training(warmup_ratio=ratio), 1, str(tmp_path))
    assert arguments.get_warmup_steps(200) == steps


def test_nobody_is_told_of_a_training_who_is_not_named(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBEFLOW_TRAINER_SERVER_URL", "http://127.0.0.1:9")
    assert training_arguments(Training(), 1, str(tmp_path)).report_to == []
