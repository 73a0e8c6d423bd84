"""The resolved settings of one training run, and where they come from.

Reads  a slice of the config (JSON), card.json of the data and of the model
Writes <results>/runs/{dataset}/{method}/seed{seed}/settings.yaml
By hand: asft settings --run JSON --data-card FILE --model-card FILE --out settings.yaml
"""

import json
from pathlib import Path

import yaml

from asft import __version__
from asft.records import write_text


def settings(run: str, data_card: Path, model_card: Path, out: Path) -> None:
    """Write settings.yaml: the run's slice of the config plus its provenance."""
    provenance = {
        "asft": __version__,
        "data": json.loads(data_card.read_text(encoding="utf-8"))["fingerprint"],
        "model": json.loads(model_card.read_text(encoding="utf-8")),
    }
    resolved = json.loads(run) | {"provenance": provenance}
    write_text(out, yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))
