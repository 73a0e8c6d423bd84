"""Two experiments side by side: which settings differ, which numbers moved, and by how much.

Reads  two results folders: the settings of runs, the cards of models, data and benchmarks, scores
Writes nothing, or OUT/compare.csv, OUT/settings.csv and OUT/index.html
By hand: asft compare results yesterday/results --out changes
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
import yaml
from typer import Argument

from asft.config import Statistics
from asft.errors import UserError
from asft.files import read_json, write_text
from asft.report.cells import HtmlCell, HtmlTable, heads, number_heads
from asft.tables import Scored, explain_verdict, moves, score_files, signed

# What is written of runs and of what they were made from.
WRITTEN = [
    "runs/**/settings.yaml",
    "models/*/card.json",
    "data/*/counts.json",
    "benchmarks/*/card.json",
]
ROWS = ["dataset", "method", "benchmark", "judge", "metric", "before", "after", "difference"]
ROWS += ["low", "high", "p_value", "verdict", "n"]
First = Annotated[Path, Argument(help="results of before")]
Second = Annotated[Path, Argument(help="results of after")]


class Change(NamedTuple):
    """A setting that differs, and the files in which it does so."""

    key: str
    before: str
    after: str
    files: list[str]


def compare_results(
    before: First,
    after: Second,
    out: Path | None = None,
    confidence: float = Statistics().confidence,
) -> None:
    """Print which settings of two results folders differ, and which numbers moved.

    Numbers are compared over the same questions, method by method, as the tables compare methods.

    Args:
        out: a folder for the same as compare.csv, settings.csv and a page
        confidence: of intervals and verdicts

    Raises:
        UserError: a folder holds no scores.
    """
    statistics = Statistics(confidence=confidence)
    files = [score_files(folder) for folder in (before, after)]
    for folder, found in zip((before, after), files, strict=True):
        if not found:
            raise UserError(f"{folder}: no scores in {folder / 'runs'}; is this a results folder?")
    changed = changes(before, after)
    rows: list[dict[str, Any]] = []
    silent = [f"only in {before}: {_named(x)}" for x in files[0] if x not in files[1]]
    silent += [f"only in {after}: {_named(x)}" for x in files[1] if x not in files[0]]
    for about in (each for each in files[0] if each in files[1]):
        try:
            rows += list(moves(files[0][about], files[1][about], about, statistics))
        except UserError as error:
            silent.append(f"not compared: {_named(about)}: {error}")
    print(_text(changed, rows, silent))
    if out:
        _write(out, before, after, changed, rows, silent)


def changes(before: Path, after: Path) -> list[Change]:
    """Return the settings that differ, the most frequent first, of files that both folders have."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for pattern in WRITTEN:
        for path in sorted(before.glob(pattern)):
            name = path.relative_to(before)
            if not (after / name).is_file():
                continue
            first, second = dict(_flat(_read(path))), dict(_flat(_read(after / name)))
            for key in dict.fromkeys([*first, *second]):
                was, now = (json.dumps(x.get(key), ensure_ascii=False) for x in (first, second))
                if was != now:
                    found.setdefault((key, was, now), []).append(str(name))
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Change(*key, files) for key, files in ranked]


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.suffix == ".yaml" else read_json(path)


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings: training.learning_rate, 1e-4."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _named(about: Scored) -> str:
    where = f"{about.dataset}/" if about.dataset != "-" else ""
    return f"{where}{about.method} on {about.benchmark}" + (
        f" by {about.judge}" if about.judge else ""
    )


def _text(changed: list[Change], rows: list[dict[str, Any]], silent: list[str]) -> str:
    differ = "1 setting differs" if len(changed) == 1 else f"{len(changed)} settings differ"
    lines = [differ + (":" if changed else ".")]
    for key, before, after, files in changed:
        lines.append(f"  {key}: {before} -> {after} ({_counted(files)})")
    moved = [row for row in rows if row["verdict"] in ("better", "worse")]
    same = sum(row["difference"] == 0 for row in rows)
    counts = f"{len(rows)} numbers compared: {len(moved)} moved more than noise,"
    counts += f" {len(rows) - len(moved) - same} within it, {same} not at all"
    lines.append(counts + (":" if moved else "."))
    lines += [f"  {_named(_about(r))}, {r['metric']}: {' '.join(_values(r))}" for r in moved]
    return "\n".join([*lines, *silent])


def _counted(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{len(files)} files, the first {files[0]}"


def _about(row: dict[str, Any]) -> Scored:
    return Scored(*(row[name] for name in Scored._fields))


def _values(row: dict[str, Any]) -> list[str]:
    """Before and after, the difference with its interval, and the word."""
    digits = row["digits"]
    before, after, low, high = (f"{row[k]:z.{digits}f}" for k in ("before", "after", "low", "high"))
    difference = f"{signed(row['difference'], digits)} [{low}, {high}]"
    return [f"{before} -> {after}", difference, explain_verdict(row)]


def _write(
    out: Path,
    before: Path,
    after: Path,
    changed: list[Change],
    rows: list[dict[str, Any]],
    silent: list[str],
) -> None:
    from asft.report.pages import HERE, render

    table = pd.DataFrame(rows, columns=ROWS)
    write_text(out / "compare.csv", table.to_csv(index=False, lineterminator="\n"))
    listed = pd.DataFrame([[*c[:3], ";".join(c.files)] for c in changed], columns=Change._fields)
    write_text(out / "settings.csv", listed.to_csv(index=False, lineterminator="\n"))
    shutil.copytree(HERE / "assets", out / "assets", dirs_exist_ok=True)
    settings = [[*map(HtmlCell, (*c[:3], _counted(c.files)))] for c in changed]
    numbers = [
        [HtmlCell(_named(_about(row))), HtmlCell(row["metric"])]
        + [HtmlCell(text, number=place < 2) for place, text in enumerate(_values(row))]
        for row in rows
    ]
    head = [*heads("Of what", "Metric"), *number_heads("Before, after", "Difference"), *heads("Is")]
    tables = [
        HtmlTable("Settings that differ", "", heads("Key", "Before", "After", "Where"), settings),
        HtmlTable("Numbers", "After minus before, over the same questions.", head, numbers),
    ]
    context = {"before": str(before), "after": str(after), "tables": tables, "silent": silent}
    write_text(out / "index.html", render("compare.html", context))
