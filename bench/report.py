"""Size and first paint of the report as methods and questions grow.

By hand: python bench/report.py [--results results] [--methods 10 40] [--questions 1000]
Takes a finished default experiment (`snakemake --cores all`), and makes of its policies as many
methods, and of its questions as many questions, each with a number before its text; tables and
report are made of these by their own steps. First paint: where Chromium is, of the front page from
disk, the median of seven.
"""

import argparse
import csv
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from asft import config as plan

ROOT = Path(__file__).parents[1]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
DATASET, BENCHMARK = "ultrafeedback", "alpaca_en"


def experiment(methods: int) -> dict[str, Any]:
    """The default's config with so many methods, the untrained policy among them, and Table 3."""
    raw: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    names = [f"m{number}" for number in range(1, methods)]
    raw["methods"] |= {name: {"loss": "dpo", "beta": 0.1} for name in names}
    raw["tables"] |= {"table2": None, "table4": None}
    raw["tables"]["table3"] |= {"datasets": [DATASET], "methods": ["base", *names]}
    raw["figures"] |= {"margins": None, "cost": None}
    return raw


def numbered(rows: list[dict[str, Any]], count: int, key: str = "") -> list[dict[str, Any]]:
    """So many rows, made of these in turn, with new ids and (`key`) other texts."""
    made = []
    for number in range(count):
        row = rows[number % len(rows)]
        changed = {key: [f"{number}: {text}" for text in row[key]]} if key else {}
        made.append(row | {"question_id": f"q{number}"} | changed)
    return made


def grown(source: Path, out: Path, count: int) -> None:
    """Write a JSON-lines or a score file with so many questions."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with source.open(encoding="utf-8", newline="") as file, out.open("w", newline="") as made:
        if source.suffix == ".csv":
            rows = list(csv.DictReader(file))
            writer = csv.DictWriter(made, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(numbered(rows, count))
        else:
            rows = [json.loads(line) for line in file]
            made.writelines(json.dumps(row) + "\n" for row in numbered(rows, count, "turns"))


def source_of(path: str, results: Path) -> Path:
    """The file of the finished experiment that stands for one of the grown one."""
    answered = f"runs/{DATASET}/*/seed*/completions/{BENCHMARK}.jsonl"
    trained = sorted({file.parts[-4] for file in results.glob(answered)})
    named = re.sub(r"/m(\d+)/", lambda at: f"/{trained[int(at[1]) % len(trained)]}/", path)
    if "/seed" in named:
        run = re.sub(r"/seed\d+/.*", "", named)
        seed = next((results / run).glob("seed*")).name
        named = re.sub(r"seed\d+", seed, named)
    if (results / named).exists():
        return results / named
    other = next(results.glob(f"*{Path(named).suffix}"), None)  # a figure, as large as another
    if other is None:
        raise SystemExit(f"{results / named}: no such file; make the whole default experiment")
    return other


def fill(results: Path, folder: Path, config: Any, count: int) -> None:
    """Write all that the report reads but the tables."""
    for path in plan.report_inputs(config):
        source, out = source_of(path, results), folder / path
        if path.startswith("table"):
            continue
        if source.is_dir():
            shutil.copytree(source, out, ignore=shutil.ignore_patterns("*.safetensors"))
        elif BENCHMARK in path and source.name != "card.json":
            grown(source, out, count)
        else:
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, out)


def table3(folder: Path, config: Any) -> list[str]:
    """The command that makes the table."""
    about = {"benchmark": BENCHMARK, "model": config.model, "note": "", "statistics": {}}
    words = ["asft", "table3", "--settings", json.dumps(about), "--out", str(folder / "table3.csv")]
    for asked in plan.asked_benchmarks(config):
        for row in asked.contestants:
            path = folder / row.scores(BENCHMARK, "references")
            words += ["--score", f"{row.dataset},{row.method},{row.seed}={path}"]
    return words


def first_paint(page: Path, repeats: int = 7) -> str:
    """The browser's own measure of a page's first contentful paint, each in a new context."""
    chromium = shutil.which("chromium")
    if not chromium:
        return "not measured: no Chromium"
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(repeats):
            tab = browser.new_context().new_page()
            tab.goto(page.resolve().as_uri())
            tab.wait_for_timeout(300)
            found.append(tab.evaluate(PAINT))
        browser.close()
    return f"{statistics.median(found):.0f} ms"


def measure(results: Path, methods: int, questions: int) -> None:
    """Make one report, and print what it weighs."""
    raw = experiment(methods)
    config = plan.load(raw)
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch, "results"), Path(scratch, "results/report")
        fill(results, folder, config, questions)
        report = ["asft", "report", "--settings", json.dumps(raw), "--results", str(folder)]
        for words in (table3(folder, config), [*report, "--out", str(out)]):
            words[0] = str(Path(sys.executable).with_name("asft"))
            subprocess.run(words, check=True, cwd=ROOT)
        pages = {page.name: page.stat().st_size / 1e6 for page in sorted(out.glob("*.html"))}
        files = [file.stat().st_size for file in out.rglob("*") if file.is_file()]
        paint, size = first_paint(out / "index.html"), sum(files) / 1e6
        print(
            f"{methods} methods, {questions} questions: first paint {paint};"
            f" {', '.join(f'{name} {page:.2f} MB' for name, page in pages.items())};"
            f" all {len(files)} files {size:.1f} MB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--methods", type=int, nargs="+", default=[10, 40])
    parser.add_argument("--questions", type=int, default=1000)
    chosen = parser.parse_args()
    for methods in chosen.methods:
        measure(chosen.results, methods, chosen.questions)


if __name__ == "__main__":
    main()
