"""The provenance of everything in a report: settings, seeds, versions, hashes, dates."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from asft import __version__
from asft.config import Config, Run, all_trained, asked_benchmarks, report_inputs, starts_named
from asft.errors import UserError
from asft.files import file_sha256, read_json
from asft.losses import loss_label

PACKAGES = "torch transformers tokenizers accelerate sacrebleu rouge-score rouge-chinese nltk jieba"
PACKAGES += " numpy scipy pandas snakemake"


class RunSettings(NamedTuple):
    """The settings of one trained policy, and the facts of it that stand in the overview.

    `text` is its settings.yaml.
    """

    key: str
    method: str
    dataset: str
    seed: int
    starts: list[str]  # methods trained before it, in order
    loss: str
    hyperparameters: str
    data: str  # fingerprint, shortened
    version: str
    text: str


class Provenance(NamedTuple):
    """The provenance of a report, the same on every page."""

    date: str  # when the last policy was trained; "" if no file says
    versions: list[tuple[str, str]]
    model: list[tuple[str, str]]
    runs: list[RunSettings]
    slices: list[tuple[str, str]]  # (what, that part of the config as YAML)
    files: list[tuple[str, str]]  # (path below <results>, sha256)


def provenance(results: Path, config: Config) -> Provenance:
    """Read the report's provenance from the artefacts alone.

    So the same files give the same pages on any day.

    Raises:
        UserError: a settings.yaml is not that of a run.
    """
    trained = all_trained(config)
    costs = [read_json(results / "runs" / run.folder / "cost.json") for run in trained]
    card = read_json(results / "models" / config.model / "card.json")
    return Provenance(
        max((str(found.get("finished", "")) for found in costs), default=""),
        _versions(),
        [(key, str(value)) for key, value in _flat(card)],
        [_run(results, run, starts_named(config, *run[:2])) for run in trained],
        _slices(config),
        _hashes(results, config),
    )


def _run(results: Path, run: Run, starts: list[str]) -> RunSettings:
    path = results / "runs" / run.folder / "settings.yaml"
    try:
        text = path.read_text(encoding="utf-8")
        found = yaml.safe_load(text)
        given = ", ".join(f"{key} {value:g}" for key, value in found["hyperparameters"].items())
        origin = found["provenance"]
        return RunSettings(
            *(run.folder, run.method, run.dataset, run.seed, starts),
            *(loss_label(found["loss"]), given, origin["data"][:16], origin["asft"], text),
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a run's settings ({error}); make it again") from error


def _slices(config: Config) -> list[tuple[str, str]]:
    """What shaped answers, verdicts and intervals; what shaped a policy is in its settings."""
    asked = asked_benchmarks(config)
    judges = dict.fromkeys(judge for each in asked for judge in each.judges)
    shown = {"decoding", "temperatures", "limit", "sample_seed", "prompts", "references"}
    parts = {
        "benchmarks": {
            each.benchmark: config.benchmarks[each.benchmark].model_dump(include=shown)
            for each in asked
        },
        "generation": config.generation.model_dump(),
        "judges": {name: config.judges[name].model_dump() for name in judges},
        "statistics": config.statistics.model_dump(),
    }
    return [(name, yaml.safe_dump(part, sort_keys=False)) for name, part in parts.items() if part]


def _versions() -> list[tuple[str, str]]:
    """Of the environment that builds the report, which need not be the one that trained."""
    found = [("asft", __version__), ("Python", platform.python_version())]
    for name in PACKAGES.split():
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _hashes(results: Path, config: Config) -> list[tuple[str, str]]:
    """sha256 of every file that the report reads; of a folder, of the files right in it."""
    found = []
    for name in report_inputs(config):
        path = results / name
        files = [path / "card.json"] if name.startswith("models/") else [path]
        if path.is_dir() and not name.startswith("models/"):
            files = sorted(child for child in path.iterdir() if not child.name.startswith("."))
        found += [(f"{file.relative_to(results)}", file_sha256(file)) for file in files]
    return found


def _flat(card: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = []
    for key, value in card.items():
        if isinstance(value, dict):
            facts += _flat(value, f"{prefix}{key} ")
        else:
            fact = (", ".join(map(str, value)) or "none") if isinstance(value, list) else value
            facts.append((f"{prefix}{key}".replace("_", " "), fact))
    return facts
