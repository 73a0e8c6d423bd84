"""Write and read the resolved settings of one training run, and where they come from.

Reads  a slice of the config (JSON), card.json of the data and of the model, settings.yaml of the
       run that this one starts from, or card.json of a policy that was not trained here
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
from asft.models import refuse_other_tokens


def write_settings(
    run: str,
    data_card: Path,
    model_card: Path,
    out: Path,
    start: Path | None = None,
    chosen: Path | None = None,
) -> None:
    """Write settings.yaml: the run's slice of the config plus its provenance.

    Args:
        run: the run's slice of the config, as JSON
        start: settings.yaml of the run that this one starts from, or card.json of a policy that
            was not trained here; it becomes a part of these
        chosen: what trials have shown to be best of what the slice says, from `asft choose`

    Raises:
        UserError: `start` is another run than the slice names, or began with another model, or
            reads other tokens than the base policy.
    """
    provenance = {
        "asft": __version__,
        "data": read_json(data_card)["fingerprint"],
        "model": read_json(model_card),
    }
    own = json.loads(run)
    if chosen:
        own |= _chosen_of(own, chosen)
    if own.get("trainer") == "trl":
        provenance["trl"] = version("trl")
    # Whole, for the checkpoints' key: after another start they are another run's.
    before = {"start": _start_of(own, start, model_card)} if start else {}
    resolved = own | before | {"provenance": provenance}
    text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, explicit_end=True)
    write_text(out, text)


def _start_of(run: dict[str, Any], path: Path, model_card: Path) -> dict[str, Any]:
    if path.name == model_card.name:
        refuse_other_tokens(model_card.parent, path.parent)
        return {**run["start"], "provenance": {"model": read_json(path)}}
    found = read_settings(path)
    named = run.get("start", {}) | {key: run[key] for key in ("model", "seed") if key in run}
    for key, value in named.items():
        if found.get(key) != value:
            raise UserError(
                f"{path}: {key} {found.get(key)!r}, and the run starts from one of {key} {value!r}"
            )
    return found


def _chosen_of(run: dict[str, Any], path: Path) -> dict[str, Any]:
    """What a choice changes in a run's slice, and where it comes from."""
    found = read_json(path)
    if found["method"] != run["method"]:
        raise UserError(f"{path}: a choice of {found['method']}, and the run is {run['method']}'s")
    about = ("chosen", "rule", "benchmark", "metric", "seeds", "n")
    return {
        **{key: run[key] | found[key] for key in ("hyperparameters", "training")},
        "search": {"trials": len(found["trials"]), **{key: found[key] for key in about}},
    }


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
