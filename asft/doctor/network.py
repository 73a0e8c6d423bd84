"""Keys and servers: which are set, and which answer. Of keys no value is shown."""

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from asft.config import (
    Config,
    HubSource,
    Judge,
    Source,
    asked_benchmarks,
    shown_policies,
    table2_columns,
    trained_datasets,
)
from asft.data import cached_snapshot, describe, require_access
from asft.doctor.rows import Row, first_of
from asft.errors import UserError
from asft.generation import Endpoint, list_models
from asft.judging import endpoint_of

WITHIN_S = 20.0  # longest wait for a server or the hub, where the config does not say less
HUB_TOKEN = "HF_TOKEN"


def secrets(config: Config) -> list[str]:
    """Return the names of the environment variables that hold secrets."""
    named = (judge.secrets for judge in _servers(config).values())
    return list(dict.fromkeys([HUB_TOKEN, *chain.from_iterable(named)]))


def keys(config: Config) -> Iterator[Row]:
    """Whether the variables that judges name are set; never what to."""
    asked = _asked(config)
    whose: dict[str, list[str]] = {}
    for name, judge in _servers(config).items():
        for variable in judge.secrets:
            whose.setdefault(variable, []).append(name)
    for variable, names in whose.items():
        by = f"by {first_of(names)}"
        if _is_set(variable):
            yield Row(variable, "ok", f"set; named {by}")
        elif asked.isdisjoint(names):
            yield Row(variable, "note", f"not set; named {by}, which no table asks")
        else:
            advice = f"export {variable}=… in the shell that starts Snakemake"
            yield Row(variable, "problem", f"not set; named {by}", advice)
    found = "set" if _is_set(HUB_TOKEN) else "not set: needed for gated models alone"
    yield Row(HUB_TOKEN, "ok", found)


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable, "").strip())


def servers(config: Config) -> Iterator[Row]:
    """Whether the servers of the judges that a table asks answer, with the model in their list."""
    asked = _asked(config)
    for name, judge in _servers(config).items():
        if name not in asked:
            continue
        endpoint = endpoint_of(judge)
        if unset := [each for each in endpoint.secrets if not _is_set(each)]:
            yield Row(f"judge {name}", "note", f"not asked: {first_of(unset)} is not set")
        else:
            yield _server(name, endpoint)


def _server(name: str, endpoint: Endpoint) -> Row:
    check, where = f"judge {name}", endpoint.base_url
    try:
        listed = list_models(endpoint, min(endpoint.timeout_s, WITHIN_S))
    except UserError as error:
        advice = "do what it says; a server of one's own must be running"
        return Row(check, "problem", f"{where}: {error}", advice)
    if listed is None:
        advice = "if calls fail: check `base_url`, which often ends in /v1"
        return Row(check, "note", f"{where} answers, and keeps no list of its models", advice)
    if endpoint.model in listed:
        return Row(check, "ok", f"{where} answers and lists {endpoint.model}")
    found = f"{where} answers; {endpoint.model} is not in its list ({first_of(listed) or 'empty'})"
    return Row(check, "note", found, "check `model`; some servers take more than they list")


def own_server(config: Config) -> Iterator[Row]:
    """Whether the command of a server that is started for each policy is there."""
    if config.generation.backend != "openai":
        return
    program = shlex.split(config.generation.server.command)[0]
    if found := shutil.which(program):
        yield Row("generation.server", "ok", found)
    else:
        advice = "install it, or name its path in generation.server.command"
        yield Row("generation.server", "problem", f"{program}: no such command", advice)


class Wanted(NamedTuple):
    """A repository that a run would read, and whether other sources stand beside it."""

    source: HubSource
    kind: Literal["model", "dataset"]
    alone: bool


def hub(config: Config) -> Iterator[Row]:
    """Whether the hub, or its mirror, gives what is not here yet."""
    wanted = list(dict.fromkeys(_wanted(config)))
    if not wanted:
        yield Row("hub", "ok", "nothing is needed of it that is not here")
        return
    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    host = address._replace(netloc=address.netloc.rpartition("@")[2], query="").geturl()
    if constants.HF_HUB_OFFLINE:
        names = first_of([describe(each.source) for each in wanted])
        yield Row("hub", "note", f"HF_HUB_OFFLINE is set, and {names} is not here", "unset it")
        return
    for each in wanted:
        name = describe(each.source)
        try:
            require_access(each.source, each.kind, WITHIN_S)
        except UserError as error:
            state: Literal["note", "problem"] = "problem" if each.alone else "note"
            advice = "" if each.alone else "the other sources of its list are tried too"
            yield Row(name, state, f"{host}: {error}", advice)
        else:
            yield Row(name, "ok", f"{host} gives it at {each.source.revision[:12]}")


def _wanted(config: Config) -> Iterator[Wanted]:
    results, judges = Path(config.results), [config.judges[name] for name in _asked(config)]
    local = [judge.model for judge in judges if judge.backend != "openai"]
    models = config.models | config.policies
    for name in dict.fromkeys([config.model, *local, *shown_policies(config)]):
        if not (results / "models" / name).exists():
            yield from _hubs(models[name].sources, "model")
    for name in trained_datasets(config):
        dataset = config.datasets[name]
        if not (results / "data" / name).exists():
            yield from _hubs(dataset.sources, "dataset")
            yield from _hubs(dataset.heldout_sources, "dataset")
    for name in dict.fromkeys(asked.benchmark for asked in asked_benchmarks(config)):
        if not (results / "benchmarks" / name).exists():
            for part in ("sources", "prompts", "system_prompts", "references", "baseline"):
                yield from _hubs(getattr(config.benchmarks[name], part), "dataset")


def _hubs(sources: Sequence[Source], kind: Literal["model", "dataset"]) -> Iterator[Wanted]:
    for source in sources:
        if isinstance(source, HubSource):
            whole = kind == "model" and source.file is None
            if not (whole and cached_snapshot(source.hub, source.revision)):
                yield Wanted(source, kind, len(sources) == 1)


def _asked(config: Config) -> set[str]:
    return {judge for _, judge in table2_columns(config)}


def _servers(config: Config) -> dict[str, Judge]:
    return {name: each for name, each in config.judges.items() if each.backend == "openai"}
