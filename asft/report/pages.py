"""The report's writer: pages from templates, styles and scripts as they are, data as scripts.

Everything that comes from a file is escaped: by Jinja's autoescape in pages, by
`scripts.assignment` in data; the pages' own scripts put texts into text nodes and nowhere else.
Each page also carries a policy under which a browser runs no script but the report's own.
"""

import shutil
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from asft.config import (
    Config,
    all_contestants,
    all_trained,
    asked_benchmarks,
    figure_files,
    record_files,
    report_inputs,
    table_files,
)
from asft.errors import UserError
from asft.figures import colour_of
from asft.files import write_text
from asft.report import abilities, cards, differences, evidence, health, overview, tables, trust
from asft.report.answers import read_benchmark
from asft.report.matrix import matrices
from asft.report.provenance import provenance
from asft.report.scripts import assignment

HERE = Path(__file__).parent


def write_report(results: Path, config: Config, out: Path) -> None:
    """Write the report to the folder `out`, whole or not at all; what it held before is gone.

    Raises:
        UserError: a file that `report_plan.inputs` names is missing or unusable.
    """
    _require(results, config)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write_folder(results, config, partial)
        shutil.rmtree(out, ignore_errors=True)
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_folder(results: Path, config: Config, out: Path) -> None:
    shutil.copytree(HERE / "assets", out / "assets")
    answers = _write_data(results, config, out / "assets")
    _write_colours(config, out / "assets/colours.css")
    shown = [*table_files(config), *figure_files(config)]
    for name in [*shown, *record_files(config)]:
        (out / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(results / name, out / "files" / name)
    common = _common(results, config)
    healths = health.run_health(results, config, answers)
    _write_page("index.html", common | _front(results, config, healths), out)
    checks = {"healths": health.tables(healths), "rules": health.rules()}
    _write_page("health.html", common | checks, out)
    _write_page("samples.html", common, out)
    _write_page("matrix.html", common | {"matrices": matrices(results, config)}, out)


def _require(results: Path, config: Config) -> None:
    for name in report_inputs(config):
        if not (results / name).exists():
            raise UserError(f"{results / name}: no such file, and the report reads it")


def _write_data(results: Path, config: Config, assets: Path) -> list[health.Findings]:
    """Write all samples; return what the answers to each benchmark say of the runs' health."""
    names: list[str] = []
    found: list[health.Findings] = []
    methods = [*config.methods, *config.policies]
    asked = asked_benchmarks(config)
    read = (read_benchmark(results, each) for each in asked)
    for number, benchmark in enumerate(chain(read, abilities.samples(results, config))):
        for path, content in evidence.files(benchmark, methods, number):
            write_text(assets / path, content)
        names.append(benchmark.asked.benchmark)
        if number < len(asked):  # what Table 4 asks for are tasks, most of them without prose
            found.append(health.of_answers(results, config, benchmark))
    write_text(assets / "data/report.js", assignment("report", {"benchmarks": names}))
    return found


def _write_colours(config: Config, path: Path) -> None:
    """A class for each method; names of methods have no character that CSS could mistake."""
    methods = dict.fromkeys(c.method for c in all_contestants(config))
    methods |= dict.fromkeys(run.method for run in all_trained(config))
    known = [*config.methods, *config.policies]
    rules = (f".m-{name} {{ --method: {colour_of(name, known)} }}" for name in methods)
    write_text(path, "\n".join(rules) + "\n")


def _common(results: Path, config: Config) -> dict[str, Any]:
    return {
        "model": config.model,
        "note": " ".join(config.note.split()),
        "provenance": provenance(results, config),
    }


def _front(results: Path, config: Config, healths: list[health.RunHealth]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "facts": overview.facts(results, config),
        "tables3": tables.table3(results, config),
        "tables4": abilities.table4(results, config) if config.tables.table4 else [],
        "differences": [differences.table3(results, config)],
        "health": health.front(healths),
        "pictures": overview.pictures(results, config),
        "cost": overview.cost(results, config),
        "data_cards": cards.data(results, config),
        "benchmark_cards": cards.benchmarks(results, config),
        "table1": None,
        "table2": None,
        "table2_notes": [],
        "trust": None,
        "agreements": None,
    }
    if config.tables.table2:
        found |= {
            "table1": tables.table1(results),
            "table2": tables.table2(results, config),
            "table2_notes": tables.table2_notes(results, config),
            "trust": trust.trust(results, config),
            "agreements": trust.agreements(results, config),
        }
        ours, theirs = differences.table2(results, config), differences.published(results)
        found["differences"] = [ours, *found["differences"], theirs]
    if config.tables.table4:
        found["differences"].append(differences.table4(results, config))
    return found


def _write_page(name: str, context: dict[str, Any], folder: Path) -> None:
    write_text(folder / name, render(name, context))


def render(name: str, context: dict[str, Any]) -> str:
    """Return a page: a template, filled with texts that are escaped here."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    html = environment.get_template(name).render(context)
    # What no HTML file can hold: NUL, and halves of surrogate pairs.
    return html.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
