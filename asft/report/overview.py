"""The front page around the tables: what was run, what it cost, the figures."""

from pathlib import Path
from typing import Any, NamedTuple

from asft.config import (
    FIGURE_ENDINGS,
    Asked,
    Config,
    all_contestants,
    all_trained,
    asked_benchmarks,
    figure_names,
    shown_policies,
    starts_named,
    trained_on,
)
from asft.files import read_json, read_jsonl
from asft.records import Question
from asft.report.cells import (
    NONE,
    HtmlCell,
    HtmlTable,
    heads,
    number_heads,
    read_rows,
    samples_link,
)

Facts = list[tuple[str, str]]
EVIDENCE = 2  # a figure of more questions than these links none of them
TITLES = {
    "mt_bench": "MT-Bench by category",
    "length": "Score against length",
    "differences": "Differences between methods",
    "refusals": "Refusals of safe and of unsafe prompts",
    "calibration": "Calibration of choices",
    "search": "Settings that were tried",
}


class Picture(NamedTuple):
    """One figure: files that were copied beside the page, and the samples that it shows."""

    name: str
    title: str
    png: str
    files: list[str]
    samples: list[tuple[str, str]]  # (question id, link)


def facts(results: Path, config: Config) -> Facts:
    """Return what was run, in a few lines of (name, value)."""
    model = read_json(results / "models" / config.model / "card.json")
    asked = asked_benchmarks(config)
    judges = list(dict.fromkeys(judge for each in asked for judge in each.judges))
    policies = shown_policies(config)
    methods = list(dict.fromkeys(c.method for c in all_contestants(config)))
    methods = [name for name in methods if name not in policies]
    training = config.training
    found = [
        ("Base policy", f"{config.model}, {_parameters(model)}"),
        ("Trained on", ", ".join(trained_on(config)) or NONE),
        ("Methods", ", ".join(_method(config, name) for name in methods if _is_method(name))),
        ("Chains", ", ".join(_chains(config))),
        ("Not trained here", "; ".join(_source(results, name) for name in policies)),
        (
            "Training",
            f"epochs {training.epochs:g}, pairs a step {training.batch_size}, learning rate"
            f" {training.learning_rate:g}" + _overridden(config, methods),
        ),
        ("Seeds", ", ".join(map(str, config.seeds))),
        ("Asked", ", ".join(_asked(config, asked))),
        ("Judged by", ", ".join(f"{name} ({config.judges[name].model})" for name in judges)),
        ("Intervals", f"{100 * config.statistics.confidence:g} %, {_intervals(config)}"),
    ]
    return [(name, value) for name, value in found if value]


def cost(results: Path, config: Config) -> HtmlTable:
    """Return the table of what training took, run by run: seconds, pairs per second, peak GB."""
    lines = []
    for run in all_trained(config):
        starts = starts_named(config, run.dataset, run.method)
        folder = f"runs/{run.folder}"
        found, link = read_json(results / folder / "cost.json"), f"files/{folder}/cost.json"
        lines.append(
            [
                HtmlCell(run.dataset),
                HtmlCell(run.method, _after(starts), method=run.method),
                HtmlCell(str(run.seed), link=f"files/{folder}/settings.yaml", number=True),
                HtmlCell(_number(found, "seconds", 1), link=link, number=True),
                HtmlCell(_number(found, "pairs_per_second", 2), link=link, number=True),
                HtmlCell(_number(found, "peak_memory_bytes", 2, 1e-9), link=link, number=True),
                HtmlCell(f"{found.get('device', NONE)}, {found.get('precision', NONE)}"),
            ]
        )
    head = heads("Data set", "Method") + number_heads(
        "Seed", "Training, s", "Pairs/s", "Peak memory, GB"
    )
    return HtmlTable("Cost", "", [*head, *heads("Device")], lines)


def pictures(results: Path, config: Config) -> list[Picture]:
    """Return the figures, each with links to the samples of its numbers, where these are few."""
    asked = [each.benchmark for each in asked_benchmarks(config)]
    ids = {name: _question_ids(results, name) for name in asked}
    found = []
    for name in figure_names(config):
        rows = read_rows(results / f"{name}.csv")
        keys = list(dict.fromkeys(row["question_id"] for row in rows if row.get("question_id")))
        homes = [(key, next((b for b in asked if key in ids[b]), "")) for key in keys]
        links = [(key, samples_link(home, q=key)) for key, home in homes if home]
        files = [f"{name}.{ending}" for ending in FIGURE_ENDINGS]
        shown = links if len(links) <= EVIDENCE else []
        found.append(Picture(name, _title(name), files[0], files[1:], shown))
    return found


def _question_ids(results: Path, benchmark: str) -> set[str]:
    path = results / "benchmarks" / benchmark / "questions.jsonl"
    return {question.question_id for question in read_jsonl(path, Question)}


def _title(name: str) -> str:
    """The words for a figure's file name: "figure2a" is "Figure 2a", the others have their own."""
    rest = name.removeprefix("figure").removeprefix("_")
    if rest.startswith("training_"):
        return f"Training on {rest.removeprefix('training_')}"
    return f"Figure {rest}" if rest[:1].isdigit() else TITLES.get(rest, rest)


def _intervals(config: Config) -> str:
    if len(config.seeds) == 1:
        return "over questions; another seed is not in them"
    return f"over questions and {len(config.seeds)} training seeds"


def _is_method(name: str) -> bool:
    return not name.startswith("control_")


def _method(config: Config, name: str) -> str:
    if config.search and name in config.search.methods:
        return f"{name} (settings: the best of {config.search.trials} trials)"
    row = config.methods.get(name)
    given = row.hyperparameters if row else {}
    return name + (f" ({', '.join(f'{k} {v:g}' for k, v in given.items())})" if given else "")


def _source(results: Path, policy: str) -> str:
    """A policy that was not trained here, and where it comes from, by its card."""
    card = read_json(results / "models" / policy / "card.json")
    source = ", ".join(f"{key} {value}" for key, value in card.get("source", {}).items())
    adapter = f"an adapter of {card['adapter_of']}, " if "adapter_of" in card else ""
    return f"{policy} ({adapter}{source or 'its card names no source'}; {_parameters(card)})"


def _after(starts: list[str]) -> str:
    return f"after {' → '.join(starts)}" if starts else ""


def _chains(config: Config) -> list[str]:
    """Methods that start from another's policy, each as all that is trained for it."""
    runs = [(run.method, starts_named(config, *run[:2])) for run in all_trained(config)]
    return list(dict.fromkeys(" → ".join([*starts, name]) for name, starts in runs if starts))


def _overridden(config: Config, methods: list[str]) -> str:
    own = [name for name in methods if name in config.methods and config.methods[name].training]
    return f" (otherwise: {', '.join(own)})" if own else ""


def _asked(config: Config, asked: list[Asked]) -> list[str]:
    """All benchmarks, each with its protocol."""
    found = [(each.benchmark, each.protocol) for each in asked]
    if table := config.tables.table4:
        found += [(name, config.benchmarks[name].protocol) for name in table.benchmarks]
    return [f"{name} ({protocol.replace('_', ' ')})" for name, protocol in found]


def _parameters(card: dict[str, Any]) -> str:
    count = card.get("parameters")
    return f"{count:,} parameters" if count else "parameters not counted"


def _number(card: dict[str, Any], key: str, digits: int, scale: float = 1) -> str:
    return f"{scale * card[key]:,.{digits}f}" if key in card else NONE
