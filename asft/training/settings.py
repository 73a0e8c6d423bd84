"""Write and read the resolved settings of one training run, and where they come from.

Reads  a slice of the config (JSON), card.json of the data and of the model
Writes <results>/runs/{dataset}/{method}/seed{seed}/settings.yaml
By hand: asft settings --run JSON --data-card FILE --model-card FILE --out settings.yaml
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from asft import __version__
from asft.errors import UserError
from asft.files import read_json, read_text, write_text


def write_settings(run: str, data_card: Path, model_card: Path, out: Path) -> None:
    """Write settings.yaml: the run's slice of the config plus its provenance.

    Args:
        run: the run's slice of the config, as JSON
    """
    provenance = {
        "asft": __version__,
        "data": read_json(data_card)["fingerprint"],
        "model": read_json(model_card),
    }
    resolved = json.loads(run)
    if resolved.get("trainer") == "trl":
        provenance["trl"] = version("trl")
    resolved |= {"provenance": provenance}
    text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, explicit_end=True)
    write_text(out, text)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a run's `settings.yaml`.

    Raises:
        UserError: no such file, or a damaged one.
    """
    try:
        text = read_text(path)
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())}); rerun") from error
    # YAML's mark of the end: without it a file that was cut short is often a file all the same.
    # Settings written by hand have no provenance and say so.
    whole = text.rstrip().endswith("\n...")
    if not isinstance(found, dict) or not (whole or found.get("provenance") == {}):
        raise UserError(f"{path}: cut short, or not a run's settings; delete it and rerun")
    return found
