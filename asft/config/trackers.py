"""Trackers that a training can be followed in: transformers' integrations, by its names."""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Literal, get_args

from asft.errors import UserError, nearest

Tracker = Literal[
    "azure_ml",
    "clearml",
    "codecarbon",
    "comet_ml",
    "dagshub",
    "dvclive",
    "flyte",
    "kubeflow",
    "mlflow",
    "neptune",
    "swanlab",
    "tensorboard",
    "trackio",
    "wandb",
]
# Where these are not its name: its package, and what pip installs.
_PACKAGES = {
    "azure_ml": ("azureml", "azureml-core"),
    "flyte": ("flytekit", "flytekit"),
    "kubeflow": ("transformers", ""),  # which talks to the cluster that it runs in
    "tensorboard": ("tensorboardX", "'asft[tensorboard]'"),
}


def require_trackers(names: Iterable[str]) -> None:
    """Refuse trackers that nobody knows, and those whose package is not installed.

    Raises:
        UserError: names the tracker, and what installs it.
    """
    known = list(get_args(Tracker))
    for name in names:
        if name not in known:
            raise UserError(f"training.report_to: no tracker {name!r}{nearest(name, known)}")
        package, install = _PACKAGES.get(name, (name, name))
        if find_spec(package) is None:
            raise UserError(
                f"training.report_to: {name} needs {package}, which is not installed: pip install"
                f" {install}"
            )
