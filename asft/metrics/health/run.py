"""The checks of one run's history, by what its settings say of the loss and of clipping."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import yaml

from asft.files import read_text
from asft.losses import find_method
from asft.metrics.health.finding import Finding
from asft.metrics.health.history import history_findings


def run_findings(settings: Path, history: pd.DataFrame) -> list[Finding]:
    """Return what every check finds of a run's history so far, as `history_findings` does.

    Args:
        settings: settings.yaml of the run

    Raises:
        UserError: no such file, or it is not the settings of a run.
    """
    run = yaml.safe_load(read_text(settings))
    method = find_method(run["loss"])
    return history_findings(
        history,
        run["training"]["max_grad_norm"],
        comparable=not (method.moves_reference or method.running),
    )
