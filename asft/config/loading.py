"""Load a config: a raw mapping in, a validated `Config` out."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from asft.config.base_models import experiments, merged
from asft.config.chains import check_starts
from asft.config.checks import check_benchmarks, check_pairs
from asft.config.experiment import Config
from asft.config.faults import explain
from asft.config.local_files import find_path
from asft.config.methods import Method as Row
from asft.config.names import check_names
from asft.config.refusals import check_refusals
from asft.config.search import Search
from asft.config.search_checks import check_search
from asft.config.search_points import with_trials
from asft.config.training import Training
from asft.config.training_rows import training_of
from asft.config.trl_losses import check_trainer
from asft.config.values import read_values
from asft.errors import UserError, nearest
from asft.files import read_text
from asft.losses import METHODS, Method, find_method, names_in


def read_config(overlays: Sequence[Path] = (), values: Sequence[str] = ()) -> dict[str, Any]:
    """Read config.yaml of the working folder and the overlays over it, as Snakemake does.

    Args:
        values: words KEY=VALUE, over all of them.

    Raises:
        UserError: no such file, or it is no YAML of keys, or a word is no value; names it.
    """
    base = [Path("config.yaml")] if Path("config.yaml").is_file() or not overlays else []
    raw: dict[str, Any] = {}
    for path in (*base, *(find_path(str(overlay)) for overlay in overlays)):
        try:
            found = yaml.safe_load(read_text(path))
        except yaml.YAMLError as error:
            raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
        if not isinstance(found, dict):
            raise UserError(f"{path}: expected keys and values, found {type(found).__name__}")
        raw = merged(raw, found)
    return merged(raw, read_values(values))


def load(raw: dict[str, Any]) -> Config:
    """Validate a config: shapes, then names, then what each protocol and each loss needs.

    Raises:
        UserError: one line per fault, with the key and the nearest right name.
    """
    config = _validated(raw)
    check_names(config)
    if config.search:
        config = _searched(raw, config, config.search)
    check_benchmarks(config)
    check_refusals(config)
    for name, method in config.methods.items():
        loss = method.loss or name
        for term in names_in(loss):
            if term not in METHODS:
                raise UserError(
                    f"config: methods.{name}: no loss {term!r}{nearest(term, list(METHODS))}"
                )
        _check_hyperparameters(name, method.hyperparameters, find_method(loss))
        training = training_of(config, name)
        _check_reference(name, find_method(loss), training)
        check_trainer(name, method, training)
    check_starts(config)
    check_pairs(config)
    for name, own in experiments(raw).items():
        try:
            load(own)
        except UserError as error:
            raise UserError(f"with base_models.{name}: {error}") from None
    return config


def _validated(raw: dict[str, Any]) -> Config:
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = explain(error, Config.model_json_schema())
        if any(fault["type"] == "missing" for fault in error.errors()):
            lines = _without_base(lines)
        raise UserError("config: " + "\n        ".join(lines)) from None


def _searched(raw: dict[str, Any], config: Config, search: Search) -> Config:
    """The config with a row of `methods` for every trial, which it may have already.

    What was loaded and written, as the report gets it, is loaded again.
    """
    own, trials = check_search(config, search), set(search.row_names())
    methods = {name: row for name, row in raw["methods"].items() if name not in trials}
    try:
        found = _validated(with_trials({**raw, "methods": methods}, search, own))
    except ValueError as error:
        raise UserError(f"config: {error}") from None
    for name in config.methods:
        if config.methods[name] != found.methods[name]:
            raise UserError(f"config: methods.{name}: a trial of `search` is named so; rename it")
    return found


def _without_base(lines: list[str]) -> list[str]:
    """Say why an overlay lacks so much: Snakemake skips a base config that is not there."""
    base = Path("config.yaml")
    if base.exists():
        return lines
    advice = f"write it before the overlays: --configfile FOLDER/{base} OVERLAY"
    others = [line for line in lines if not line.endswith("Field required")]
    return [f"{base} was not read, for there is none in {Path.cwd()}; {advice}", *others]


def _check_hyperparameters(name: str, given: dict[str, Any], method: Method) -> None:
    allowed = method.hyperparameters()
    for key, value in given.items():
        if key not in allowed:
            known = [*allowed, *Row.model_fields]
            raise UserError(f"config: methods.{name}.{key}: unknown key{nearest(key, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"config: methods.{name}.{key}: expected a number, given {value!r}")
        if not method.limit(key)(value):
            raise UserError(
                f"config: methods.{name}.{key}: expected a number {method.limit(key).words},"
                f" given {value!r}"
            )
    for key, default in allowed.items():
        if key not in given and default is inspect.Parameter.empty:
            raise UserError(f"config: methods.{name}: needs the key {key!r}")


def _check_reference(name: str, method: Method, training: Training) -> None:
    """Refuse what a reference model beside the policy cannot be trained with."""
    if method.needs_model and training.accelerate:
        key, why = "accelerate", "loads a whole reference model in each process"
    elif method.moves_reference and training.lora:
        key, why = "lora", "moves all weights of the reference, of which adapters train none"
    else:
        return
    raise UserError(f"config: methods.{name}: the loss {why}: needs training.{key}: null")
