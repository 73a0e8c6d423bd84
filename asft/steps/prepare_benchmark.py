"""A benchmark: from its sources to questions, their reference answers and a card.

Reads  the sources of benchmarks.{benchmark}
Writes <results>/benchmarks/{benchmark}/questions.jsonl, card.json
By hand: asft prepare-benchmark --settings JSON --name NAME --out DIR
"""

from pathlib import Path

from asft.config import Benchmark
from asft.data import prepare_benchmark as prepare


def prepare_benchmark(settings_json: str, name: str, out: Path) -> None:
    """Prepare one benchmark; `settings_json` is its part of the config."""
    from asft.sources import load_rows

    benchmark = Benchmark.model_validate_json(settings_json)
    prepare(benchmark, name, load_rows(benchmark.sources), out)
