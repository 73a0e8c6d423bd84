"""A benchmark: from its sources to questions, their reference answers and a card.

Reads  the sources of benchmarks.{benchmark}
Writes <results>/benchmarks/{benchmark}/questions.jsonl, card.json, judge/ (prompts, references,
       baseline's answers; empty where no judge is needed)
By hand: asft prepare-benchmark --settings JSON --name NAME --out DIR
"""

import shutil
from pathlib import Path

from asft.answers import load_baseline
from asft.config import Benchmark
from asft.data import prepare_benchmark as prepare
from asft.records import write_jsonl


def prepare_benchmark(settings_json: str, name: str, out: Path) -> None:
    """Prepare one benchmark; `settings_json` is its part of the config."""
    from asft.sources import fetch, load_rows

    benchmark = Benchmark.model_validate_json(settings_json)
    prepare(benchmark, name, load_rows(benchmark.sources), out)
    # Kept as they came, in upstream's formats: the judge's messages must match to the byte.
    folder = out / "judge"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    prompts = "prompts.yaml" if benchmark.protocol == "arena_hard" else "prompts.jsonl"
    for filename, sources in [
        (prompts, benchmark.prompts),
        ("references.jsonl", benchmark.references),
    ]:
        if sources:
            shutil.copyfile(fetch(sources), folder / filename)
    if benchmark.baseline:
        answers = load_baseline(load_rows(benchmark.baseline), f"baseline of {name}")
        write_jsonl(folder / "baseline.jsonl", answers.values())
