"""The packages: their versions, what the project asks of them, and its lock."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from asft import __version__
from asft.config import lock_file
from asft.doctor.rows import Row, first_of

TOOLS = ("pip", "setuptools")  # build the project, and compute nothing
SHOWN = ("torch", "transformers", "snakemake")


def versions() -> Iterator[Row]:
    """Versions of what computes; one that is not the lock's is noted."""
    yield Row("python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield Row("asft", "ok", __version__)
    path = lock_file()
    locked = _locked(path) if path else {}
    for name in SHOWN:
        found, wanted = version(name), locked.get(name)
        differs = wanted is not None and _public(found) != _public(wanted)
        lock = f" (the lock has {wanted})" if wanted else ""
        yield Row(name, "note" if differs else "ok", found + lock)


def requirements() -> Iterator[Row]:
    """Whether each package that the project asks for is here, in a version that it takes."""
    lacking = []
    for text in requires("asft") or ():
        need = Requirement(text)
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(need.name)
        except PackageNotFoundError:
            lacking.append(f"{need.name} (not installed)")
            continue
        if not need.specifier.contains(found, prereleases=True):
            lacking.append(f"{need.name}{need.specifier} (here {found})")
    if lacking:
        yield Row("packages", "problem", first_of(lacking), "pip install -c constraints.txt -e .")
    else:
        yield Row("packages", "ok", "all that the project asks for")


def lock() -> Iterator[Row]:
    """How many packages have other versions than requirements.lock."""
    path = lock_file()
    if path is None:
        yield Row("lock", "ok", "none: the package is installed without its project")
        return
    here: dict[str, str] = {canonicalize_name(each.name): each.version for each in distributions()}
    locked = _locked(path)
    others = [
        f"{name} {here[name]} (lock: {wanted})"
        for name, wanted in locked.items()
        if name in here and name not in TOOLS and _public(here[name]) != _public(wanted)
    ]
    if others:
        advice = "`make env LOCKED=1` installs exactly the lock's; digits may differ from published"
        yield Row("lock", "note", f"{len(others)} of {len(locked)}: {first_of(others)}", advice)
    else:
        yield Row("lock", "ok", f"no package has another version than its {len(locked)}")


def _locked(path: Path) -> dict[str, str]:
    """The versions in the lock, by the packages' canonical names."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [line.split()[0].split("==") for line in lines if "==" in line and line[0] != "#"]
    return {canonicalize_name(name): wanted for name, wanted in pins}


def _public(found: str) -> str:
    return found.partition("+")[0]  # +cpu is a build, not a version
