"""Several base models: each has an experiment of its own, whose config is made here."""

from collections.abc import Mapping
from typing import Any

from asft.errors import UserError, nearest

ITS_OWN = ("model", "results", "base_models")  # what follows from the name


def experiments(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the config of each base model's experiment, by the model's name, before validation.

    Raises:
        UserError: a name is no model's, or changes what the name itself decides.
    """
    found, rows = {}, raw.get("base_models")
    for name, changes in rows.items() if isinstance(rows, Mapping) else ():
        if name not in raw["models"]:
            raise UserError(
                f"config: base_models.{name}: no model {name!r}{nearest(name, list(raw['models']))}"
            )
        for key in set(ITS_OWN) & (changes or {}).keys():
            raise UserError(
                f"config: base_models.{name}.{key}: not for one model alone; its experiment lies in"
                f" <results>/{name}"
            )
        own = {"model": name, "results": f"{raw.get('results', 'results')}/{name}"}
        rest = {key: value for key, value in raw.items() if key not in ITS_OWN}
        found[name] = merged(rest, {**(changes or {}), **own})
    return found


def merged(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with changes, as an overlay makes them: mappings key by key, others whole."""
    both = {key: value for key, value in raw.items() if isinstance(value, Mapping)}
    return {
        **raw,
        **{
            key: merged(both[key], value) if key in both and isinstance(value, Mapping) else value
            for key, value in changes.items()
        },
    }
