"""What of a config fits its type but cannot work: found before any job, not after the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asft.source_kinds import HubSource

if TYPE_CHECKING:
    from asft.config import Benchmark, Config

# The formats whose questions a protocol can score. Judges of single answers take one or two turns;
# a game has one, and reference metrics need a gold answer as well.
FORMATS = {
    "references": ["alpaca"],
    "mt_bench": ["mt_bench", "arena_hard", "alpaca"],
    "arena_hard": ["arena_hard", "alpaca"],
}
NEEDED = {"references": [], "mt_bench": ["prompts"], "arena_hard": ["prompts", "baseline"]}


def check_benchmarks(config: Config) -> None:
    """Refuse benchmarks that cannot be scored, and a Table 3 without reference answers.

    Raises:
        ValueError: says which key is at fault.
    """
    for name, benchmark in config.benchmarks.items():
        _check(benchmark, f"benchmarks.{name}")
    asked = config.tables.table3.benchmark
    if config.benchmarks[asked].protocol != "references":
        others = [n for n, b in config.benchmarks.items() if b.protocol == "references"]
        raise ValueError(
            f"tables.table3.benchmark: {asked!r} has the protocol"
            f" {config.benchmarks[asked].protocol}, but Table 3 needs one with the protocol"
            f" references; there is: {', '.join(others) or 'none'}"
        )


def _check(benchmark: Benchmark, key: str) -> None:
    protocol = benchmark.protocol
    if benchmark.format not in FORMATS[protocol]:
        raise ValueError(
            f"{key}.format: {benchmark.format!r} cannot be scored by the protocol {protocol},"
            f" which takes {' or '.join(FORMATS[protocol])}"
        )
    for part in NEEDED[protocol]:
        if not getattr(benchmark, part):
            raise ValueError(f"{key}.{part}: the protocol {protocol} needs a source here")
    for part in ("prompts", "references"):
        for number, source in enumerate(getattr(benchmark, part)):
            if isinstance(source, HubSource) and source.file is None:
                raise ValueError(f"{key}.{part}.{number}.file: needed, the path of the one file")
