"""Policies by their names in an experiment: base, hh_rlhf/asft, a name in `policies`."""

from pathlib import Path

import yaml

from asft.errors import UserError, nearest
from asft.files import read_text
from asft.models.folders import POINTER

BASE = "base"


def find_policy(given: str, results: Path) -> Path:
    """Return the folder of a policy, by its path, its run's path or its name in an experiment.

    Args:
        given: a path, `base`, a name in `policies`, {dataset}/{method}, or that with /seed{seed}
        results: the experiment's folder

    Raises:
        UserError: there is none, or the name leaves open which seed's.
    """
    run = results / "runs" / given
    paths = [Path(given), Path(given, "policy"), results / "models" / given, run / "policy"]
    if given == BASE:
        paths = [results / "models" / _base_model(results)]
    if found := next(filter(_is_policy, paths), None):
        return found
    seeds = sorted(filter(_is_policy, run.glob("seed*/policy")))
    if len(seeds) > 1:
        names = ", ".join(f"{given}/{path.parent.name}" for path in seeds)
        raise UserError(f"{given}: of several seeds; name one: {names}")
    if not seeds:
        raise UserError(
            f"{given}: no policy of this name in {results}, and no folder of one"
            f"{nearest(given, _known(results))}"
        )
    return seeds[0]


def _is_policy(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("config.json", POINTER))


def _base_model(results: Path) -> str:
    """The base policy's name in `models`, as runs have noted it; else that of the one model."""
    for path in sorted(results.glob("runs/*/*/seed*/settings.yaml")):
        return str(yaml.safe_load(read_text(path))["model"])
    models = sorted(path.name for path in results.glob("models/*"))
    if len(models) == 1:
        return models[0]
    raise UserError(
        f"{results}: nothing says which model is the base policy; name one of those in"
        f" {results / 'models'}: {', '.join(models) or 'there is none'}"
    )


def _known(results: Path) -> list[str]:
    runs = {path.parent.parent for path in results.glob("runs/*/*/seed*/policy")}
    names = [path.relative_to(results / "runs").as_posix() for path in runs]
    return [*names, *(path.name for path in results.glob("models/*"))]
