"""All checks of an experiment, in their order. Nothing is downloaded or written."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from asft.config import Config, experiments, load, read_config, training_runs
from asft.doctor import environment, hardware, network
from asft.doctor.model import Look
from asft.doctor.rows import Examination, Row, examined
from asft.errors import UserError
from asft.generation import without_key


def examine(overlays: list[Path] | None = None, values: list[str] | None = None) -> Examination:
    """Examine what a run of config.yaml here would meet; a check that fails is a row too.

    Args:
        overlays: over config.yaml, as the run has them
        values: words KEY=VALUE, over all of them
    """
    raw: dict[str, Any] = {}
    config: Config | None = None
    try:
        raw = read_config(overlays or [], values or [])
        config = load(raw)
    except UserError as error:
        about = [Row("config", "problem", str(error))]
    else:
        about = [Row("config", "ok", _asked(config, overlays or [], values or []))]
    sections = [("Config", about), ("Environment", _environment())]
    if config is None:
        sections.append(("Machine", examined("device", hardware.devices) + _threads()))
        return Examination(sections, [])
    own = [load(each) for each in experiments(raw).values()] or [config]  # of each base model
    for title, check in (("Machine", _machine), ("Keys and servers", _network)):
        sections.append((title, list(dict.fromkeys(row for each in own for row in check(each)))))
    looks = [Look(each) for each in own]
    sections += [(f"Model {look.config.model}", look.rows()) for look in looks]
    named = network.secrets(config)
    clean = [(title, [_scrubbed(row, named) for row in rows]) for title, rows in sections]
    return Examination(clean, [pair for look in looks for pair in look.shown])


def _asked(config: Config, overlays: list[Path], values: list[str]) -> str:
    runs = sum(len(training_runs(config, dataset)) for dataset in config.datasets)
    keys = [word.partition("=")[0] for word in values]
    names = [*["config.yaml"][: Path("config.yaml").is_file()], *map(str, overlays), *keys]
    return f"{', '.join(names)}: {runs} training runs, results in {config.results}"


def _environment() -> list[Row]:
    found = examined("versions", environment.versions)
    found += examined("packages", environment.requirements)
    return found + examined("lock", environment.lock)


def _threads() -> list[Row]:
    return examined("threads", hardware.threads)


def _machine(config: Config) -> list[Row]:
    found = examined("device", hardware.devices)
    for check in (hardware.precision, hardware.processes):
        found += examined(check.__name__, partial(check, config))
    found += _threads()
    found += examined("memory", partial(hardware.room_in_memory, config))
    return found + examined(config.results, partial(hardware.disk, config))


def _network(config: Config) -> list[Row]:
    checks: Mapping[str, Any] = {
        "keys": network.keys,
        "judges": network.servers,
        "generation.server": network.own_server,
        "hub": network.hub,
    }
    return [row for name, check in checks.items() for row in examined(name, partial(check, config))]


def _scrubbed(row: Row, variables: list[str]) -> Row:
    """A row without the values of keys, whoever has echoed them."""
    clean = (without_key(text, *variables) for text in (row.found, row.advice))
    return Row(row.check, row.state, *clean)
